"""What users bring: analyses and courses as Python functions, which a study file can only name."""
