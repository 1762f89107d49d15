"""Methods that compare several doses with one control together."""
