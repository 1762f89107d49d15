"""The search for the value of one number at which a power curve crosses its target.

Every candidate runs on the same replicates, so the curve has no noise between its values and can be
followed like a function: a few hundred replicates close in on the crossing, all of them place it.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.errors import RunError
from trialsim.questions.size.crossing import Crossing, crossing, probit
from trialsim.questions.size.power_curve import PowerCurve
from trialsim.stats.monte_carlo import PairedDifference, Proportion, paired_difference

PILOT: Final = 1_000
"""Replicates of each candidate while the search closes in."""
_NEAR: Final = 0.25
"""Probits from the target at which closing in ends."""
_SPREAD: Final = (-0.2, -0.1, 0.0, 0.1, 0.2)
"""Probits from the target between which the final line is fitted."""
_MOST_STEPS: Final = 16
_OFTEN: Final = 0.1
"""Share of rejections in favour of the control that is no chance."""
_SMALL: Final = 0.01
"""Change of a power that is small enough to call it none."""
_SURE: Final = 0.999
"""Confidence with which a power must move to be searched along."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The number that varies, and the scale on which the probit of power is nearly linear in it."""

    path: str
    whole: bool
    """Whether only whole numbers are possible."""
    root: bool
    """Whether power follows the square root, as it does for patients."""

    def place(self, value: float) -> float:
        """Return where a value stands on the scale."""
        return math.sqrt(value) if self.root else value

    def exactly(self, place: float) -> float:
        """Return the value at a place, a fraction where it falls on one."""
        return max(place, 0.0) ** 2 if self.root else place

    def value(self, place: float) -> float:
        """Return the nearest possible value at a place."""
        exact = self.exactly(place)
        return round(exact) if self.whole else exact


class Ends(NamedTuple):
    """Two values of a number, the lower first."""

    low: float
    high: float


def search(
    curve: PowerCurve, axis: Axis, ends: Ends, within: Ends, target: float, replicates: int
) -> Crossing:
    """Return the crossing of the target, on the scale of the axis.

    The search begins between `ends`. Few replicates may have found those, so that all of them may
    place the crossing at one end or beyond it: the line is fitted to values anywhere `within`.

    Raises
    ------
    RunError
        If the number does not move the power, moves it both ways, or does not bring it to the
        target between the ends.
    """
    pilot = min(PILOT, replicates)
    check_ends(curve, axis, ends, target, pilot)
    middle, slope = _narrow_bracket(curve, axis, ends, target, pilot)
    for _ in range(_MOST_STEPS):
        values = _around(axis, within, middle, slope)
        found = _fitted(curve, axis, values, target, replicates)
        if not found.slope * slope > 0:
            raise RunError(
                f"{replicates:,} trials are too few to place a power of {target:g}: from "
                f"{axis.path} {values[0]:g} to {values[-1]:g} it does not move beyond its Monte "
                "Carlo error; more replicates would resolve it"
            )
        again = _clipped(axis, within, found.place)
        if values[0] <= axis.value(found.place) <= values[-1] or again == middle:
            break
        middle, slope = again, found.slope
    _check_one_way(curve, axis, slope > 0, pilot)
    return found


