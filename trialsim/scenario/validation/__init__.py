"""How a value is refused, and where it stands in its file."""
