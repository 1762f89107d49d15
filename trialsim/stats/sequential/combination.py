"""Tests that stay valid when the design changes at a look: stages combined with weights set before.

A stage's z and one-sided p come from that stage's patients alone (their ranks among themselves).
Its weight is the share of the information that was planned for it, whatever it got in the end. All
arguments broadcast; the last axis of a list of stages is the stages. Bounds for combined z are
those of the planned fractions.
"""

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike

from trialsim.arrays import Floats
from trialsim.stats.sequential.crossing import crossing_probabilities


def combined_z(stage_z: ArrayLike, weights: ArrayLike) -> Floats:
    """Return the combined z at the end of each stage, (..., stages).

    Cui, Hung and Wang (1999), Biometrics 55:853; Lehmacher and Wassmer (1999), Biometrics 55:1286:
    the stages' z weighted by the roots of the planned shares of information, positive, which need
    not sum to 1. A stage whose weight is NaN was not held: the others are combined without it.

    >>> combined_z([1.5, 1.2], [0.5, 0.5]).round(4).tolist()
    [1.5, 1.9092]
    """
    shares = _weights(weights)
    sums = _summed(np.sqrt(shares) * np.asarray(stage_z, float), shares)
    return np.asarray(sums / np.sqrt(_summed(shares, shares)))


def combined_information(informations: ArrayLike, weights: ArrayLike) -> Floats:
    """Return the information in the combined z at the end of each stage, (..., stages).

    `informations` are those that each stage had alone, (..., stages). The combined z has the mean
    effect * sqrt(information), so that z over its root estimates the effect and
    `repeated_intervals` hold it; at most the sum of the stages', which is reached with weights in
    their proportion. Brannath, Posch and Bauer (2002), JASA 97:236.

    >>> combined_information([25.0, 100.0], [0.5, 0.5]).round(1).tolist()
    [25.0, 112.5]
    """
    shares = _weights(weights)
    sums = _summed(np.sqrt(shares * np.asarray(informations, float)), shares)
    return np.asarray(sums**2 / _summed(shares, shares))


def inverse_normal(p_values: ArrayLike, weights: ArrayLike) -> Floats:
    """Return the combined z at the end of each stage from one-sided p-values, (..., stages).

    >>> inverse_normal([0.04, 0.03], [0.5, 0.5]).round(4).tolist()
    [1.7507, 2.5678]
    """
    return combined_z(-scipy.special.ndtri(np.asarray(p_values, float)), weights)


def cui_hung_wang(z_first: ArrayLike, z_second: ArrayLike, first_share: ArrayLike) -> Floats:
    """Return the combined z of two stages; `first_share` is the planned share of the first.

    Cui, Hung and Wang (1999). With the planned sizes it is the z of all patients, for statistics
    whose information adds up.

    >>> cui_hung_wang(1.5, 1.2, 0.5).round(4).item()
    1.9092
    """
    first, second, share = (np.asarray(one, float) for one in (z_first, z_second, first_share))
    return np.asarray(np.sqrt(share) * first + np.sqrt(1 - share) * second)


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


def fisher_product(p_values: ArrayLike) -> Floats:
    """Return the product of the stages' p-values, (...,), the statistic of Fisher's combination.

    >>> fisher_product([0.04, 0.03]).round(4).item()
    0.0012
    """
    return np.asarray(np.prod(np.asarray(p_values, float), axis=-1))


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


def fisher_first_level(alpha: ArrayLike, futility_p: ArrayLike = 1.0) -> Floats:
    """Return the p-value at or below which the first of two stages rejects at once.

    The trial stops for futility, bindingly, where the first p exceeds `futility_p` (not below
    alpha), and else rejects where the product of both is at most `fisher_critical`. Bauer and
    Koehne (1994), Biometrics 50:1029: alpha_1 + c (ln alpha_0 - ln alpha_1) = alpha.

    >>> fisher_first_level(0.025, [1.0, 0.5]).round(4).tolist()
    [0.0038, 0.0102]
    """
    level, stop = np.asarray(alpha, float), np.asarray(futility_p, float)
    if np.any(stop < level) or np.any(stop > 1):
        raise ValueError(f"futility_p must lie between alpha and 1 (got {stop.tolist()})")
    critical = fisher_critical(level)
    depth = np.log(stop / critical) - level / critical
    ratio = -scipy.special.lambertw(-np.exp(np.minimum(depth, -1 - 1e-12)), k=-1).real
    return np.asarray(critical * np.where(depth > -1 - 1e-12, 1.0, ratio))


def conditional_error(
    z: ArrayLike,
    look: ArrayLike,
    fractions: ArrayLike,
    bounds: ArrayLike,
    drift: ArrayLike = 0.0,
    lower: ArrayLike | None = None,
) -> Floats:
    """Return the probability to cross a later bound, given z at a look, (...,).

    Under no drift it is the conditional type I error, which a design changed at the look may spend
    on whatever follows (Mueller and Schaefer 2001, Biometrics 57:886); under a drift it is the
    conditional power with all looks to come. `look` counts from 0; `fractions`, `bounds` and
    `lower` are those of all looks (..., looks), `drift` the expected z at fraction 1.

    >>> conditional_error(1.2, 0, [0.5, 1], [2.9626, 1.9686]).round(4).item()
    0.0566
    """
    t, upper = np.asarray(fractions, float), np.asarray(bounds, float)
    now, place = np.asarray(z, float)[..., None], np.asarray(look)[..., None]
    t = np.broadcast_to(t, np.broadcast_shapes(t.shape, (*place.shape[:-1], 1)))
    here = np.take_along_axis(t, np.broadcast_to(place, (*t.shape[:-1], 1)), axis=-1)
    gained = np.where(np.arange(t.shape[-1]) > place, np.maximum(t - here, 0), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        needed, allowed = (
            (bound * np.sqrt(t) - now * np.sqrt(here)) / np.sqrt(gained)
            for bound in (upper, np.asarray(-np.inf if lower is None else lower, float))
        )
    crossing = crossing_probabilities(gained, needed, allowed, drift)
    unknown = np.isnan(now[..., 0]) | np.isnan(here[..., 0])
    return np.asarray(np.where(unknown, np.nan, np.nansum(crossing.efficacy, axis=-1)))


def _weights(weights: ArrayLike) -> Floats:
    shares = np.asarray(weights, float)
    if np.any(shares <= 0):
        raise ValueError(f"weights must be positive (got {shares.tolist()})")
    return shares


def _summed(values: Floats, shares: Floats) -> Floats:
    """Return sums up to each stage, over the stages that were held; NaN at those that were not."""
    sums = np.cumsum(np.where(np.isnan(shares), 0.0, values), axis=-1)
    return np.where(np.isnan(shares), np.nan, sums)
