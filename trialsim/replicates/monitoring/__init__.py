"""What is kept of trials that look, and what it says of their looks."""
