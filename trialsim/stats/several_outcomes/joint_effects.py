"""How the effects on several scales of the same patients vary together, from counts of cells.

A patient's placement, the share of the other arm below them, is looked up by their cell in running
counts of that arm: nobody is sorted. What is multiplied and summed is whole numbers, divided once
at the end, so that up to 1,900 patients a trial no order of summing changes a bit.
"""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Final, Literal, NamedTuple, Protocol

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, divide
from trialsim.compiled.library import stages
from trialsim.compiled.stages import JointSums, Stages
from trialsim.compiled.whole import MOST_CELLS
from trialsim.stats.ranks.mann_whitney import cells_of, pool


class Joint(Protocol):
    """The effects on several scales and their covariances, whether known or computed if needed."""

    @property
    def effects(self) -> Floats:
        """The Mann-Whitney effect of each scale, NaN where an arm has no value, (..., scales)."""

    @property
    def covariance(self) -> Floats:
        """Of the effects, from the placements, shape (..., scales, scales)."""

    @property
    def null_covariance(self) -> Floats:
        """The same when the arms have one distribution."""


class JointEffects(NamedTuple):
    """The Mann-Whitney effect of each scale and how the effects vary together."""

    effects: Floats  # (..., scales), NaN where an arm has no value
    covariance: Floats  # (..., scales, scales), of the placements
    null_covariance: Floats  # the same when the arms have one distribution


class Scale(NamedTuple):
    """Where patients are on a scale, shape (..., patients)."""

    cells: Integers  # from 0, the worst; any cell where the value is not known
    known: Booleans
    size: int  # how many cells there are


class CountedEffects:
    """The effects on several scales, and their covariances as soon as they are looked at."""

    def __init__(self, scales: Sequence[Scale], treated: Booleans, control: Booleans) -> None:
        """Take the scales, and who is in which arm, shape (..., patients); others in neither."""
        shape = scales[0].cells.shape
        arms = [np.broadcast_to(arm, shape) for arm in (treated, control)]
        few = shape[-1] <= _MOST_EXACT and max(one.size for one in scales) <= MOST_CELLS
        compiled = stages() if few else None
        self._sums: _Sums
        if compiled is None:
            self._sums = _SumsByNumPy(scales, *arms)
        else:
            self._sums = _SumsByStages(compiled, scales, *arms)

    @property
    def treated(self) -> Floats:
        """How many of the treated have a value of each scale, shape (..., scales)."""
        return self._sums.sizes[0]

    @property
    def control(self) -> Floats:
        """How many of the controls have a value of each scale."""
        return self._sums.sizes[1]

    @cached_property
    def effects(self) -> Floats:
        """The Mann-Whitney effect of each scale, NaN where an arm has no value, (..., scales)."""
        return divide(self._sums.won, 2 * self.treated * self.control, np.nan)

    @cached_property
    def covariance(self) -> Floats:
        """Of the effects, from the placements; NaN where an arm of a scale has no two values."""
        products, m, n = self._sums.within_arms, self.treated, self.control
        units = [2 * n * m * _root_of_freedom(m), 2 * m * n * _root_of_freedom(n)]
        treated, control = map(_in_units, products, units)
        return treated + control

    @cached_property
    def null_covariance(self) -> Floats:
        """S / (m n N), with S the covariance matrix of the pooled midranks (Puri and Sen 1971)."""
        products, m, n = self._sums.pooled, self.treated, self.control
        unit = 2 * (m + n) * _root_of_freedom(m + n) * np.sqrt(m * n)
        return _in_units(products, unit)


_MOST_EXACT: Final = 1900
"""Patients of a trial of whom every sum is a whole number below 2**53 = 9.007e15: the largest is
that of the squared deviations of their pooled ranks, below the fifth power of them by three."""


class _Sums(Protocol):
    """Whole numbers that effects and covariances are made of, in whichever way they are added."""

    @property
    def sizes(self) -> tuple[Floats, Floats]:
        """How many treated and controls have a value of each scale, shape (..., scales) each."""

    @property
    def won(self) -> Floats:
        """Twice the pairs that the treated win, a tie counting as one, shape (..., scales)."""

    @property
    def within_arms(self) -> tuple[Floats, Floats]:
        """Sums over an arm of products of two scales' deviations, (..., scales, scales) each.

        A deviation is how far twice the number of the other arm below a patient is from its mean,
        times the patients of the arm.
        """

    @property
    def pooled(self) -> Floats:
        """The same of all patients, each compared with all."""


