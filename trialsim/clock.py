"""Trial time is whole minutes; minute 0 is midnight at the start of a Monday.

Whole numbers make sums exact, so two ways of reaching a minute reach the same one, and ties are
real ties.
"""

from typing import Final

import numpy as np

from trialsim.arrays import Floats, Integers

MINUTE: Final = 1
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
MONTH: Final = 365.25 / 12 * DAY
"""A mean month, in minutes: rates per month are turned into rates per minute with it."""
NEVER: Final = 2**62
"""A minute after every trial: what does not happen is due then."""
FARTHEST: Final = 2**52
"""The longest time kept exactly: sums of a few such times are still before `NEVER`."""


def whole_minutes(minutes: Floats) -> Integers:
    """Return times rounded to the nearest whole minute, halves to even, at most `FARTHEST`.

    >>> whole_minutes(np.array([0.4, 1.5, 2.5, np.inf])) == [0, 2, 2, FARTHEST]
    array([ True,  True,  True,  True])
    """
    whole = np.rint(minutes)
    return np.clip(whole, -FARTHEST, FARTHEST, out=whole).astype(np.int64)


def weekday(minute: Integers) -> Integers:
    """Return the day of the week, 0 for Monday to 6 for Sunday.

    >>> weekday(np.array([0, 6 * DAY, 7 * DAY - 1, 7 * DAY]))
    array([0, 6, 6, 0])
    """
    return (minute // DAY) % 7
