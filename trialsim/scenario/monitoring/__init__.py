"""Trials that look: when a board sees the data, and what it may decide."""
