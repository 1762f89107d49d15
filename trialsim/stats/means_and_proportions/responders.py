"""A scale cut at a threshold is a count of responders: easy to read, and much of the data lost.

Counts of responders and of patients broadcast to shape (...); `treated` and `control` are the
responders of each arm.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from trialsim.arrays import Floats
from trialsim.stats.p_values import Alternative, check_alternative


def fisher_exact(
    treated: ArrayLike,
    treated_patients: ArrayLike,
    control: ArrayLike,
    control_patients: ArrayLike,
    alternative: Alternative = "two-sided",
) -> Floats:
    """Return the p-value of Fisher's exact test of two shares, shape (...).

    Conditional on all responders. Two-sided it adds the tables that are no more probable than the
    one observed, those within a ten millionth counting as equal, as in R's `fisher.test`. An empty
    arm, or no responder at all, gives 1.

    >>> fisher_exact(56, 104, 33, 101).round(6).item()
    0.003008
    """
    check_alternative(alternative)
    x, m, y, n = (
        np.asarray(count, float)[..., None]
        for count in np.broadcast_arrays(treated, treated_patients, control, control_patients)
    )
    if np.any((x < 0) | (x > m) | (y < 0) | (y > n)):
        raise ValueError("responders must lie between 0 and the patients of their arm")
    tables = np.arange(float(np.max(m, initial=0.0)) + 1)
    chances = _hypergeometric(tables, m, n, x + y)
    match alternative:
        case "greater":
            extreme = tables >= x
        case "less":
            extreme = tables <= x
        case _:
            observed = _hypergeometric(x, m, n, x + y)
            extreme = chances <= observed * (1 + 1e-7)
    return np.asarray(np.minimum(np.where(extreme, chances, 0.0).sum(axis=-1), 1.0))


def _hypergeometric(treated: Floats, m: Floats, n: Floats, responders: Floats) -> Floats:
    """Chance that so many of all responders are among the treated; 0 where it cannot be."""
    control = responders - treated
    possible = (treated <= m) & (control >= 0) & (control <= n)
    log_chance = (
        _log_choose(m, np.where(possible, treated, 0.0))
        + _log_choose(n, np.where(possible, control, 0.0))
        - _log_choose(m + n, responders)
    )
    return np.where(possible, np.exp(log_chance), 0.0)


def _log_choose(total: Floats, chosen: Floats) -> Floats:
    return np.asarray(gammaln(total + 1) - gammaln(chosen + 1) - gammaln(total - chosen + 1))
