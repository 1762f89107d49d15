"""One effect on a bounded scale has several names, and floor and ceiling change what each means.

A scale is the probabilities of its ordered cells, worst to best, on the last axis; every axis
before it is a batch. Two models move the control arm along its own scale: a latent normal variable
that is shifted, and proportional odds. Neither moves anybody into a cell beyond the control's range
(the first to the last cell with a probability above zero).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike

from trialsim.arrays import Floats

# Bisection between these finds every shift, and every log odds ratio, that a double can tell.
FARTHEST_SHIFT = 80.0
FARTHEST_LOG_ODDS_RATIO = 700.0
HALVINGS = 75
AT_ONCE = 5


Measure = Callable[[Floats], Floats]


class ScaleEffects(NamedTuple):
    """One difference between two arms, in every unit, and who can move no further.

    `latent_shift` and `odds_ratio` are those which, applied to the control arm, give the same
    theta; NaN where none does. Positive, or above 1, is better for the treated.
    """

    theta: Floats
    latent_shift: Floats  # standard deviations of the control arm's latent normal variable
    odds_ratio: Floats
    mean_difference: Floats  # cells
    treated_floor: Floats  # probability of the worst cell
    control_floor: Floats
    treated_ceiling: Floats  # probability of the best cell
    control_ceiling: Floats


def scale_effects(treated: Floats, control: Floats) -> ScaleEffects:
    """Describe the difference between two arms, cell probabilities of shapes (..., cells).

    >>> effects = scale_effects(np.array([0.2, 0.3, 0.5]), np.array([0.4, 0.35, 0.25]))
    >>> [round(value.item(), 3) for value in effects[:4]]
    [0.65, 0.635, 2.849, 0.45]
    """
    treated, control = np.broadcast_arrays(_checked(treated), _checked(control))
    theta = theta_of_cells(treated, control)
    return ScaleEffects(
        theta=theta,
        latent_shift=_shift(control, theta),
        odds_ratio=np.exp(_log_odds_ratio(control, theta)),
        mean_difference=mean_of_cells(treated) - mean_of_cells(control),
        treated_floor=treated[..., 0],
        control_floor=control[..., 0],
        treated_ceiling=treated[..., -1],
        control_ceiling=control[..., -1],
    )


def theta_of_cells(treated: Floats, control: Floats) -> Floats:
    """Return theta = P(T > C) + 0.5 P(T = C) of cell probabilities, shapes (..., cells).

    >>> theta_of_cells(np.array([0.2, 0.3, 0.5]), np.array([0.4, 0.35, 0.25])).round(12).item()
    0.65
    """
    treated, control = _checked(treated), _checked(control)
    below = np.cumsum(control, axis=-1) - control / 2
    return np.asarray(np.einsum("...k,...k->...", treated, below))


def mean_of_cells(cells: Floats) -> Floats:
    """Return the mean of a scale of whole numbers from 0, shape (..., cells) to (...).

    >>> mean_of_cells(np.array([0.2, 0.3, 0.5])).round(12).item()
    1.3
    """
    cells = _checked(cells)
    return np.asarray(cells @ np.arange(float(cells.shape[-1])))


def cells_of_censored_normal(mean: ArrayLike, sd: ArrayLike, low: int, high: int) -> Floats:
    """Return the cells of a normal variable rounded to whole numbers and held in low to high.

    `mean` and `sd`, of the variable before it is held, broadcast to (...); the answer has shape
    (..., high - low + 1).

    >>> cells_of_censored_normal(1.5, 1.0, 0, 3).round(4).tolist()
    [0.1587, 0.3413, 0.3413, 0.1587]
    """
    if not low < high:
        raise ValueError(f"low must be below high (got {low} and {high})")
    return cells_between_cuts(mean, sd, np.arange(low, high) + 0.5)


def cells_between_cuts(mean: ArrayLike, sd: ArrayLike, cuts: Floats) -> Floats:
    """Return the cells into which rising cuts divide a normal variable.

    `mean` and `sd` broadcast to (...); the answer has shape (..., cuts + 1).

    >>> cells_between_cuts([0.0, 1.0], 1.0, np.array([0.0])).round(4).tolist()
    [[0.5, 0.5], [0.1587, 0.8413]]
    """
    spread = np.asarray(sd, float)
    if not np.all(spread > 0):
        raise ValueError(f"sd must be positive (got {np.min(spread)})")
    scores = (cuts - np.asarray(mean, float)[..., None]) / spread[..., None]
    return _between(np.asarray(scipy.special.ndtr(scores)))


def shifted_cells(control: Floats, latent_shift: ArrayLike) -> Floats:
    """Shift the normal variable behind a scale by `latent_shift` of its standard deviations.

    The cumulative probabilities become Phi(Phi^-1(F) - shift): the cumulative probit model
    (McCullagh 1980, JRSS B 42:109). Shapes (..., cells) and (...); positive is better.

    >>> shifted_cells(np.array([0.25, 0.5, 0.25]), 0.5).round(4).tolist()
    [0.1201, 0.4492, 0.4307]
    """
    shift = np.asarray(latent_shift, float)[..., None]
    return _between(np.asarray(scipy.special.ndtr(_probits(_checked(control)) - shift)))


def proportional_odds_cells(control: Floats, odds_ratio: ArrayLike) -> Floats:
    """Multiply the odds of being above each cell by `odds_ratio` (McCullagh 1980).

    Shapes (..., cells) and (...); more than 1 is better.

    >>> proportional_odds_cells(np.array([0.25, 0.5, 0.25]), 2.0).round(4).tolist()
    [0.1429, 0.4571, 0.4]
    """
    ratio = np.asarray(odds_ratio, float)[..., None]
    if not np.all(ratio > 0):
        raise ValueError(f"odds_ratio must be positive (got {np.min(ratio)})")
    below, above = _cumulative(_checked(control))
    return _between(below / (below + ratio * above))


def latent_shift_of_theta(control: Floats, theta: ArrayLike) -> Floats:
    """Return the shift by which `shifted_cells` gives this theta against the control arm.

    Shapes (..., cells) and (...). ValueError when no shift does: even a treated arm that is wholly
    in the control's best cell ties with the controls there.

    >>> latent_shift_of_theta(np.array([0.25, 0.5, 0.25]), 0.62).round(4).item()
    0.5158
    """
    return _reached(theta, _shift(control, theta), "latent shift")


def odds_ratio_of_theta(control: Floats, theta: ArrayLike) -> Floats:
    """Return the odds ratio by which `proportional_odds_cells` gives this theta.

    Shapes (..., cells) and (...). ValueError when none does, as in `latent_shift_of_theta`.

    >>> odds_ratio_of_theta(np.array([0.25, 0.5, 0.25]), 0.62).round(4).item()
    2.3832
    """
    return _reached(theta, np.exp(_log_odds_ratio(control, theta)), "odds ratio")


def rising_root(rising: Measure, target: Floats, farthest: float) -> Floats:
    """Solve rising(x) = target by bisection of -farthest to farthest, elementwise.

    `rising` takes arrays with leading axes before those of `target`: several halvings are done at
    once, at all the points that they may come to. NaN where the target is not reached between.

    >>> rising_root(lambda x: x**3, np.array([8.0, 1e9]), 100.0)
    array([ 2., nan])
    """
    edges = np.stack([np.full(target.shape, -farthest), np.full(target.shape, farthest)])
    lowest, highest = rising(edges)
    for _ in range(HALVINGS // AT_ONCE):
        for _ in range(AT_ONCE):
            edges = _with_middles(edges)
        short = rising(edges) < target
        low = np.zeros((1, *target.shape), int)
        for step in 2 ** np.arange(AT_ONCE)[::-1]:
            low += step * np.take_along_axis(short, low + step, axis=0)
        edges = np.take_along_axis(edges, np.concatenate([low, low + 1]), axis=0)
    return np.where((lowest < target) & (target < highest), edges.mean(axis=0), np.nan)


def _with_middles(edges: Floats) -> Floats:
    """Return the edges, shape (n, ...), and what lies halfway between them, (2 n - 1, ...)."""
    found = np.repeat(edges, 2, axis=0)[:-1]
    found[1::2] = (edges[:-1] + edges[1:]) / 2
    return found


def check_cells(cells: Floats) -> None:
    """Raise ValueError unless the last axis holds probabilities that sum to 1 within 1e-6.

    >>> check_cells(np.array([0.5, 0.5]))
    """
    if not np.all(cells >= 0):
        raise ValueError(f"cell probabilities must not be negative (got {np.min(cells)})")
    totals = np.sum(cells, axis=-1)
    if not np.all(np.abs(totals - 1) <= 1e-6):
        worst = np.ravel(totals)[np.argmax(np.abs(totals - 1))]
        raise ValueError(f"cell probabilities must sum to 1 (got {worst})")


def _checked(cells: Floats) -> Floats:
    cells = np.asarray(cells, float)
    check_cells(cells)
    return cells


def _shift(control: Floats, theta: ArrayLike) -> Floats:
    """Return the shift of the control arm that gives theta, or NaN."""
    control = np.asarray(control, float)
    return rising_root(
        lambda shift: theta_of_cells(shifted_cells(control, shift), control),
        np.broadcast_to(np.asarray(theta, float), _batch(control, theta)),
        FARTHEST_SHIFT,
    )


def _log_odds_ratio(control: Floats, theta: ArrayLike) -> Floats:
    """Return the log odds ratio, applied to the control arm, that gives theta, or NaN."""
    control = np.asarray(control, float)
    return rising_root(
        lambda log: theta_of_cells(proportional_odds_cells(control, np.exp(log)), control),
        np.broadcast_to(np.asarray(theta, float), _batch(control, theta)),
        FARTHEST_LOG_ODDS_RATIO,
    )


def _batch(control: Floats, target: ArrayLike) -> tuple[int, ...]:
    return np.broadcast_shapes(control.shape[:-1], np.shape(target))


def _reached(theta: ArrayLike, found: Floats, model: str) -> Floats:
    missed = np.broadcast_to(np.asarray(theta, float), found.shape)[np.isnan(found)]
    if missed.size:
        raise ValueError(
            f"theta must be one that some {model} of the control distribution can reach "
            f"(got {missed[0]})"
        )
    return found


def _cumulative(cells: Floats) -> tuple[Floats, Floats]:
    """Probabilities below and above each edge between cells; an empty tail is exactly zero."""
    below = np.cumsum(cells, axis=-1)[..., :-1]
    above = np.cumsum(cells[..., ::-1], axis=-1)[..., -2::-1]
    return below, above


def _probits(cells: Floats) -> Floats:
    """Edges of the cells on the latent normal scale, each from its smaller tail."""
    below, above = _cumulative(cells)
    return np.where(
        below < above,
        scipy.special.ndtri(np.minimum(below, 0.5)),
        -scipy.special.ndtri(np.minimum(above, 0.5)),
    )


def _between(below: Floats) -> Floats:
    """Probabilities of the cells between cumulative probabilities."""
    return np.maximum(np.diff(below, axis=-1, prepend=0.0, append=1.0), 0.0)
