"""One root for each trial of a batch, where a function of one number and the trial changes sign."""

from collections.abc import Callable

import numpy as np

from trialsim.arrays import Floats, Integers


def roots(excess: Callable[[Floats, Integers], Floats], lower: Floats, upper: Floats) -> Floats:
    """Return for each trial the number between `lower` and `upper` at which `excess` is 0.

    `excess(numbers, trials)` has numbers for some of the trials, whose places are `trials`. NaN
    where its sign is the same at both ends.

    >>> targets = np.array([2.0, 9.0])
    >>> found = roots(lambda x, row: x**2 - targets[row], np.zeros(2), np.full(2, 5.0))
    >>> found.round(6).tolist()
    [1.414214, 3.0]
    """
    from scipy.optimize import elementwise

    def of_places(numbers: Floats, places: Floats) -> Floats:
        return excess(numbers, places.astype(np.int64))

    places = np.arange(len(lower), dtype=float)
    found = elementwise.find_root(
        of_places, (lower, upper), args=(places,), tolerances={"xatol": 1e-12, "xrtol": 1e-13}
    )
    return np.asarray(np.where(found.success, found.x, np.nan))
