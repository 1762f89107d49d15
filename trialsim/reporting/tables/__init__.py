"""Results as the tables of a page."""
