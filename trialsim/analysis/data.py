"""What a method of analysis may read of a batch of trials, read as its plan says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from trialsim.analysis.counts import cell_counts
from trialsim.analysis.endpoint import (
    Endpoint,
    Standing,
    complete_endpoint,
    complete_standing,
    counted_scores,
    endpoint,
    standing,
    visit_of,
)
from trialsim.analysis.prognosis.score import prognostic_score
from trialsim.arrays import Booleans, Floats, Integers, RowIndex, Words
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.prognostic import PROGNOSTIC
from trialsim.streams import Streams, numbers
from trialsim.trial.trial import Trial


class Samples(NamedTuple):
    """Values of the treated and of the controls, each of shape (..., replicate, patient).

    A sample keeps a place for every patient of the trial, NaN where the patient is of another arm
    or is not analysed: its width, and so the rounding of its sums, is that of the design in every
    batch.
    """

    treated: Floats
    control: Floats

    @property
    def sizes(self) -> tuple[Integers, Integers]:
        """How many of each arm have a value, shape (..., replicate)."""
        treated, control = ((~np.isnan(arm)).sum(axis=-1) for arm in self)
        return treated, control

    def freedom(self, slopes: int = 0) -> Floats:
        """Return degrees of freedom of two means and some slopes, at least 1, as `sizes`."""
        treated, control = self.sizes
        return np.asarray(np.maximum(treated + control - 2.0 - slopes, 1.0))


@dataclass(frozen=True, eq=False)
class Data:
    """The patients of a batch of replicates and all that was measured of them.

    What several methods or figures need is computed once.
    """

    trial: Trial
    plan: AnalysisPlan
    complete: bool = False
    """Whether scores are read as if none had been missed."""
    given: Endpoint | None = None
    """What is analysed, where it was made before: one imputation."""
    drawn: tuple[Floats, ...] | None = None
    """What each imputation draws at the visit, before any delta, where it was made before."""
    delta: Floats | None = None
    """Points by which imputed scores are better, shape (replicate,); None for those of the plan."""
    among: Booleans | None = None
    """Who may be analysed, shape (replicate, patient); None for all."""
    counted: Integers | None = None
    """The counts, where they were made before."""
    measured: Mapping[tuple[str, str], Endpoint] | None = None
    """What is analysed of each outcome at each visit, where there is no trial to read it from."""

    @cached_property
    def values(self) -> Endpoint:
        """The one value a patient that the plan's endpoint, visit and rules give."""
        if self.given is None:
            return self.values_of(self.plan.endpoint, self.plan.visit)
        return self._of_some(self.given)

    def values_of(self, outcome: str, visit: str) -> Endpoint:
        """Return the one value a patient that another outcome or visit gives by the same rules."""
        if self.measured is not None:
            return self._of_some(self.measured[outcome, visit])
        plan = self.plan.model_copy(update={"endpoint": outcome, "visit": visit})
        known = self.standing if visit == self.plan.visit else None
        made = complete_endpoint if self.complete else endpoint
        return self._of_some(made(self.trial, plan, known))

    @cached_property
    def standing(self) -> Standing:
        """Where patients stand at the plan's visit, whatever the outcome."""
        found = complete_standing if self.complete else standing
        return found(self.trial, self.plan)

    def _of_some(self, values: Endpoint) -> Endpoint:
        """Return values of those alone who may be analysed."""
        if self.among is None:
            return values
        return replace(values, analysed=values.analysed & self.among)

    @cached_property
    def counts(self) -> Integers:
        """Patients by stratum, arm and cell, shape (replicate, stratum, 2, cells)."""
        if self.counted is not None:
            return self.counted
        return cell_counts(self.trial, self.plan, self.values)

    @property
    def included(self) -> Booleans:
        """Who is analysed where a score is known, shape (replicate, patient)."""
        included = self.standing.included
        return included if self.among is None else included & self.among

    @property
    def samples(self) -> Samples:
        """The analysed cells of each arm as numbers; more is better."""
        return self.samples_of(self.values)

    @property
    def outcome(self) -> Outcome:
        """The scale of the endpoint."""
        return self.trial.scenario.outcomes[self.plan.endpoint]

    @property
    def visit(self) -> int:
        """The place of the plan's visit among those of the design."""
        return visit_of(self.trial, self.plan)

    @property
    def scores(self) -> Floats:
        """Scores of the endpoint at every visit, shape (replicate, patient, visit).

        In points, baseline first; NaN where a score was not measured.
        """
        scores = self.trial.underlying if self.complete else counted_scores(self.trial, self.plan)
        return scores[self.plan.endpoint]

    @property
    def baseline(self) -> Floats:
        """Scores of the endpoint before treatment, shape (replicate, patient)."""
        return self.trial.underlying.at(self.plan.endpoint, 0)

    @property
    def site(self) -> Integers:
        """The site of each patient, shape (replicate, patient)."""
        return self.trial.site

    @property
    def arms(self) -> tuple[Booleans, Booleans]:
        """Who is treated and who is a control, shape (replicate, patient) each."""
        arms = list(self.trial.scenario.design.arms)
        treated, control = arms.index(self.plan.treated), arms.index(self.plan.control)
        return self.trial.arms == treated, self.trial.arms == control

    @property
    def to_impute(self) -> bool:
        """Whether missing scores have still to be imputed."""
        imputes = self.plan.missing == "multiple_imputation"
        return imputes and not self.complete and self.given is None

    def samples_of(self, values: Endpoint) -> Samples:
        """Return the analysed cells of each arm as numbers; more is better."""
        return self.divided(np.where(values.analysed, values.cell, np.nan))

    def divided(self, values: Floats) -> Samples:
        """Return each arm's values, NaN for all other patients."""
        treated, control = self.arms
        return Samples(np.where(treated, values, np.nan), np.where(control, values, np.nan))

    def of(self, outcome: str, visit: str | None = None) -> Self:
        """Return the same patients with another outcome as the endpoint, or at another visit."""
        other = {"endpoint": outcome, "visit": self.plan.visit if visit is None else visit}
        plan = self.plan.model_copy(update=other)
        found = replace(self, plan=plan, given=None, drawn=None, counted=None)
        if self.measured is None and plan.visit == self.plan.visit:
            found.__dict__["standing"] = self.standing  # found once for all outcomes
        return found

    def imputed(self, values: Endpoint) -> Self:
        """Return the same patients with values that leave nothing to impute."""
        return replace(self, given=values, counted=None)

    def covariates(self, names: Iterable[str]) -> Floats:
        """Return covariates of the patients, shape (replicate, covariate, patient)."""
        known = self.trial.cohort.covariates.at(RowIndex(self.trial.candidate))
        rows = [self._score() if name == PROGNOSTIC else known[name] for name in names]
        return np.stack(rows, axis=1).astype(np.float64)

    def _score(self) -> Floats:
        prognostic = self.plan.prognostic
        if prognostic is None:
            raise ValueError(f"{PROGNOSTIC} is of plans that say prognostic")
        return prognostic_score(self.trial, self.plan, prognostic)

    def words(self, purpose: str, units: int, draw: int) -> Words:
        """Return a word by address for each replicate, shape (replicate, units)."""
        replicates = self.trial.replicates
        first, last = int(replicates[0]), int(replicates[-1])
        streams = Streams(self.trial.seed, range(first, last + 1))
        return streams.words(purpose, units, draw)[replicates - first]

    def uniform(self, purpose: str, units: int, draw: int) -> Floats:
        """Return a number in (0, 1) by address for each replicate, shape (replicate, units)."""
        return numbers(self.words(purpose, units, draw))
