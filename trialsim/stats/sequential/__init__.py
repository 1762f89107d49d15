"""Trials that look at their data before the end: bounds on z, power at a look, and inference."""
