"""Figures of designs: power, size, assurance and their like."""
