"""Many trials of one study, a few dozen numbers of each, in parallel."""
