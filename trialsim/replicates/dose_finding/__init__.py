"""What is kept of each replicate of a dose finding, and what the replicates say of it."""