class _SumsByStages:
    """The sums by a compiled stage."""

    def __init__(
        self, compiled: Stages, scales: Sequence[Scale], treated: Booleans, control: Booleans
    ) -> None:
        shape = treated.shape
        self._compiled, self._trials = compiled, shape[:-1]
        rows = math.prod(shape[:-1]), shape[-1]
        untreated, uncontrolled = (~arm.reshape(rows) for arm in (treated, control))
        self._arm = untreated.astype(np.uint8) + (untreated & uncontrolled)
        self._scales = [
            (one.cells.reshape(rows), one.known.reshape(rows), one.size) for one in scales
        ]
        self._made: dict[str, JointSums] = {}

    @property
    def sizes(self) -> tuple[Floats, Floats]:
        treated, control = map(self._of_trials, self._any.sizes)
        return treated, control

    @property
    def won(self) -> Floats:
        return self._of_trials(self._any.won)

    @property
    def within_arms(self) -> tuple[Floats, Floats]:
        treated, control = self._products("within_arms")
        return treated, control

    @property
    def pooled(self) -> Floats:
        (pooled,) = self._products("pooled")
        return pooled

    @property
    def _any(self) -> JointSums:
        """What was made with whichever products, or now without."""
        return next(iter(self._made.values()), None) or self._sums("none")

    def _products(self, which: Literal["within_arms", "pooled"]) -> list[Floats]:
        return [self._of_trials(one) for one in self._sums(which).products]

    def _sums(self, products: Literal["none", "within_arms", "pooled"]) -> JointSums:
        if products not in self._made:
            sums = self._compiled.joint_sums(self._scales, self._arm, products)
            self._made[products] = sums
        return self._made[products]

    def _of_trials(self, sums: Floats) -> Floats:
        """Return what has the trials in one row in their shape."""
        return sums.reshape((*self._trials, *sums.shape[1:]))


class _SumsByNumPy:
    """The sums by NumPy."""

    def __init__(self, scales: Sequence[Scale], treated: Booleans, control: Booleans) -> None:
        shape = scales[0].cells.shape
        self._arms = treated, control
        self._of_trial = 3 * np.arange(math.prod(shape[:-1])).reshape((*shape[:-1], 1))
        self._row = self._of_trial + np.where(treated, 0, np.where(control, 1, 2))
        self._scales = scales

    @cached_property
    def _places(self) -> list[Integers]:
        """The places of patients in a table of trials, arms and cells; others are third."""
        return [self._place(scale) for scale in self._scales]

    @cached_property
    def _counts(self) -> list[Floats]:
        each = zip(self._places, self._scales, strict=True)
        return [self._counted(place, scale.size) for place, scale in each]

    @cached_property
    def sizes(self) -> tuple[Floats, Floats]:
        sizes = np.stack([counts.sum(axis=-1) for counts in self._counts], axis=-2)
        return sizes[..., 0], sizes[..., 1]

    @property
    def won(self) -> Floats:
        won = [
            np.einsum("...k,...k->...", counts[..., 0, :], below)
            for counts, below in zip(self._counts, self._below_controls, strict=True)
        ]
        return np.stack(won, axis=-1)

    @property
    def within_arms(self) -> tuple[Floats, Floats]:
        deviations = self._looked_up(
            [
                _deviations(counts, np.stack([below, _doubled_below(counts[..., 0, :])], axis=-2))
                for counts, below in zip(self._counts, self._below_controls, strict=True)
            ]
        )
        treated, control = (_products(deviations * arm[..., np.newaxis, :]) for arm in self._arms)
        return treated, control

    @property
    def pooled(self) -> Floats:
        pooled = [counts.sum(axis=-2, keepdims=True) for counts in self._counts]
        return _products(
            self._looked_up([_deviations(both, _doubled_below(both)) for both in pooled])
        )

    @cached_property
    def _below_controls(self) -> list[Floats]:
        return [_doubled_below(counts[..., 1, :]) for counts in self._counts]

    def _place(self, scale: Scale) -> Integers:
        place = self._row * scale.size
        place += scale.cells
        place[~scale.known] = 2 * scale.size  # with the others of the first trial
        return place

    def _counted(self, place: Integers, size: int) -> Floats:
        """Return the patients by arm and cell, shape (..., 2, cells)."""
        tally = np.bincount(place.ravel(), minlength=self._of_trial.size * 3 * size)
        shape = (*self._of_trial.shape[:-1], 3, size)
        return tally.reshape(shape)[..., :2, :].astype(np.float64)

    def _looked_up(self, of_cells: Sequence[Floats]) -> Floats:
        """Give patients what belongs to their arm and cell on each scale, others 0."""
        found = np.empty((len(of_cells), *self._places[0].shape))
        for scale, (place, values) in enumerate(zip(self._places, of_cells, strict=True)):
            table = np.zeros((*values.shape[:-2], 3, values.shape[-1]))
            table[..., :2, :] = values
            table.take(place, out=found[scale], mode="clip")
        return np.moveaxis(found, 0, -2)


