"""The types of the arrays that travel through the package, and picking places along one axis."""

from functools import cache, cached_property
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
Integers: TypeAlias = NDArray[np.integer[Any]]
Booleans: TypeAlias = NDArray[np.bool_]
Words: TypeAlias = NDArray[np.uint32]
"""Random numbers as whole numbers of 32 bits; see `streams`."""

Values = TypeVar("Values", Floats, Words, Integers, Booleans)


class RowIndex:
    """Places along the second axis, a row a replicate, to take the same from many arrays.

    >>> RowIndex(np.array([[2, 0], [1, 1]])).of(np.array([[1, 2, 3], [4, 5, 6]]))
    array([[3, 1],
           [5, 5]])
    """

    def __init__(self, places: Integers) -> None:
        """Take places, shape (replicate, place)."""
        self.places = places
        self._width = -1
        self._flat = places

    @cached_property
    def reach(self) -> int:
        """How wide an axis must be to have all places."""
        return int(self.places.max(initial=-1)) + 1

    def of(self, values: Values) -> Values:
        """Return each replicate's values at the places, shape (replicate, place, ...).

        A third axis is kept outermost in memory, where sums over it are fast.
        """
        if values.shape[1] != self._width:
            self._width = values.shape[1]
            self._flat = self.places + np.arange(len(self.places))[:, None] * self._width
        if values.ndim == 2:
            chosen: Values = np.ascontiguousarray(values).take(self._flat)
            return chosen
        layers: Values = np.empty((values.shape[2], *self.places.shape), values.dtype)
        for place, layer in enumerate(np.moveaxis(values, 2, 0)):
            np.ascontiguousarray(layer).take(self._flat, out=layers[place], mode="clip")
        return np.moveaxis(layers, 0, 2)


class Pairs(RowIndex):
    """Some pairs of a row and a place, taken from many arrays as if they were one row.

    >>> Pairs(np.array([1, 0]), np.array([2, 0])).of(np.array([[1, 2, 3], [4, 5, 6]]))
    array([[6, 1]])
    """

    def __init__(self, rows: Integers, places: Integers) -> None:
        """Take the rows and the places in them, shape (pair,) both."""
        super().__init__(places)
        self.rows = rows

    @classmethod
    def where(cls, there: Booleans) -> "Pairs":
        """Return the pairs at which something holds, in order, shape (replicate, place).

        >>> Pairs.where(np.array([[False, True], [True, True]])).places
        array([1, 0, 1])
        """
        width = there.shape[1]
        rows = np.arange(len(there)).repeat(np.count_nonzero(there, axis=1))
        return cls(rows, np.flatnonzero(there) - rows * width)  # several times as fast as nonzero

    @cached_property
    def key(self) -> tuple[bytes, bytes]:
        """What two objects have in common that name the same pairs in the same order."""
        return self.rows.tobytes(), self.places.tobytes()

    def of(self, values: Values) -> Values:
        """Return the values at the pairs, shape (1, pair, ...)."""
        chosen: Values
        if values.ndim > 2 or not values.flags.c_contiguous:
            chosen = values[self.rows, self.places][None]
            return chosen
        if values.shape[1] != self._width:  # flat places are several times as fast
            self._width = values.shape[1]
            self._flat = (self.places + self.rows * self._width)[None]
        chosen = values.take(self._flat)
        return chosen

    def among(self, chosen: Booleans) -> "Pairs":
        """Return some of the pairs, shape (pair,)."""
        return Pairs(self.rows[chosen], self.places[chosen])


def take_rows(values: Values, places: Integers) -> Values:
    """Return each replicate's values at places of the second axis, as `RowIndex` does once.

    >>> take_rows(np.array([[1, 2, 3], [4, 5, 6]]), np.array([[2, 0], [1, 1]]))
    array([[3, 1],
           [5, 5]])
    """
    return RowIndex(places).of(values)


def empty_by_layer(shape: tuple[int, int, int], dtype: type) -> NDArray[Any]:
    """Return room of shape (replicate, unit, layer) whose layers are outermost in memory."""
    return np.moveaxis(np.empty((shape[2], *shape[:2]), dtype), 0, 2)


def read_only(values: Values) -> Values:
    """Return a view that cannot be written to, nor be made writable, as its base is read-only.

    >>> read_only(np.array([1, 2])).setflags(write=True)
    Traceback (most recent call last):
    ValueError: cannot set WRITEABLE flag to True of this array
    """
    view: Values = np.asarray(values.data.toreadonly())
    return view


@cache
def keep_freed_memory() -> None:
    """Have the memory of arrays kept for the next ones, where the C library is that of GNU.

    It returns freed blocks above a size to the system, and every page of the next is then fetched
    anew. That size grows to the largest block yet freed, to 32 MiB at most (mallopt(3), on
    M_MMAP_THRESHOLD). The block that is freed here takes no memory, as nothing is written to it.
    """
    np.empty(31 * 2**20, np.uint8)


def divide(
    numerator: Floats | Integers, denominator: Floats | Integers, otherwise: float
) -> Floats:
    """Divide where the denominator is positive, and return `otherwise` elsewhere.

    >>> divide(np.array([1.0, 2.0]), np.array([4.0, 0.0]), np.nan).tolist()
    [0.25, nan]
    """
    quotient = np.full(np.broadcast(numerator, denominator).shape, otherwise)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient
