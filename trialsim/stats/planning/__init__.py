"""Effects, sizes and power without patients."""
