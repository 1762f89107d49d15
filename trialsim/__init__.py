"""Patient-level simulation of randomised trials with bounded rank outcomes."""
