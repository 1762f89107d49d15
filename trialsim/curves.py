"""Smooth functions as short polynomials: sums and products alone, so every processor agrees.

A library's logarithm or normal quantile may differ in its last digit from one processor to the
next. Here it is asked at fixed points only, the answers are rounded to 36 binary digits, which
hides such a difference, and a cubic through four of them (at 0, 1/4, 3/4 and 1 of each piece) says
what lies between; pieces that touch share a point.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trialsim.arrays import Floats, Words
from trialsim.compiled.library import stages
from trialsim.streams import WORDS

_POINTS: Final = np.array([0.0, 0.25, 0.75, 1.0])
"""Of a piece. They are so simple that those of a tail and of its mirror image are exact."""
_DIGITS: Final = 36
_PIECES: Final = 64
"""Of each octave of a tail."""
_OCTAVES: Final = 32
_AT_ONCE: Final = 2**15
"""Words whose values are made together, so that all that is made of them stays in the cache."""
_MANTISSA: Final = 52
"""Binary digits of a float after the first."""
_HALF: Final = 1022 * _PIECES
"""The place of 1/2 among the pieces of all octaves that a float can have."""


class TailCurve:
    """A function on (0, 1) whose ends may be steep or infinite, looked up at words.

    Each half of (0, 1) is cut into octaves, which halve towards its end, and these into equal
    pieces. For the standard normal quantile the error is below 4e-10.
    """

    def __init__(self, function: Callable[[Floats], Floats]) -> None:
        """Take the function; it is asked at numbers from 2**-33 to 1 - 2**-33."""
        octave = np.ldexp(0.5, np.arange(_OCTAVES))[:, None]
        start = (octave * (1 + np.arange(_PIECES) / _PIECES)).ravel()
        width = np.repeat(octave / _PIECES, _PIECES)
        numbers = (start[:, None] + width[:, None] * _POINTS) / WORDS
        tails = [_cubics(_rounded(function(u)), start, width) for u in (numbers, 1 - numbers)]
        self._coefficients = np.concatenate(tails, axis=1)
        self.by_piece = np.ascontiguousarray(self._coefficients.T)
        """The coefficients of each piece side by side, as the compiled stages take them."""

    def at(self, words: Words) -> Floats:
        """Return the function's values at the numbers that words stand for."""
        compiled = stages()
        if compiled is not None:
            return compiled.tail_curve(self.by_piece, words)
        flat = words.ravel()
        values = np.empty(flat.size)
        for start in range(0, flat.size, _AT_ONCE):
            part = flat[start : start + _AT_ONCE]
            upper = part.view(np.int32) >> 31  # all bits of those in the upper half
            from_end = (part.view(np.int32) ^ upper).astype(np.float64)
            from_end += 0.5
            place = from_end.view(np.int64) >> (_MANTISSA - 6)
            place += (upper & (_OCTAVES * _PIECES)) - _HALF
            _cubic(self._coefficients, place, from_end, values[start : start + _AT_ONCE])
        return values.reshape(words.shape)


class Curve:
    """A function on an interval, cut into equal pieces; beyond its ends it stays as at them."""

    def __init__(
        self, function: Callable[[Floats], Floats], low: float, high: float, pieces_per_unit: int
    ) -> None:
        """Take the function, the interval and how finely it is cut."""
        self._function, self._low, self._high = function, low, high
        self._per_unit = pieces_per_unit

    @cached_property
    def _coefficients(self) -> Floats:
        start = np.arange((self._high - self._low) * self._per_unit + 1)  # one for the high end
        points = self._low + (start[:, None] + _POINTS) / self._per_unit
        return _cubics(_rounded(self._function(points)), np.zeros(len(start)), np.ones(len(start)))

    @cached_property
    def by_piece(self) -> Floats:
        """The coefficients of each piece side by side, as the compiled stages take them."""
        return np.ascontiguousarray(self._coefficients.T)

    def at(self, values: Floats) -> Floats:
        """Return the function's values."""
        compiled = stages()
        if compiled is not None:
            interval = self._low, self._high, self._per_unit
            return compiled.curve(self.by_piece, *interval, values)
        along = (values.clip(self._low, self._high) - self._low) * self._per_unit
        place = along.astype(np.int64)
        return _cubic(self._coefficients, place, along - place)


def part_done(times: Floats) -> Floats:
    """Return what of an exponential approach is done after so many time constants, 1 - exp(-x).

    >>> part_done(np.array([0.0, 1.0, 99.0])).round(6)
    array([0.      , 0.632121, 1.      ])
    """
    return PART_DONE.at(times)


def logistic(log_odds: Floats) -> Floats:
    """Return the probability of log odds.

    >>> logistic(np.array([0.0, np.log(3)])).round(9)
    array([0.5 , 0.75])
    """
    return _LOGISTIC.at(log_odds)


PART_DONE: Final = Curve(lambda times: -np.expm1(-times), 0, 48, 64)
_LOGISTIC: Final = Curve(lambda log_odds: 1 / (1 + np.exp(-log_odds)), -48, 48, 64)


def _rounded(values: Floats) -> Floats:
    """Return values to so many significant binary digits."""
    mantissa, exponent = np.frexp(values)
    rounded: Floats = np.ldexp(np.rint(np.ldexp(mantissa, _DIGITS)), exponent - _DIGITS)
    return rounded


def _cubics(values: Floats, start: Floats, width: Floats) -> Floats:
    """Return the coefficients, of the third power first, of cubics through four points each.

    Newton's divided differences, multiplied out; widths are powers of two, so that dividing by
    them is exact.

    Parameters
    ----------
    values
        At the points of each piece, shape (piece, 4).
    """
    f0, f1, f2, f3 = values.T
    d01, d12, d23 = (f1 - f0) / 0.25, (f2 - f1) / 0.5, (f3 - f2) / 0.25
    d012, d123 = (d12 - d01) / 0.75, (d23 - d12) / 0.75
    c3 = d123 - d012
    c2 = d012 - c3
    c1 = d01 - 0.25 * d012 + 0.1875 * c3
    m = start / width
    a0 = f0 - m * (c1 - m * (c2 - m * c3))
    a1 = c1 - m * (2 * c2 - 3 * m * c3)
    a2 = c2 - 3 * m * c3
    return np.array([c3 / width / width / width, a2 / width / width, a1 / width, a0])


def _cubic(
    coefficients: Floats, place: NDArray[np.int64], at: Floats, out: Floats | None = None
) -> Floats:
    """Return the cubics of some pieces, which all exist, at some points, by Horner's rule."""
    value: Floats = coefficients[0].take(place, out=out, mode="clip")
    for coefficient in coefficients[1:]:
        value *= at
        value += coefficient.take(place, mode="clip")
    return value
