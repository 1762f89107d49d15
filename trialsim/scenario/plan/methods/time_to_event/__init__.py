"""Methods that compare the times to an event, some of them censored."""
