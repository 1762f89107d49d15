"""Tests of two stages that stay valid when the size changes at the look between them.

A stage's z and one-sided p come from that stage's patients alone (their ranks among themselves).
In the combined z a stage has the root of the share of information that was planned for it as its
weight, whatever it got in the end. All arguments broadcast.
"""

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike

from trialsim.arrays import Floats


def conventional_critical(
    z_first: ArrayLike, first: ArrayLike, planned: ArrayLike, actual: ArrayLike, critical: ArrayLike
) -> Floats:
    """Return what the z of all patients must reach to reject exactly when the combined z does.

    `first`, `planned` and `actual` are patients (or information) at the look, planned in all and
    had in all; `critical` is the planned critical value. Gao, Ware and Mehta (2008), Journal of
    Biopharmaceutical Statistics 18:1184; b(z1, n2*) of Mehta and Pocock (2011), eq. 6. Where it is
    at most `critical` the conventional test keeps its level.

    >>> conventional_critical(1.5, 100, 200, 300, 1.959964).round(4).item()
    1.9045
    """
    z, n1, n2, n, bound = (
        np.asarray(one, float) for one in (z_first, first, planned, actual, critical)
    )
    needed = (bound * np.sqrt(n2) - z * np.sqrt(n1)) / np.sqrt(n2 - n1)
    return np.asarray((np.sqrt(n - n1) * needed + z * np.sqrt(n1)) / np.sqrt(n))


def fisher_p_value(p_values: ArrayLike) -> Floats:
    """Return the p-value of Fisher's product of independent p-values, (...,), without early stops.

    >>> fisher_p_value([0.04, 0.03]).round(4).item()
    0.0093
    """
    given = np.asarray(p_values, float)
    with np.errstate(divide="ignore"):
        statistic = -2 * np.sum(np.log(given), axis=-1)
    return np.asarray(scipy.special.chdtrc(2 * given.shape[-1], statistic))


def fisher_critical(alpha: ArrayLike) -> Floats:
    """Return the product of two p-values at or below which Fisher's combination rejects.

    >>> fisher_critical(0.025).round(5).item()
    0.0038
    """
    return np.asarray(np.exp(-scipy.special.chdtri(4, np.asarray(alpha, float)) / 2))
