"""Times to an event of simulated trials, and their comparison."""
