"""What is estimated and tested, and what was published."""
