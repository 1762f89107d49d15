"""Means, proportions and odds of two samples."""
