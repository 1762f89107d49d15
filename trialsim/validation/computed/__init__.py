"""What the package finds for the reference cases, a file for each room of the statistics."""
