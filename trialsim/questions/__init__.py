"""One question, one answer: a module or folder for each."""