def bracket(curve: PowerCurve, start: float, within: Ends, target: float, pilot: int) -> Ends:
    """Return two whole values with the target's power between them, from a guess at it on.

    A quarter to either side of the guess, then twice as far or half, and so on within the limits.
    The power must rise.
    """
    guess = min(max(start, within.low), within.high)
    low, high = max(math.floor(guess / 1.25), within.low), min(math.ceil(guess * 1.25), within.high)
    while curve.power(high, pilot).estimate <= target and high < within.high:
        low, high = high, min(2 * high, within.high)
    while curve.power(low, pilot).estimate >= target and low > within.low:
        low, high = max(low // 2, within.low), low
    return Ends(low, high)


def check_ends(curve: PowerCurve, axis: Axis, ends: Ends, target: float, pilot: int) -> None:
    """Refuse ends between which the power does not move, or does not reach the target."""
    moved = _moved(curve, ends, pilot)
    powers = [curve.power(end, pilot) for end in ends]
    said = (
        f"from {ends.low:g} to {ends.high:g} the power goes from {_said(powers[0])} to "
        f"{_said(powers[1])}, over {pilot:,} replicates{_reasons(curve, ends, pilot)}"
    )
    if moved.low <= 0 <= moved.high:
        raise RunError(f"{_unmoved(axis, moved, pilot)}: {said}")
    least, most = sorted(float(power.estimate) for power in powers)
    if not least <= target <= most:
        raise RunError(f"a power of {target:g} is out of reach of {axis.path}: {said}")


def _unmoved(axis: Axis, moved: PairedDifference, pilot: int) -> str:
    """Return what a difference that may be none says: that it is small, or too little is known."""
    most = max(abs(float(moved.low)), abs(float(moved.high)))
    if most <= _SMALL:
        return f"{axis.path} does not move the power, by {most:.3f} at most"
    return (
        f"{pilot:,} trials are too few to see whether {axis.path} moves the power, which may "
        f"change by {moved.low:+.3f} to {moved.high:+.3f}"
    )


def _check_one_way(curve: PowerCurve, axis: Axis, rising: bool, pilot: int) -> None:
    """Refuse a curve that surely falls where it should rise, or rises where it should fall."""
    values = [candidate.value for candidate in curve.candidates()]
    for pair in map(Ends._make, pairwise(values)):
        moved = _moved(curve, pair, pilot)
        if moved.high < 0 if rising else moved.low > 0:
            powers = " and ".join(_said(curve.power(value, pilot)) for value in pair)
            raise RunError(
                f"{axis.path} moves the power both ways: it is {powers} at {pair.low:g} and "
                f"{pair.high:g}"
            )


def _moved(curve: PowerCurve, ends: Ends, pilot: int) -> PairedDifference:
    """Return the paired difference of the power at the higher end from that at the lower."""
    low, high = (curve.favoured(end, pilot) for end in ends)
    known = np.isfinite(low) & np.isfinite(high)
    return paired_difference(high[known] == 1, low[known] == 1, _SURE)


def _reasons(curve: PowerCurve, ends: Ends, pilot: int) -> str:
    """Say what may be the reason: failed trials, a limit, the wrong direction, few replicates."""
    wrong = max(float(curve.wrong_direction(end, pilot).estimate) for end in ends)
    failures = [curve.failures(end, pilot) for end in ends]
    told = ""
    if any(failures):
        low, high = map(len, failures)
        told = f", of which {low:,} and {high:,} failed: {max(failures, key=len)[0].reason}"
    limited = max(curve.reached_limit(end, pilot) for end in ends)
    if limited:
        told += f", in up to {limited:,} of which recruitment lasted until its limit"
    if wrong > _OFTEN:
        told += (
            f"; up to {wrong:.3f} of them reject in favour of the control: the effect, or the "
            "alternative of the test, is in the wrong direction"
        )
    elif pilot < PILOT:
        told += "; more replicates would resolve it"
    return told


def _said(power: Proportion) -> str:
    return f"{power.estimate:.3f} (95% {power.low:.3f} to {power.high:.3f})"


def _narrow_bracket(
    curve: PowerCurve, axis: Axis, ends: Ends, target: float, pilot: int
) -> tuple[float, float]:
    """Return a place near the crossing and the slope of the probit there.

    The next candidate is where the line through the ends crosses the target, a tenth of the way
    from either end at least.
    """
    goal = float(scipy.special.ndtri(target))
    left, right = axis.place(ends.low), axis.place(ends.high)
    heights = {end: _height(curve, axis, end, pilot) for end in (left, right)}
    for _ in range(_MOST_STEPS):
        share = (goal - heights[left]) / (heights[right] - heights[left])
        middle = axis.place(axis.value(left + (right - left) * min(max(share, 0.1), 0.9)))
        if middle in (left, right):  # neighbours
            break
        heights[middle] = _height(curve, axis, middle, pilot)
        if abs(heights[middle] - goal) <= _NEAR:
            break
        if (heights[middle] < goal) == (heights[left] < goal):
            left = middle
        else:
            right = middle
    one, other = sorted(heights, key=lambda place: abs(heights[place] - goal))[:2]
    slope = (heights[one] - heights[other]) / (one - other)
    return middle, slope or (heights[right] - heights[left]) / (right - left)


def _height(curve: PowerCurve, axis: Axis, place: float, pilot: int) -> float:
    favoured = curve.favoured(axis.value(place), pilot)
    known = np.isfinite(favoured)
    return float(probit(np.array(np.nansum(favoured)), np.array(float(known.sum()))))


def _around(axis: Axis, ends: Ends, middle: float, slope: float) -> list[float]:
    """Return the values of the final line, two at least, in order."""
    places = [_clipped(axis, ends, middle + spread / abs(slope)) for spread in _SPREAD]
    values = {axis.value(place) for place in places}
    if len(values) == 1:  # so steep that whole numbers are far apart
        only = values.pop()
        values = {max(only - 1, ends.low), only, min(only + 1, ends.high)}
    return sorted(values)


def _clipped(axis: Axis, ends: Ends, place: float) -> float:
    return min(max(place, axis.place(ends.low)), axis.place(ends.high))


def _fitted(
    curve: PowerCurve, axis: Axis, values: Iterable[float], target: float, replicates: int
) -> Crossing:
    values = list(values)
    favoured = np.array([curve.favoured(value, replicates) for value in values])
    places = np.array([axis.place(value) for value in values])
    return crossing(places, favoured, target)
