"""Figures of trials that look: bounds, where trials end, who is in by then, what that saves."""
