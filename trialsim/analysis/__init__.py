"""An analysis plan applied to a trial: estimates, intervals and p-values."""
