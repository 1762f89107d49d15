"""The numbers at which the mean figures of a study meet their targets.

Every value runs on the same replicates, so the figures move smoothly with the numbers and their
noise is common to all values: Newton's method finds where they meet their targets (Spall 2003,
Introduction to Stochastic Search and Optimization, section 14.4). What is left is the Monte Carlo
error of the figures over their slopes.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from trialsim.arrays import Floats
from trialsim.errors import InputError, RunError
from trialsim.questions.calibration.simulated_figures import is_ratio, simulated_figures
from trialsim.runs.runner import Runner
from trialsim.scenario.plan.findings import Finding
from trialsim.scenario.programme import Study
from trialsim.stats.monte_carlo import Mean, logarithms, mean_over_replicates

PILOT: Final = 256
"""Replicates of each value while the search closes in."""
_STEPS: Final = (0.05, 0.1, 0.2, 0.4)
"""By which share of itself a number is moved, the first by which a figure is seen to follow."""
_CLOSE: Final = 0.1
"""Monte Carlo errors from their targets at which the figures have met them."""
_NEAR: Final = 0.5
"""The same while the search closes in, and where a figure moves by whole replicates alone."""
_MOST_STEPS: Final = 10
_MOST_HALVINGS: Final = 8
_MOVES: Final = 3.0
"""Standard errors by which a number must move a figure to be solved for."""


_ALIKE: Final = "{} move the figures alike: give fewer of them"


class Target(NamedTuple):
    """A figure and the value that it is to have."""

    name: str
    """Of a finding, or of a quantity such as `power`."""
    value: float
    finding: Finding | None
    """None for a quantity."""


class Solution(NamedTuple):
    """Where the figures meet their targets."""

    place: Floats
    """The numbers."""
    errors: Floats
    """Their Monte Carlo standard errors."""
    slopes: Floats
    """How the figures grow with them, shape (figure, number); ratios by their logarithms."""


class FigureCurve:
    """How far the figures of a study are beyond their targets as its numbers move.

    Always on the same replicates; ratios by their logarithms.
    """

    def __init__(self, study: Study, targets: Mapping[str, Target], runner: Runner) -> None:
        """Take the study, by the path of each number the target it is there for, and the seed."""
        self.targets = targets
        self.simulated = 0
        """Replicates run until now."""
        self._study, self._runner = study, runner
        self._kept: dict[tuple[int, tuple[float, ...]], Floats] = {}
        self._studies: dict[tuple[float, ...], Study] = {}
        self._ratios = [is_ratio(study, one.finding or one.name) for one in targets.values()]
        aims = np.array([one.value for one in targets.values()])
        self._aims = np.where(self._ratios, logarithms(aims), aims)

    def at(self, place: Floats, replicates: int) -> Floats:
        """Return how far each replicate is beyond its targets at some values.

        Shape (figure, replicate); NaN where there is no figure.
        """
        key = (replicates, tuple(place.tolist()))
        if key not in self._kept:
            names = [one.name for one in self.targets.values()]
            findings = {one.name: one.finding for one in self.targets.values() if one.finding}
            study = self.moved_to(place)
            done = simulated_figures(study, names, findings, range(replicates), self._runner)
            self.simulated += replicates
            figures = [done.columns[name] for name in names]
            pairs = zip(figures, self._ratios, strict=True)
            scaled = [logarithms(one) if ratio else one for one, ratio in pairs]
            self._kept[key] = np.stack(scaled) - self._aims[:, None]
        return self._kept[key]

    def moved_to(self, place: Floats) -> Study:
        """Return the study with other numbers.

        Raises
        ------
        InputError
            If it cannot have them.
        """
        key = tuple(place.tolist())
        if key not in self._studies:
            self._studies[key] = self._study.replace(dict(zip(self.targets, key, strict=True)))
        return self._studies[key]

    def means(self, place: Floats, replicates: int) -> tuple[Floats, Floats]:
        """Return the mean figures at some values and their errors, in their own units."""
        mean = mean_over_replicates(self.at(place, replicates))
        whole = mean.estimate + self._aims
        centre = np.where(self._ratios, np.exp(whole), whole)
        return centre, np.where(self._ratios, centre * mean.mcse, mean.mcse)


def meeting(curve: FigureCurve, start: Floats, replicates: int) -> Solution:
    """Return where the figures of a curve meet their targets, searched from some numbers.

    A few hundred replicates close in, all of them place it.

    Raises
    ------
    RunError
        If the numbers do not move the figures, or none that the study can have bring them to their
        targets.
    """
    pilot = min(PILOT, replicates)
    near = _followed(curve, start, _slopes(curve, start, pilot), pilot, _NEAR)
    slopes = _slopes(curve, near, replicates)
    place = _followed(curve, near, slopes, replicates, _CLOSE)
    variances = np.diag(_covariance(curve.at(place, replicates), _inverse(curve, slopes)))
    return Solution(place, np.sqrt(variances), slopes)


def _slopes(curve: FigureCurve, place: Floats, replicates: int) -> Floats:
    """Return how the figures grow with each number, shape (figure, number), by differences.

    Raises
    ------
    RunError
        If a number moves no figure beyond the noise that is left between replicates in common.
    """
    slopes = np.zeros((len(place), len(place)))
    for number, path in enumerate(curve.targets):
        direction = np.zeros(len(place))
        direction[number] = abs(place[number]) or 1.0
        for share in _STEPS:
            ahead, behind = (_possible(curve, place, way * direction) for way in (share, -share))
            difference = curve.at(place + ahead, replicates) - curve.at(place + behind, replicates)
            moved = mean_over_replicates(difference)
            if (np.abs(moved.estimate) > _MOVES * moved.mcse).any():
                break
        else:
            names = " or ".join(target.name for target in curve.targets.values())
            raise RunError(f"{path} does not move {names} where the search begins")
        slopes[:, number] = moved.estimate / (ahead - behind)[number]
    if np.linalg.matrix_rank(slopes) < len(place):
        raise RunError(_ALIKE.format(" and ".join(curve.targets)))
    return slopes


def _followed(
    curve: FigureCurve, place: Floats, slopes: Floats, replicates: int, close: float
) -> Floats:
    """Return where the figures meet their targets, by Newton's steps from some numbers.

    The slopes are corrected on the way as Broyden (1965, Mathematics of Computation 19:577) does,
    the numbers measured in what they began with. A figure that a step leaves as it is, such as a
    power of 1, or one that moves by whole replicates alone, has no measurable slope: the one in
    use is halved, so that the next step goes further.

    Raises
    ------
    RunError
        If they do not meet them.
    """
    unit = np.where(place == 0, 1.0, np.abs(place))
    best, least = place, np.inf
    for _ in range(_MOST_STEPS):
        mean = mean_over_replicates(curve.at(place, replicates))
        away = _errors_away(mean)
        if away < least:
            best, least = place, away
        if least <= close:
            return best
        step = _possible(curve, place, -_inverse(curve, slopes) @ mean.estimate)
        found = mean_over_replicates(curve.at(place + step, replicates)).estimate
        scaled = step / unit
        if away > _NEAR / 2 and scaled.any():  # what is smaller tells more of noise than of slope
            surprise = found - mean.estimate - slopes @ step
            stayed = found == mean.estimate
            surprise = np.where(stayed, surprise / 2, surprise)
            slopes = slopes + np.outer(surprise, scaled / unit) / (scaled @ scaled)
        place = place + step
    if least <= _NEAR:
        return best
    figures, _ = curve.means(best, replicates)
    reached = [
        f"{target.name} reached {figure:.4g}, not {target.value:g}"
        for target, figure in zip(curve.targets.values(), figures, strict=True)
    ]
    raise RunError(f"no value of {' and '.join(curve.targets)} was found: {', '.join(reached)}")


def _possible(curve: FigureCurve, place: Floats, step: Floats) -> Floats:
    """Return a step that the study allows: half of it, or less, where the whole is too far.

    Raises
    ------
    RunError
        If no part of it is possible.
    """
    refused = ""
    for _ in range(_MOST_HALVINGS):
        try:
            curve.moved_to(place + step)
            return step
        except InputError as error:
            refused, step = str(error), step / 2
    raise RunError(f"the study cannot have what would be needed: {refused}")


def _errors_away(mean: Mean) -> float:
    """Return by how many Monte Carlo errors the figures miss their targets, at most.

    A figure that is the same in all replicates, such as a power of 1, has no error: there its
    target is met exactly or, however near, not at all. One that no replicate has is as far.
    """
    missed = np.abs(mean.estimate)
    known = np.isfinite(missed) & (mean.mcse > 0)
    without_error = np.where(missed == 0, 0.0, np.inf)
    return float(np.where(known, missed / np.where(known, mean.mcse, 1.0), without_error).max())


def _inverse(curve: FigureCurve, slopes: Floats) -> Floats:
    """Return the inverse of the slopes.

    Raises
    ------
    RunError
        If the numbers move the figures alike, or not at all.
    """
    try:
        inverse: Floats = np.linalg.inv(slopes)
    except np.linalg.LinAlgError:
        raise RunError(_ALIKE.format(" and ".join(curve.targets))) from None
    return inverse


def _covariance(beyond: Floats, inverse: Floats) -> Floats:
    """Return the Monte Carlo covariance of the numbers: that of the figures over their slopes."""
    whole = beyond[:, ~np.isnan(beyond).any(axis=0)]
    figures = np.atleast_2d(np.cov(whole)) / whole.shape[1]
    covariance: Floats = inverse @ figures @ inverse.T
    return covariance
