"""The likelihood of ordered cells falls apart: a term for each cell, and two for each patient.

P(Y <= k) = expit(a_k - x b). A patient in cell k, between u = a_k - x b and l = a_(k-1) - x b, has
the probability expit(u) expit(-l) (1 - exp(l - u)), whose last factor has no x. So the likelihood,
its gradient and its curvature take two logistic functions a patient, whatever the cells, and the
curvature is tridiagonal in the thresholds a, bordered by the slopes b: Newton's step costs a sweep
over the cells. The likelihood is concave (Pratt 1981, JASA 76:103).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Booleans, Floats, Integers
from trialsim.stats.ranks.covariances import invert

_STEPS = 50
_HALVINGS = 30
_CONVERGED = 1e-14
"""Twice what the likelihood would still gain: the square of a distance in standard errors."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The patients of some trials; a row may stand for several of one cell and covariates.

    Cells are places from worst to best; those that nobody is in come last.
    """

    place: Integers  # of each row's cell, (trial, row)
    weight: Floats  # patients in it, (trial, row)
    x: Floats  # covariates, (trial, covariate, row)
    cells: int

    @cached_property
    def counts(self) -> Floats:
        """Patients in each cell, shape (trial, cells)."""
        return self.by_threshold(self.lower, self.weight)[:, :-1]

    @cached_property
    def lower(self) -> Integers:
        """The place of each row's lower threshold among those of all trials and both infinities."""
        first: Integers = np.arange(len(self.place))[:, np.newaxis] * (self.cells + 1)
        return first + self.place

    def by_threshold(self, at: Integers, values: Floats) -> Floats:
        """Return the sums of values by threshold, infinities too, shape (trial, cells + 1)."""
        size = len(self.place) * (self.cells + 1)
        summed: Floats = np.bincount(at.ravel(), values.ravel(), size).astype(np.float64)
        return summed.reshape(-1, self.cells + 1)

    def of(self, trials: Integers | slice) -> Self:
        """Return some of the trials."""
        parts = self.place[trials], self.weight[trials], self.x[trials]
        return type(self)(*parts, self.cells)

    def given(self, covariates: slice) -> Self:
        """Return the same patients with some of the covariates."""
        return type(self)(self.place, self.weight, self.x[:, covariates], self.cells)


class Fit(NamedTuple):
    """Where the likelihood is highest."""

    thresholds: Floats  # (trial, cells - 1); infinite beyond the last cell that anybody is in
    slopes: Floats  # (trial, covariate)
    information: Floats  # of the slopes, the thresholds being fitted, (trial, covariate, covariate)
    likelihood: Floats  # its logarithm, (trial,)
    converged: Booleans  # (trial,)


class Point(NamedTuple):
    """The model at some thresholds and slopes."""

    likelihood: Floats  # its logarithm, (trial,)
    below: Floats  # probability to be below the upper threshold of the own cell, (trial, row)
    above: Floats  # probability to be above the lower one
    odds: Floats  # 1 / (exp(gap) - 1), for the gap between a cell's thresholds, (trial, cells)


class Curvature(NamedTuple):
    """Gradient and information: tridiagonal in the thresholds, with a border for the slopes."""

    thresholds: Floats  # gradient, (trial, cells - 1)
    slopes: Floats  # gradient, (trial, covariate)
    diagonal: Floats  # (trial, cells - 1)
    beside: Floats  # (trial, cells - 2)
    border: Floats  # (trial, cells - 1, covariate)
    corner: Floats  # (trial, covariate, covariate)


def null_thresholds(counts: Floats) -> Floats:
    """Return the thresholds that fit when nothing has an influence; infinite where none is left.

    >>> null_thresholds(np.array([[1.0, 1.0, 0.0]])).tolist()
    [[0.0, inf]]
    """
    below = np.cumsum(counts, axis=-1)[:, :-1]
    above = counts.sum(axis=-1, keepdims=True) - below
    odds = below / np.where(above > 0, above, 1.0)
    return np.where(above > 0, np.log(odds), np.inf)


