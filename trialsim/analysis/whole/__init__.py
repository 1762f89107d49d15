"""Whole trials in C, of studies that need no more than C knows: their patients, counted."""
