"""Study files: YAML is here alone."""
