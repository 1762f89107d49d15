"""A difference of means in units of the patients' standard deviation compares unlike scales."""

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from trialsim.arrays import Floats, divide
from trialsim.stats.means_and_proportions.t_tests import moments


class StandardisedDifference(NamedTuple):
    """Hedges' g of a study and its variance, as a meta-analysis needs them."""

    estimate: Floats
    variance: Floats


def hedges_g(treated: Floats, control: Floats) -> StandardisedDifference:
    """Return the standardised mean difference without its small-sample bias, and its variance.

    Samples have shapes (..., m) and (..., n); NaN is a missing value and is left out. Hedges (1981,
    Journal of Educational Statistics 6:107): g = J (mean difference) / (pooled SD), with the exact
    J = Gamma(df / 2) / (sqrt(df / 2) Gamma((df - 1) / 2)), df = m + n - 2, and the large-sample
    variance 1/m + 1/n + g**2 / (2 (m + n)), as in metafor's `escalc(measure = "SMD")`. Not known,
    NaN: with an empty arm, fewer than four patients, or without spread.

    >>> effect = hedges_g(np.array([3.0, 4, 5, 6]), np.array([1.0, 2, 3, 4]))
    >>> round(effect.estimate.item(), 4), round(effect.variance.item(), 4)
    (1.3457, 0.6132)
    """
    t, c = moments(treated), moments(control)
    m, n, freedom = t.patients, c.patients, t.patients + c.patients - 2
    variance = divide(t.squares + c.squares, freedom, np.nan)
    raw = divide(t.mean - c.mean, np.sqrt(variance), np.nan)
    half = np.where(freedom > 1, freedom, np.nan) / 2
    correction = np.exp(gammaln(half) - gammaln(half - 0.5)) / np.sqrt(half)
    g = correction * raw
    return StandardisedDifference(
        g, divide(m + n, m * n, np.nan) + g**2 / (2 * np.maximum(m + n, 1))
    )
