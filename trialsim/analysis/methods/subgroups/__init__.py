"""Analyses that compare subgroups."""
