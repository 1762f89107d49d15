"""Times to an event, of whole days, some of them censored: one arm, or one against another."""
