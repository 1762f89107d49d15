"""Data sets: tables of a trial, simulated or not, read and checked to be analysed by a plan."""
