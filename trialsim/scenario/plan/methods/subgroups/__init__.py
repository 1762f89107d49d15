"""Methods that compare subgroups."""
