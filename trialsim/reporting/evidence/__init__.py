"""What a report is built from, beside the run itself."""
