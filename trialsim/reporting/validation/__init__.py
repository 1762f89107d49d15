"""The validation of an installation, as text and as a page."""
