"""Several outcomes of the same patients tested together."""
