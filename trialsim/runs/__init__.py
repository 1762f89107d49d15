"""Replicates on disk, which can be stopped, resumed, split, merged and replayed."""
