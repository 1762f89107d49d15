"""Bounds on z at each look, such that the whole test keeps its level with the looks it had.

The last axis is the looks in order, the axes before it are batch: trials whose informations differ
have bounds of their own. `fractions` are information over planned information as it came out, NaN
for a look that was not held (its bound is NaN). The last look held takes all of the error that
remains, with the correlations as they are, so that more or less information than planned (over-
and underrunning) keeps the level; once a look has full information nothing is left for later ones.
A trial stops for efficacy when z is at or above its bound; a bound that cannot be reached is
infinite.

The looks are those of the canonical joint distribution, corr(z_j, z_k) = sqrt(t_j / t_k): Jennison
and Turnbull (2000), Group Sequential Methods, chapters 3, 7 and 11. `alpha` is the error of the
whole test. With `sides` 2 each side has half of it, the bounds are symmetric, the upper one is
returned, and a trial that crosses either stops.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike

from trialsim.arrays import Booleans, Floats, Integers
from trialsim.stats.sequential.crossing import crossing_probabilities
from trialsim.stats.sequential.recursion import (
    REACH,
    bound_with_probability_above,
    bound_with_probability_below,
    go_on,
    over_trials,
    probability_above,
    probability_below,
    start,
    steps,
)
from trialsim.stats.sequential.roots import roots
from trialsim.stats.sequential.spending import Spending


class Bounds(NamedTuple):
    """Bounds on z, each (..., looks): stop at or above `efficacy`, or below `futility`."""

    efficacy: Floats
    futility: Floats


def spending_bounds(
    fractions: ArrayLike,
    spending: Spending,
    alpha: ArrayLike,
    sides: int = 1,
    futility: ArrayLike | None = None,
    ends: ArrayLike = True,
) -> Floats:
    """Return efficacy bounds on z, (..., looks), that spend alpha by a spending function.

    `futility` holds binding bounds on z that broadcast to the looks (-inf or NaN for none), of a
    one-sided test: a trial below one stops, which leaves more room above. Leave it out where the
    board need not obey it. Where `ends` is false the last look held is an interim look like the
    others. `alpha` and `ends` broadcast against the batch.
    Lan and DeMets (1983), Biometrika 70:659.

    >>> from trialsim.stats.sequential.spending import OBrienFlemingSpending
    >>> spending_bounds([0.5, 1], OBrienFlemingSpending(), alpha=0.025).round(4).tolist()
    [2.9626, 1.9686]
    """
    t = _looks(fractions)
    side = _error_of_a_side(alpha, sides)[..., None]
    spent = spending.spent(t, side)
    spent = np.where(last_held(t) & np.asarray(ends)[..., None], side, spent)
    return _efficacy(t, np.asarray(np.nan), spent, sides, futility)


def completed_bounds(
    fractions: ArrayLike,
    interim: ArrayLike,
    alpha: float,
    sides: int = 1,
    futility: ArrayLike | None = None,
) -> Floats:
    """Return given bounds on z at interim looks, and the last one that uses up alpha, (..., looks).

    `interim` broadcasts to the looks; what it says of the last look held is not used. Where the
    interim looks alone cost more than alpha the last bound is infinite. For Haybittle-Peto bounds
    (Haybittle 1971, Peto et al. 1976) it is 3; a classical plan gives its own bounds.

    >>> completed_bounds([1 / 3, 2 / 3, 1], 3.0, alpha=0.025).round(4).tolist()
    [3.0, 3.0, 1.9751]
    """
    t = _looks(fractions)
    side = _error_of_a_side(alpha, sides)
    given = np.where(last_held(t), np.nan, np.broadcast_to(np.asarray(interim, float), t.shape))
    if np.any(np.isnan(given) & ~np.isnan(t) & ~last_held(t)):
        raise ValueError("interim must hold a bound for every look held before the last")
    return _efficacy(t, given, np.where(last_held(t), side, 0.0), sides, futility)


def wang_tsiatis_bounds(fractions: ArrayLike, delta: float, alpha: float, sides: int = 1) -> Floats:
    """Return the classical bounds constant * t**(delta - 0.5) on z, (..., looks).

    Wang and Tsiatis (1987), Biometrics 43:193. `delta` is 0 for O'Brien and Fleming (1979), 0.5 for
    Pocock (1977) and not above 0.5; t is the share of the information of the last look, so that the
    constant is the last bound. These are bounds of a plan, as they need every look; for looks that
    came out otherwise give the plan's bounds to `completed_bounds`.

    >>> wang_tsiatis_bounds([0.5, 1], delta=0.5, alpha=0.025).round(4).tolist()
    [2.1783, 2.1783]
    >>> wang_tsiatis_bounds([0.5, 1], delta=0, alpha=0.025).round(4).tolist()
    [2.7965, 1.9774]
    """
    t = _looks(fractions)
    if not delta <= 0.5:
        raise ValueError(f"delta must not be above 0.5 (got {delta})")
    side = _error_of_a_side(alpha, sides)
    flat = t.reshape(-1, t.shape[-1])
    shape = (flat / np.fmax.reduce(flat, axis=1, keepdims=True)) ** (delta - 0.5)

    def excess(constant: Floats, trials: Integers) -> Floats:
        spent = _spent(flat[trials], constant[:, None] * shape[trials], sides)
        return np.asarray(np.log(spent / side))

    looks = np.sum(~np.isnan(flat), axis=1)
    least = -scipy.special.ndtri(np.full(len(flat), side)) - 0.01
    most = -scipy.special.ndtri(side / np.maximum(looks, 1)) + 0.01
    constant = roots(excess, least, most)
    return np.asarray((constant[:, None] * shape).reshape(t.shape))


def beta_spending_bounds(
    fractions: ArrayLike,
    efficacy: Spending,
    futility: Spending,
    drift: ArrayLike,
    alpha: float,
    beta: float,
    binding: bool = False,
) -> Bounds:
    """Return bounds of a one-sided test that spend alpha on efficacy and beta on futility.

    `drift` is the expected z at full information under the effect that the trial must not miss; it
    broadcasts against the batch. A futility bound is never above the efficacy bound of its look,
    and at the last look it is that bound. Where futility is `binding` the efficacy bounds take it
    into account. Pampallona, Tsiatis and Kim (2001), Drug Information Journal 35:1113.

    >>> from trialsim.stats.sequential.spending import OBrienFlemingSpending
    >>> spending = OBrienFlemingSpending()
    >>> plan = dict(efficacy=spending, futility=spending, alpha=0.025, beta=0.1)
    >>> drift = beta_spending_drift([0.5, 1], **plan)
    >>> beta_spending_bounds([0.5, 1], drift=drift, **plan).futility.round(4).tolist()
    [0.267, 1.9686]
    """
    t = _looks(fractions)
    level, missed = (
        np.where(last_held(t), error, spending.spent(t, error))
        for spending, error in ((efficacy, alpha), (futility, beta))
    )
    return Bounds(*_joint(t, level, missed, np.asarray(drift, float), binding)[:2])


def beta_spending_drift(
    fractions: ArrayLike,
    efficacy: Spending,
    futility: Spending,
    alpha: float,
    beta: float,
    binding: bool = False,
) -> float:
    """Return the drift of one plan, looks (looks,), that gives it the power 1 - beta.

    Its square over (z_alpha + z_beta)**2 is the maximum information over that of a fixed test.

    >>> from trialsim.stats.sequential.spending import OBrienFlemingSpending
    >>> spending = OBrienFlemingSpending()
    >>> round(beta_spending_drift([0.5, 1], spending, spending, alpha=0.025, beta=0.1) ** 2, 4)
    10.7702
    """
    t = _looks(fractions)
    level, missed = (
        np.where(last_held(t), error, spending.spent(t, error))
        for spending, error in ((efficacy, alpha), (futility, beta))
    )
    fixed = -float(scipy.special.ndtri(alpha) + scipy.special.ndtri(beta))

    def excess(drift: float) -> float:
        lost = _joint(t, level, missed, np.asarray(drift), binding)[2]
        return float(np.nansum(lost)) - beta

    return float(scipy.optimize.brentq(excess, fixed - 1e-6, 3 * fixed, xtol=1e-12))


def _efficacy(
    t: Floats, given: Floats, spent: Floats, sides: int, futility: ArrayLike | None
) -> Floats:
    """Return bounds, those not given such that a side has spent `spent` by their look.

    A look at which no trial can stop is idle: its bound is infinite, and trials pass it by.
    """
    if futility is not None and sides == 2:
        raise ValueError("binding futility bounds belong to a one-sided test (got sides 2)")
    below = np.asarray(-np.inf if futility is None else futility, float)
    below = np.where(np.isnan(below), -np.inf, below)
    highest = np.where(np.isnan(given), _nominal(spent), given)
    idle = ~np.isnan(t) & np.isposinf(highest) & np.isneginf(below)
    highest = np.minimum(highest, REACH)
    lowest = -highest if sides == 2 else np.maximum(below, -REACH)
    work = partial(_spend, symmetric=sides == 2)
    working = np.where(idle, np.nan, t)
    (found,) = over_trials(work, 1, working, lowest, highest, given, spent, below)
    return np.asarray(np.where(idle, np.inf, found))


def _nominal(spent: Floats) -> Floats:
    """Return bounds for which each look alone spends what is new: none can be higher."""
    earlier = np.nan_to_num(np.fmax.accumulate(spent, axis=-1))[..., :-1]
    earlier = np.concatenate([np.zeros_like(spent[..., :1]), earlier], axis=-1)
    return np.asarray(-scipy.special.ndtri(np.maximum(spent - earlier, 0)))


def _spend(
    t: Floats, nodes: list[int], given: Floats, spent: Floats, below: Floats, symmetric: bool
) -> tuple[Floats]:
    """Return the efficacy bounds (trials, looks), each found from the trials still going on."""
    ongoing, used, bounds = start(len(t)), np.zeros(len(t)), np.empty_like(t)
    for look, step in enumerate(steps(t)):
        free = np.isnan(given[:, look])
        wanted = np.where(free, np.maximum(spent[:, look] - used, 0), 0)
        bound = bound_with_probability_above(ongoing, step, wanted)
        bound = np.where(free, bound, given[:, look])
        bounds[:, look] = bound
        if look < len(nodes):
            used += np.where(free, wanted, probability_above(ongoing, step, bound))
            lower = np.negative(bound) if symmetric else below[:, look]
            ongoing = go_on(ongoing, step, lower, bound, nodes[look])
    return (bounds,)


def _joint(
    t: Floats, level: Floats, missed: Floats, drift: Floats, binding: bool
) -> tuple[Floats, ...]:
    """Return efficacy and futility bounds, and the probability to miss the effect at each look."""
    work = partial(_spend_both, binding=binding)
    low, high = np.asarray(-REACH), np.asarray(REACH)
    return over_trials(work, 3, t, low, high, level, missed, drift[..., None])


def _spend_both(
    t: Floats, nodes: list[int], level: Floats, missed: Floats, drift: Floats, binding: bool
) -> tuple[Floats, Floats, Floats]:
    """Follow the trials under no effect and, as z less its mean, under the effect."""
    null, effect = start(len(t)), start(len(t))
    used: Floats = np.zeros(len(t))
    lost = np.zeros_like(t)
    uppers, lowers = np.empty_like(t), np.empty_like(t)
    means = drift * np.sqrt(t)
    for look, step in enumerate(steps(t)):
        mean = means[:, look]
        upper = bound_with_probability_above(null, step, np.maximum(level[:, look] - used, 0))
        used = np.maximum(level[:, look], used)
        may_miss = np.maximum(missed[:, look] - lost.sum(axis=1), 0)
        allowed = mean + bound_with_probability_below(effect, step, may_miss)
        lower = np.asarray(upper if look == len(nodes) else np.minimum(allowed, upper))
        lost[:, look] = probability_below(effect, step, lower - mean)
        uppers[:, look], lowers[:, look] = upper, lower
        if look < len(nodes):
            effect = go_on(effect, step, lower - mean, upper - mean, nodes[look])
            stops = lower if binding else np.full_like(lower, -np.inf)
            null = go_on(null, step, stops, upper, nodes[look])
    return uppers, lowers, lost


def _spent(t: Floats, upper: Floats, sides: int) -> Floats:
    """Return the error that bounds (trials, looks) spend on one side in all, (trials,)."""
    lower = -upper if sides == 2 else None
    return np.asarray(np.nansum(crossing_probabilities(t, upper, lower).efficacy, axis=-1))


def _looks(fractions: ArrayLike) -> Floats:
    """Return fractions as an array with an axis of looks."""
    t = np.asarray(fractions, float)
    if t.ndim == 0 or t.shape[-1] == 0:
        raise ValueError(f"fractions must have an axis of looks (got shape {t.shape})")
    if np.any(t < 0):
        raise ValueError(f"fractions must not be negative (got {np.nanmin(t)})")
    return t


def last_held(t: Floats) -> Booleans:
    """Return which look of each trial is the last that was held, in the shape of its fractions."""
    held = ~np.isnan(t)
    later = np.cumsum(held[..., ::-1], axis=-1)[..., ::-1]
    return np.asarray(held & (later == 1))


def _error_of_a_side(alpha: ArrayLike, sides: int) -> Floats:
    level = np.asarray(alpha, float)
    if not np.all((level > 0) & (level < 1)):
        raise ValueError(f"alpha must lie between 0 and 1 (got {level.tolist()})")
    if sides not in (1, 2):
        raise ValueError(f"sides must be 1 or 2 (got {sides})")
    return level / sides
