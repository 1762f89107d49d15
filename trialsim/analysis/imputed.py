"""Missing scores imputed several times, by address, and the results pooled."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import tee
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.special import ndtri

from trialsim.analysis.comparison import Comparison, of_mean_difference
from trialsim.analysis.data import Data, Samples
from trialsim.analysis.endpoint import Endpoint, endpoint_of_values, on_treatment
from trialsim.arrays import Booleans, Floats
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.imputation import AT_RANDOM, Imputation
from trialsim.scenario.protocol.design import BASELINE
from trialsim.stats.means_and_proportions.mean_difference import MeanDifference, mean_difference

if TYPE_CHECKING:
    from trialsim.stats.missing.latent_normal import Parameters

_SDS: Final = 6.0
"""The width of a scale, for a normal score beside it; any other would do nearly the same."""


def completed(data: Data) -> Iterator[Data]:
    """Yield the trial after each imputation; in each arm, who has any score has all."""
    imputer = Imputer(data)
    for cells in imputer.draws() if data.drawn is None else data.drawn:
        yield data.imputed(imputer.endpoint(cells))


class Part(NamedTuple):
    """What an imputed trial gives to be pooled, on the scale on which it is, shape (replicate,)."""

    estimate: Floats
    """NaN where nothing can be said, and then of the pooled results neither."""
    variance: Floats
    freedom: Floats
    """Degrees of freedom if no score had been missing."""


def part_of(found: MeanDifference) -> Part:
    """Return what is pooled of a difference; without spread, all variance is between trials."""
    variance = np.nan_to_num(found.standard_error) ** 2
    return Part(found.estimate, variance, np.nan_to_num(found.degrees_of_freedom, nan=1.0))


def pooled(data: Data, part_of: Callable[[Data], Part]) -> Comparison:
    """Pool imputed trials by Rubin's rules; the freedom if nothing were missing is the least."""
    trials = list(completed(data))
    return pooled_parts(data.plan, map(part_of, trials), trials[0].samples)


def pooled_parts(plan: AnalysisPlan, parts: Iterable[Part], samples: Samples) -> Comparison:
    """Pool what each imputation gives; the samples are those of one of them."""
    from trialsim.stats.missing.rubins_rules import pool_estimates

    estimates, variances, freedom = (np.stack(field) for field in zip(*parts, strict=True))
    whole = pool_estimates(estimates, variances, freedom.min(axis=0))
    found = mean_difference(
        whole.estimate, whole.variance, whole.degrees_of_freedom, plan.confidence, plan.alternative
    )
    return of_mean_difference(found, samples.sizes)


