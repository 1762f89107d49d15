"""The types of the arrays that travel through the package, and picking places along one axis."""

from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
Integers: TypeAlias = NDArray[np.integer[Any]]
Booleans: TypeAlias = NDArray[np.bool_]

Values = TypeVar("Values", Floats, Integers, Booleans)


def picked(values: Values, places: Integers) -> Values:
    """Return each replicate's values at places of the second axis, shape (replicate, place, ...).

    It is `np.take_along_axis` for arrays of shape (replicate, unit) and, with a third axis, for
    each of that axis; a third axis is kept outermost in memory, where sums over it are fast.

    >>> picked(np.array([[1, 2, 3], [4, 5, 6]]), np.array([[2, 0], [1, 1]]))
    array([[3, 1],
           [5, 5]])
    """
    flat = places + np.arange(len(places))[:, None] * values.shape[1]
    if values.ndim == 2:
        chosen: Values = np.ascontiguousarray(values).take(flat)
        return chosen
    layers: Values = np.empty((values.shape[2], *places.shape), values.dtype)
    for place, layer in enumerate(np.moveaxis(values, 2, 0)):
        np.ascontiguousarray(layer).take(flat, out=layers[place])
    return np.moveaxis(layers, 0, 2)


def layered(shape: tuple[int, int, int], dtype: type) -> NDArray[Any]:
    """Return zeros of shape (replicate, unit, layer) whose layers are outermost in memory."""
    return np.moveaxis(np.zeros((shape[2], *shape[:2]), dtype), 0, 2)
