"""The number, of patients or anything else, that gives a power."""
