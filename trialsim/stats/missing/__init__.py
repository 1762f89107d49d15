"""Missing scores filled in, and what that costs."""
