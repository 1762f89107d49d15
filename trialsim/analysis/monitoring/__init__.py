"""Looks at the data of a batch: when they fall, what they find, and what is decided."""