def maximised(rows: Rows, thresholds: Floats, slopes: Floats, offset: Floats | float = 0.0) -> Fit:
    """Climb the likelihood by Newton's steps, halved where they lead down.

    `offset`, shape (trial, row), is added to x b and stays as it is.
    """
    thresholds, slopes = thresholds.copy(), slopes.copy()
    many, covariates = slopes.shape
    offsets = np.broadcast_to(np.asarray(offset, float), rows.place.shape)
    information, likelihood = np.zeros((many, covariates, covariates)), np.zeros(many)
    left = np.arange(many)
    some, shift, here = rows, offsets, point(rows, thresholds, slopes, offsets)
    for _ in range(_STEPS):
        bend = curvature(here, some)
        towards, information[left], up = newton_step(bend)
        gain = (bend.thresholds * up).sum(axis=-1) + (bend.slopes * towards).sum(axis=-1)
        moved, here = _uphill(some, here, (thresholds[left], slopes[left]), (up, towards), shift)
        thresholds[left], slopes[left] = moved
        likelihood[left] = here.likelihood
        further = ~(gain < _CONVERGED)
        left = left[further]
        if not further.any():
            break
        if not further.all():
            some, shift = some.of(further.nonzero()[0]), shift[further]
            here = Point(*(part[further] for part in here))
    converged = np.ones(many, np.bool_)
    converged[left] = False
    return Fit(thresholds, slopes, information, likelihood, converged)


def _uphill(
    rows: Rows,
    here: Point,
    start: tuple[Floats, Floats],
    step: tuple[Floats, Floats],
    shift: Floats,
) -> tuple[tuple[Floats, Floats], Point]:
    """Go the whole step, or the half of it again and again, until the likelihood is no lower."""
    least = here.likelihood - 1e-12 * np.abs(here.likelihood)
    whole = np.ones((len(rows.place), 1))
    for _ in range(_HALVINGS):
        moved = start[0] + whole * step[0], start[1] + whole * step[1]
        there = point(rows, *moved, shift)
        worse = ~(there.likelihood >= least)
        if not worse.any():
            break
        whole[worse] /= 2
    return moved, there


def point(rows: Rows, thresholds: Floats, slopes: Floats, offset: Floats | float = 0.0) -> Point:
    """Return the model at thresholds (trial, cells - 1) and slopes (trial, covariate)."""
    ends = np.full((len(rows.place), rows.cells + 1), np.inf)
    ends[:, 0] = -np.inf
    ends[:, 1:-1] = thresholds
    line = (slopes[:, np.newaxis, :] @ rows.x)[:, 0] + offset
    below = scipy.special.expit(ends.take(rows.lower + 1) - line)
    above = scipy.special.expit(line - ends.take(rows.lower))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        gap = np.where(rows.counts > 0, np.diff(ends), np.inf)
        odds = 1 / np.expm1(gap)
        of_cells = (rows.counts * np.log(-np.expm1(-gap))).sum(axis=-1)
        likelihood = of_cells + (rows.weight * np.log(below * above)).sum(axis=-1)
    return Point(likelihood, below, above, odds)


def curvature(here: Point, rows: Rows) -> Curvature:
    """Return gradient and observed information of the likelihood."""
    weight, cell = rows.weight, rows.counts * here.odds
    over, under = weight * (1 - here.below), weight * (1 - here.above)
    bend = over * here.below, under * here.above
    bent = cell * (1 + here.odds)
    gradient = _inner(rows, over, -under) + cell[:, :-1] - cell[:, 1:]
    diagonal = _inner(rows, *bend) + bent[:, :-1] + bent[:, 1:]
    x = rows.x
    borders = [-_inner(rows, *(x[:, one] * part for part in bend)) for one in range(x.shape[1])]
    return Curvature(
        thresholds=gradient,
        slopes=(x @ (under - over)[..., np.newaxis])[..., 0],
        diagonal=diagonal,
        beside=-bent[:, 1:-1],
        border=np.stack(borders, axis=-1) if borders else np.zeros((*diagonal.shape, 0)),
        corner=(x * (bend[0] + bend[1])[:, np.newaxis]) @ np.swapaxes(x, -1, -2),
    )


