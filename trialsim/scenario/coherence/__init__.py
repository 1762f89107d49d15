"""What one part of a study names, another part must hold."""
