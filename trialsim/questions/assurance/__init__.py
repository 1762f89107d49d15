"""Power averaged over a prior distribution of the effect."""
