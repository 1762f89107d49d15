"""The effects of several doses against one control, and how they vary together.

They share the control, so that any two have a covariance of the control's own variance.
"""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats, Integers, divide
from trialsim.stats.ranks.mann_whitney import summarise_counts


class DoseEffects(NamedTuple):
    """The effects of the doses against the control; 0 is none."""

    estimate: Floats
    """Shape (..., doses)."""
    covariance: Floats
    """Under any hypothesis, shape (..., doses, doses)."""
    null_covariance: Floats
    """Where no dose has an effect; that by which it is tested."""
    freedom: Floats
    """Degrees of freedom of the variance, shape (...); infinite where the law is normal."""


def mean_effects(doses: Integers, control: Integers, values: Floats) -> DoseEffects:
    """Return the differences of means, with one variance of all arms, from counts by value.

    Parameters
    ----------
    doses
        Patients on each dose with each value, shape (..., doses, values).
    control
        The same of the controls, shape (..., values).
    values
        What is averaged, shape (values,).

    >>> found = mean_effects(np.array([[0, 2, 2]]), np.array([2, 2, 0]), np.array([0.0, 1, 2]))
    >>> found.estimate.tolist(), found.freedom.tolist()
    ([1.0], 6.0)
    """
    arms = np.concatenate([control[..., np.newaxis, :], doses], axis=-2).astype(np.float64)
    patients = arms.sum(axis=-1)
    means = divide((arms * values).sum(axis=-1), patients, np.nan)
    squares = (arms * (values - means[..., np.newaxis]) ** 2).sum(axis=(-1, -2))
    freedom = patients.sum(axis=-1) - arms.shape[-2]
    variance = divide(squares, freedom, np.nan)[..., np.newaxis] / patients
    covariance = _sharing(variance[..., 1:], variance[..., 0])
    away = means[..., 1:] - means[..., :1]
    return DoseEffects(away, covariance, covariance, np.maximum(freedom, 1.0))


def log_odds_effects(
    responders: Integers, patients: Integers, control: Integers, controls: Integers
) -> DoseEffects:
    """Return the logarithms of odds ratios, a half added to those who respond and who do not.

    Gart and Zweifel (1967, Biometrika 54:181). Shapes (..., doses) and (...) of the controls.

    >>> log_odds_effects(*map(np.array, ([5], [10], 5, 10))).covariance.round(4).tolist()
    [[0.7273]]
    """
    yes = np.concatenate([np.asarray(control)[..., np.newaxis], responders], axis=-1) + 0.5
    whole = np.concatenate([np.asarray(controls)[..., np.newaxis], patients], axis=-1) + 1.0
    odds, variance = np.log(yes / (whole - yes)), 1 / yes + 1 / (whole - yes)
    variance = np.where(whole > 1, variance, np.nan)
    covariance = _sharing(variance[..., 1:], variance[..., 0])
    away = odds[..., 1:] - odds[..., :1]
    return DoseEffects(away, covariance, covariance, np.full(whole.shape[:-1], np.inf))


def rank_effects(doses: Integers, control: Integers) -> DoseEffects:
    """Return the Mann-Whitney effects less a half, from counts over ordered cells.

    The covariance is that of the placements (DeLong et al. 1988, Biometrics 44:837), and where no
    dose has an effect that of all allocations of the patients to the arms, with their ties: Steel's
    (1959, Biometrics 15:560) of pairwise ranks where there are none.

    Parameters
    ----------
    doses
        Patients on each dose in each cell, worst first, shape (..., doses, cells).
    control
        The same of the controls, shape (..., cells).

    >>> rank_effects(np.array([[0, 1, 3]]), np.array([2, 1, 1])).estimate.tolist()
    [0.3125]
    """
    summary = summarise_counts(doses, control[..., np.newaxis, :])
    treated, others = np.asarray(doses, np.float64), np.asarray(control, np.float64)
    covariance = placement_covariance(treated, others)
    diagonal = np.eye(treated.shape[-2]) * summary.placement_variance[..., np.newaxis]
    covariance = np.where(np.eye(treated.shape[-2]) > 0, diagonal, covariance)
    return DoseEffects(
        summary.effect - 0.5,
        covariance,
        permuted_covariance(treated, others),
        np.full(others.shape[:-1], np.inf),
    )


def placement_covariance(doses: Integers | Floats, control: Integers | Floats) -> Floats:
    """Return the covariance of effects that share their controls, shape (..., doses, doses).

    It is that of the controls' placements among the two arms, over the number of controls (DeLong
    et al. 1988); the variances, which have a part of the treated beside, are not on its diagonal.
    """
    doses, control = np.asarray(doses, np.float64), np.asarray(control, np.float64)
    patients = doses.sum(axis=-1, keepdims=True)
    controls = control.sum(axis=-1)[..., np.newaxis, np.newaxis]
    below = divide(np.cumsum(doses, axis=-1) - doses / 2, patients, np.nan)
    mean = divide((below * control[..., np.newaxis, :]).sum(axis=-1), controls[..., 0], np.nan)
    away = below - mean[..., np.newaxis]
    products = np.einsum("...az,...bz->...ab", away * control[..., np.newaxis, :], away)
    return np.asarray(divide(products, controls * (controls - 1), np.nan))


def placement_correlations(doses: Integers, control: Integers) -> Floats:
    """Return the correlations of effects that share their controls, shape (..., doses, doses).

    By the placements, as `placement_covariance`; the diagonal is not 1 but the controls' part.

    >>> arms = np.array([[0, 1, 3], [1, 1, 2]]), np.array([2, 1, 1])
    >>> placement_correlations(*arms).round(3)[0, 1].item()
    0.637
    """
    variance = summarise_counts(doses, control[..., np.newaxis, :]).placement_variance
    spread = np.sqrt(variance[..., :, np.newaxis] * variance[..., np.newaxis, :])
    return np.asarray(divide(placement_covariance(doses, control), spread, 0.0))


def permuted_covariance(doses: Floats, control: Floats) -> Floats:
    """Return the covariance of effects over all allocations of the patients to the arms.

    With the score 1/2, 0 or -1/2 of a pair won, tied or lost, its moments over two pairs that share
    a patient, and over one pair, are means over all patients; two pairs that share nobody have
    none, as a pair is as often won as lost.
    """
    pooled = doses.sum(axis=-2) + control
    everybody = pooled.sum(axis=-1)
    below = np.cumsum(pooled, axis=-1) - pooled
    balance = (below - (everybody[..., np.newaxis] - below - pooled)) / 2
    decided = (everybody**2 - (pooled**2).sum(axis=-1)) / 4
    pairs = everybody * (everybody - 1)
    sharing = divide((pooled * balance**2).sum(axis=-1) - decided, pairs * (everybody - 2), np.nan)
    alone = divide(decided, pairs, np.nan)
    sizes, controls = doses.sum(axis=-1), control.sum(axis=-1)
    of_pair = (controls - 2) * sharing + alone
    own = divide(of_pair[..., np.newaxis], sizes * controls[..., np.newaxis], np.nan)
    return _sharing(own, divide(sharing, controls, np.nan))


def _sharing(own: Floats, shared: Floats) -> Floats:
    """Return the covariance of differences whose arms have a variance and share that of one."""
    diagonal = own[..., np.newaxis] * np.eye(own.shape[-1])
    known = np.where(np.eye(own.shape[-1]) > 0, diagonal, 0.0)
    return np.asarray(known + shared[..., np.newaxis, np.newaxis])
