"""Rank statistics batched over replicates: arrays in, arrays out; the last axis is patients."""