@dataclass(frozen=True, eq=False)
class Imputer:
    """The scores by which those at the plan's visit are imputed, and what is assumed of them."""

    data: Data

    @property
    def model(self) -> Imputation:
        """What the plan assumes."""
        return self.data.plan.imputation or AT_RANDOM

    @cached_property
    def visits(self) -> list[int]:
        """The places of the visits used, among those of the design; the last is the plan's."""
        names, last = list(self.data.trial.scenario.design.visits), self.data.visit
        chosen, first = self.model.predictors, int(self.data.outcome.baseline is None)
        used = (one for one in range(first, last) if chosen is None or names[one] in chosen)
        return [*used, last]

    @cached_property
    def cells(self) -> Floats:
        """Scores in steps of the scale, which are imputed as whole, (replicate, patient, visit)."""
        return self.data.outcome.grid.cell_of(self.data.scores[:, :, self.visits])

    @cached_property
    def after(self) -> Booleans:
        """Which of the visits are after the event, shape (replicate, patient, visit)."""
        conduct, planned = self.data.trial.conduct, self.data.trial.scenario.design.visits
        match self.model.after:
            case "last_score":
                seen = ~np.isnan(self.data.scores)
                after = ~np.logical_or.accumulate(seen[..., ::-1], axis=-1)[..., ::-1]
            case "discontinuation":
                left = np.minimum(conduct.discontinued, conduct.exited)
                after = conduct.visit_minute >= left[..., np.newaxis]
            case "withdrawal":
                after = conduct.visit_minute >= conduct.exited[..., np.newaxis]
        treated = np.array([name != BASELINE for name in planned])
        return np.asarray((after & treated)[..., self.visits])

    def draws(self) -> Iterator[Floats]:
        """Yield the cells at the plan's visit, the missing ones as drawn, before any delta.

        What is drawn of latent scores is neither rounded nor within the scale.
        """
        latent = self.model.scores == "latent"
        yield from self._latent_draws() if latent else map(self._drawn, range(self._imputations))

    @property
    def _baselines(self) -> int:
        """How many of the visits are before treatment."""
        return int(self.visits[0] == 0)

    @property
    def _imputations(self) -> int:
        return self.data.plan.imputations

    @property
    def _arms(self) -> Iterator[tuple[Booleans, str]]:
        """Who is in each arm, shape (replicate, patient), and its name; the control first."""
        plan = self.data.plan
        return zip(reversed(self.data.arms), (plan.control, plan.treated), strict=True)

    @cached_property
    def _joint(self) -> Floats:
        """What is jointly normal, (replicate, patient, column): the cells of the visits.

        A baseline comes first as its normal score too, so that lines on both follow a bend.
        """
        if not self._baselines:
            return self.cells
        from trialsim.stats.ranks.placements import midranks

        among = self.data.arms[0] | self.data.arms[1]
        ranks = midranks(np.where(among, self.cells[..., 0], np.nan))
        shares = (ranks - 0.5) / np.maximum((~np.isnan(ranks)).sum(axis=1, keepdims=True), 1)
        scores = ndtri(shares) * self.data.outcome.grid.steps / _SDS
        return np.concatenate([scores[..., np.newaxis], self.cells], axis=-1)

    @property
    def _first(self) -> int:
        """The column of the first visit."""
        return int(self._joint.shape[-1]) - len(self.visits)

    @property
    def _after(self) -> Booleans:
        """Which columns are after the event."""
        before = np.zeros((*self.cells.shape[:2], self._first), np.bool_)
        return np.concatenate([before, self.after], axis=-1)

    def _latent_draws(self) -> Iterator[Floats]:
        """Yield the cells by the joint normal of latent scores at all visits."""
        from trialsim.stats.missing.latent_normal import latent_draws

        patients, steps = self.cells.shape[1], self.data.outcome.grid.steps
        by_reference = self.model.model != "at_random"
        told = np.where(self._after, np.nan, self._joint) if by_reference else self._joint
        chains, exact = [], self._first + self._baselines
        for (arm, name), of_scores in zip(self._arms, tee(self._of_sweeps(patients)), strict=True):
            sweeps = zip(of_scores, self._of_parameters(name), strict=True)
            one = np.where(arm[:, :, np.newaxis], told, np.nan)
            chains.append(latent_draws(one, 0, steps, sweeps, exact))
        for imputation, (control, treated) in enumerate(zip(*chains, strict=True)):
            latent = np.where(np.isnan(control[0]), treated[0], control[0])
            if by_reference:
                latent = self._by_reference(latent, control[1], treated[1], imputation)
            yield np.where(np.isnan(self.cells[..., -1]), latent[..., -1], self.cells[..., -1])

    def _by_reference(
        self, latent: Floats, control: "Parameters", treated: "Parameters", imputation: int
    ) -> Floats:
        """Return latent scores, those of the treated after the event by the reference arm."""
        from trialsim.stats.missing.latent_normal import regressions_of
        from trialsim.stats.missing.multiple_imputation import (
            SMALLEST_UNIFORM,
            Profiles,
            Reference,
            ReferenceModel,
        )

        model: ReferenceModel = self.model.model  # type: ignore[assignment]
        first, after, known = self._first, self._after, ~np.isnan(self._joint)
        exact = first + self._baselines
        own, arm = regressions_of(treated), self.data.arms[0]
        completed = np.where(known & after, self._joint, latent)
        profiles = Profiles(Reference(regressions_of(control), after, model, exact), completed)
        planned = len(self.data.trial.scenario.design.visits)
        purpose = f"imputation reference {self.data.plan.endpoint}"
        for place, visit in enumerate(self.visits[self._baselines :], exact):
            numbers = self.data.uniform(purpose, arm.shape[1], imputation * planned + visit)
            noise = ndtri(np.clip(numbers, SMALLEST_UNIFORM, 1 - 2 * SMALLEST_UNIFORM))
            there, earlier = completed[..., place], completed[..., :place]
            drawn = profiles.instead(place, own[place], there, earlier, noise)
            whose = arm & ~known[..., place] & after[..., place]
            completed[..., place] = np.where(whose, drawn, there)
        return completed

    def _of_sweeps(self, patients: int) -> Iterator[Floats]:
        """Yield the uniforms of the scores in each sweep, shape (replicate, visit, patient)."""
        from trialsim.stats.missing.latent_normal import BURN_IN

        planned = len(self.data.trial.scenario.design.visits)
        purpose = f"imputation {self.data.plan.endpoint}"
        exact, given = self._first + self._baselines, np.full((len(self.cells), patients), 0.5)
        for sweep in range(BURN_IN + self._imputations):
            draws = [sweep * planned + visit for visit in self.visits[self._baselines :]]
            own = [self.data.uniform(purpose, patients, draw) for draw in draws]
            yield np.stack([given] * exact + own, axis=1)

    def _of_parameters(self, arm: str) -> Iterator[Floats]:
        """Yield the uniforms of an arm's parameters in each sweep, shape (replicate, number)."""
        from trialsim.stats.missing.latent_normal import BURN_IN, uniforms_of_sweep

        purpose = f"imputation model {self.data.plan.endpoint} {arm}"
        number = uniforms_of_sweep(0, self._joint.shape[-1])[1]
        for sweep in range(BURN_IN + self._imputations):
            yield self.data.uniform(purpose, number, sweep)

    def _drawn(self, imputation: int) -> Floats:
        """Return the cells by the normal regressions of scores as they are."""
        from trialsim.stats.missing.multiple_imputation import Reference, impute_arm

        data, model = self.data, self.model.model
        told = None if model == "at_random" else ~self.after
        found, reference = self.cells[..., -1], None
        for arm, name in self._arms:
            cells = np.where(arm[:, :, np.newaxis], self.cells, np.nan)
            numbers = self._numbers(name, imputation, arm.shape[1])
            steps = data.outcome.grid.steps
            made = impute_arm(cells, numbers, 0, steps, told, reference)
            found = np.where(np.isnan(found), made.scores[0, :, :, -1], found)
            if model != "at_random":
                reference = Reference(made.regressions, self.after, model, self._baselines)
        return found

    def endpoint(self, cells: Floats) -> Endpoint:
        """Return imputed cells as analysed, those after the event better by the delta.

        On the latent scale the delta is added to what was drawn, and the sum rounded and kept
        within the scale; in points it is added to the score that was imputed.
        """
        data, grid = self.data, self.data.outcome.grid
        on_latent = self.model.delta_scale == "latent"
        better = self._better
        if on_latent:
            cells = np.where(self._shifted, cells + better / grid.step, cells)
        value = grid.score_of(np.clip(np.rint(cells), 0, grid.steps))
        if not on_latent and np.any(better):
            value = np.where(self._shifted, value + better, value)
        held = on_treatment(data.trial, data.plan, value)
        return endpoint_of_values(data.trial, data.plan, held)

    @property
    def _better(self) -> Floats:
        """Points by which scores are higher that the delta makes better, shape (replicate, 1)."""
        delta = self.model.delta if self.data.delta is None else self.data.delta
        told = np.broadcast_to(delta, len(self.cells))[:, np.newaxis]
        return np.asarray(self.data.outcome.sign * told, np.float64)

    @cached_property
    def _shifted(self) -> Booleans:
        """Whose imputed score the delta is added to, shape (replicate, patient)."""
        treated, control = self.data.arms
        whom = treated if self.model.delta_arms == "treated" else treated | control
        return np.asarray(np.isnan(self.cells[..., -1]) & self.after[..., -1] & whom)

    def _numbers(self, arm: str, imputation: int, patients: int) -> Floats:
        """Return the uniforms of one imputation of an arm, as `uniforms_shape` describes them."""
        data, used = self.data, len(self.visits)
        planned, endpoint = len(data.trial.scenario.design.visits), data.plan.endpoint
        rows = []
        for visit in self.visits:
            draw = imputation * planned + visit
            own = data.uniform(f"imputation {endpoint}", patients, draw)
            model = data.uniform(f"imputation model {endpoint} {arm}", used + 1, draw)
            rows.append(np.concatenate([own, model], axis=1))
        return np.stack(rows, axis=1)[np.newaxis]
