"""Designs compared with a base on the same random numbers."""
