"""Stages of a trial in C, which give the same bits as the NumPy code that they stand for."""
