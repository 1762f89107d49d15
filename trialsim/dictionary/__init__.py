"""Data dictionaries: what each column of every table that leaves is, its type, unit and codes."""
