"""Several trials together."""