def _inner(rows: Rows, upper: Floats, lower: Floats) -> Floats:
    """Sum what rows bring to their upper and lower thresholds, shape (trial, cells - 1)."""
    by_upper = rows.by_threshold(rows.lower + 1, upper)
    summed: Floats = (by_upper + rows.by_threshold(rows.lower, lower))[:, 1:-1]
    return summed


def expected_information(rows: Rows, thresholds: Floats, slopes: Floats) -> Floats:
    """Return the slopes' information that is expected at a point, the thresholds being fitted.

    Unlike the observed, it takes each patient to each cell, with the probability to be there.
    """
    many, x = len(rows.place), rows.x
    score = thresholds[..., np.newaxis] - slopes[:, np.newaxis, :] @ x  # (trial, threshold, row)
    below = scipy.special.expit(score)
    density = below * scipy.special.expit(-score)
    ends = np.ones((many, 1, rows.place.shape[1]))
    shares = np.diff(below, axis=1, prepend=0 * ends, append=ends) * rows.weight[:, np.newaxis]
    bend = density * (shares[:, :-1] + shares[:, 1:])
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        gap = np.diff(thresholds)
        odds = np.where(np.isfinite(gap), 1 / np.expm1(gap), 0.0)
    bent = np.zeros((many, rows.cells))
    bent[:, 1:-1] = shares[:, 1:-1].sum(axis=-1) * odds * (1 + odds)
    expected = Curvature(
        thresholds=np.zeros(thresholds.shape),
        slopes=np.zeros(slopes.shape),
        diagonal=bend.sum(axis=-1) + bent[:, :-1] + bent[:, 1:],
        beside=-bent[:, 1:-1],
        border=-bend @ np.swapaxes(x, -1, -2),
        corner=(x * bend.sum(axis=1)[:, np.newaxis]) @ np.swapaxes(x, -1, -2),
    )
    return newton_step(expected)[1]


def newton_step(here: Curvature) -> tuple[Floats, Floats, Floats]:
    """Solve for Newton's step: slopes, their information without the thresholds, thresholds."""
    right = np.concatenate([here.thresholds[..., np.newaxis], here.border], axis=-1)
    solved = solve_tridiagonal(here.diagonal, here.beside, right)
    alone, through = solved[..., 0], solved[..., 1:]
    border = np.swapaxes(here.border, -1, -2)
    information = here.corner - border @ through
    rest = here.slopes[..., np.newaxis] - border @ alone[..., np.newaxis]
    slopes = (invert(information).matrix @ rest)[..., 0]
    return slopes, information, alone - (through @ slopes[..., np.newaxis])[..., 0]


def solve_tridiagonal(diagonal: Floats, beside: Floats, right: Floats) -> Floats:
    """Solve symmetric tridiagonal systems by elimination, shapes (trial, n), (.., n-1), (.., n, k).

    A row of zeros, that of a threshold which is not there, has the solution 0; a singular one has
    none, and what is returned is not finite.

    >>> one = np.array([[2.0, 2.0]]), np.array([[1.0]]), np.array([[[3.0], [3.0]]])
    >>> solve_tridiagonal(*one).tolist()
    [[[1.0], [1.0]]]
    """
    pivots = np.where(diagonal == 0, 1.0, diagonal).T.copy()
    solved = np.moveaxis(right, 0, -1).copy()  # (n, k, trial)
    between = beside.T.copy()
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for row in range(1, len(pivots)):
            factor = between[row - 1] / pivots[row - 1]
            pivots[row] -= factor * between[row - 1]
            solved[row] -= factor * solved[row - 1]
        solved[-1] /= pivots[-1]
        for row in range(len(pivots) - 2, -1, -1):
            solved[row] -= between[row] * solved[row + 1]
            solved[row] /= pivots[row]
    return np.ascontiguousarray(np.moveaxis(solved, -1, 0))  # one layout for any batch
