"""What is done to patients, and how the trial is run."""
