"""Missing scores imputed several times, by address, and the results pooled."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import Endpoint, endpoint_of_values
from trialsim.arrays import Booleans, Floats
from trialsim.scenario.plan.imputation import AT_RANDOM, Imputation
from trialsim.scenario.protocol.design import BASELINE
from trialsim.stats.means_and_proportions.mean_difference import mean_difference


def completed(data: Data) -> Iterator[Data]:
    """Yield the trial after each imputation; in each arm, who has any score has all."""
    imputer = Imputer(data)
    for imputation in range(data.plan.imputations):
        cells = imputer.drawn(imputation) if data.drawn is None else data.drawn[imputation]
        yield data.imputed(imputer.endpoint(cells, imputer.model.delta))


class Part(NamedTuple):
    """What an imputed trial gives to be pooled, on the scale on which it is, shape (replicate,)."""

    estimate: Floats
    """NaN where nothing can be said, and then of the pooled results neither."""
    variance: Floats
    freedom: Floats
    """Degrees of freedom if no score had been missing."""


def pooled(data: Data, part_of: Callable[[Data], Part]) -> Comparison:
    """Pool imputed trials by Rubin's rules; the freedom if nothing were missing is the least."""
    from trialsim.stats.missing.rubins_rules import pool_estimates

    trials = list(completed(data))
    parts = [part_of(one) for one in trials]
    estimates, variances, freedom = (np.stack(field) for field in zip(*parts, strict=True))
    whole = pool_estimates(estimates, variances, freedom.min(axis=0))
    plan = data.plan
    found = mean_difference(
        whole.estimate, whole.variance, whole.degrees_of_freedom, plan.confidence, plan.alternative
    )
    ends = found.estimate, found.low, found.high
    return Comparison(*ends, found.t, found.p_value, *trials[0].samples.sizes)


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
        chosen = self.model.predictors
        return [one for one in range(last) if chosen is None or names[one] in chosen] + [last]

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

    def drawn(self, imputation: int) -> Floats:
        """Return the cells at the plan's visit, the missing ones imputed, before any delta."""
        from trialsim.stats.missing.multiple_imputation import Reference, impute_arm

        data, model = self.data, self.model.model
        told = None if model == "at_random" else ~self.after
        found, reference = self.cells[..., -1], None
        arms = zip(reversed(data.arms), (data.plan.control, data.plan.treated), strict=True)
        for arm, name in arms:
            cells = np.where(arm[:, :, np.newaxis], self.cells, np.nan)
            numbers = self._numbers(name, imputation, arm.shape[1])
            steps = data.outcome.grid.steps
            made = impute_arm(cells, numbers, 0, steps, told, reference)
            found = np.where(np.isnan(found), made.scores[0, :, :, -1], found)
            if model != "at_random":
                baselines = int(self.visits[0] == 0)
                reference = Reference(made.regressions, self.after, model, baselines)
        return found

    def endpoint(self, cells: Floats, delta: float) -> Endpoint:
        """Return imputed cells as analysed, those after the event better by some points."""
        data = self.data
        value = data.outcome.grid.score_of(cells)
        if delta != 0:
            treated, control = data.arms
            whom = treated if self.model.delta_arms == "treated" else treated | control
            shifted = np.isnan(self.cells[..., -1]) & self.after[..., -1] & whom
            value = np.where(shifted, value + data.outcome.sign * delta, value)
        return endpoint_of_values(data.trial, data.plan, value)

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
