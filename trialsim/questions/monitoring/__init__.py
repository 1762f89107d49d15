"""Questions about trials that look: their bounds, before any trial is run."""
