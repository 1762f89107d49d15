"""Counting in rows that are in order: how many of each replicate's minutes are at most some."""

from typing import Final

import numpy as np

from trialsim.arrays import Integers

_SPAN: Final = 2**42
"""Further apart than any two different minutes of a trial."""


class OrderedRows:
    """Minutes in order along the last axis, shape (replicate, ...), to be counted again and again.

    >>> OrderedRows(np.array([[1, 5, 9], [2, 3, 4]])).at_most(np.array([[5, 8], [1, 3]])).tolist()
    [[2, 2], [0, 2]]
    """

    def __init__(self, minutes: Integers) -> None:
        """Take minutes, shape (replicate, place)."""
        self._width = minutes.shape[1]
        self._first = np.arange(len(minutes))
        self._keys = (np.minimum(minutes, _SPAN - 1) + self._first[:, None] * _SPAN).ravel()

    def at_most(self, minutes: Integers) -> Integers:
        """Return how many of each replicate's are at most these, in their shape."""
        own = self._first.reshape(-1, *[1] * (minutes.ndim - 1))
        keys = np.clip(minutes, -1, _SPAN - 1) + own * _SPAN
        return np.asarray(np.searchsorted(self._keys, keys, side="right") - own * self._width)