def joint_effects(
    treated: Floats, control: Floats, higher_is_better: Booleans | Sequence[bool]
) -> JointEffects:
    """Estimate the effect of each scale and their joint covariance, with and without an effect.

    The covariance is that of DeLong et al. (1988, Biometrics 44:837, eq. 5), which is Wei and
    Lachin's (1984, JASA 79:653) without censoring; the null one is S / (m n N), with S the
    covariance matrix of the pooled midranks (Puri and Sen 1971). Of a patient with some scales
    missing all known ones are used; see `covariance_of_means`. On the diagonal are the variances of
    `RankSummary`. A scale with fewer than two patients in an arm has no placement covariance (NaN).

    >>> found = joint_effects(
    ...     np.array([[5.0, 6, 9], [1, 1, 2]]), np.array([[4.0, 5, 7], [3, 2, 2]]), [True, False]
    ... )
    >>> found.effects.round(3).tolist()
    [0.722, 0.889]
    """
    arms = (turned_to_better(arm, higher_is_better) for arm in (treated, control))
    cells = cells_of(pool(*arms))
    patients = cells.shape[-1]
    known = cells < patients
    cells = np.where(known, cells, 0)
    scales = [
        Scale(cells[..., scale, :], known[..., scale, :], patients)
        for scale in range(cells.shape[-2])
    ]
    first = np.arange(patients) < treated.shape[-1]
    found = CountedEffects(scales, first, ~first)
    return JointEffects(found.effects, found.covariance, found.null_covariance)


def turned_to_better(values: Floats, higher_is_better: Booleans | Sequence[bool]) -> Floats:
    """Change the sign of the scales on which lower is better, shape (..., scales, patients).

    >>> turned_to_better(np.array([[5.0, 6], [1, 2]]), [True, False]).tolist()
    [[5.0, 6.0], [-1.0, -2.0]]
    """
    better = np.asarray(higher_is_better, dtype=np.bool_)
    if better.shape != values.shape[-2:-1]:
        raise ValueError(
            f"higher_is_better must state a direction for each of {values.shape[-2]} scales"
            f" (got {better.size})"
        )
    return np.where(better[:, np.newaxis], values, -values)


def _doubled_below(counts: Floats) -> Floats:
    """Return twice the patients below each cell, ties counting half: a whole number."""
    return np.asarray(2.0 * np.cumsum(counts, axis=-1) - counts)


def _deviations(counts: Floats, doubled: Floats) -> Floats:
    """Return by cell how far from their mean whole numbers are, times the patients of the row."""
    total = np.einsum("...k,...k->...", counts, doubled)
    patients = counts.sum(axis=-1)
    return np.asarray(patients[..., np.newaxis] * doubled - total[..., np.newaxis])


def _root_of_freedom(patients: Floats) -> Floats:
    return np.asarray(np.sqrt(patients * np.maximum(patients - 1, 0)))


def _products(deviations: Floats) -> Floats:
    """Return the sums over patients of products of two scales' deviations."""
    return np.asarray(deviations @ np.swapaxes(deviations, -1, -2))


def _in_units(products: Floats, units: Floats) -> Floats:
    """Return products of two scales' deviations, each in its unit; NaN where one is 0."""
    known = np.where(units > 0, units, np.nan)
    return np.asarray(products / (known[..., :, np.newaxis] * known[..., np.newaxis, :]))
