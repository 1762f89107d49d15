"""Many replicates of a study: power, operating characteristics, comparisons."""
