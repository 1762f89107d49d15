"""What is measured, how it develops, and what the drug adds."""
