"""The analysis of one trial: the primary result, the other visits, and what every arm scored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from trialsim.analysis.primary import analyse_primary
from trialsim.scenario.analysis_plan import AnalysisPlan
from trialsim.scenario.description import plan_in_words
from trialsim.scenario.design import BASELINE
from trialsim.simulated import SimulatedTrial
from trialsim.trial.trial import Trial

if TYPE_CHECKING:
    from pandas import DataFrame


class Estimate(NamedTuple):
    """A Mann-Whitney effect of one trial; above 0.5 the treated are better."""

    estimate: float
    ci: tuple[float, float]
    z: float
    p_value: float
    rejected: bool
    treated: int
    """Treated patients analysed."""
    control: int


class ArmAtVisit(NamedTuple):
    """The scores of one arm at one visit, as they were measured."""

    outcome: str
    visit: str
    arm: str
    n: int
    mean: float
    sd: float
    """With n - 1; NaN below two patients."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """The result of a trial under its analysis plan."""

    scenario: str
    digest: str
    seed: int
    replicate: int
    primary: Estimate
    secondary: Mapping[str, Estimate]
    """The same analysis at each other visit after baseline, not adjusted for multiplicity."""
    by_visit: tuple[ArmAtVisit, ...]
    conventions: Mapping[str, str]

    @property
    def estimate(self) -> float:
        """The primary Mann-Whitney effect."""
        return self.primary.estimate

    @property
    def ci(self) -> tuple[float, float]:
        """The primary confidence interval."""
        return self.primary.ci

    @property
    def p_value(self) -> float:
        """The primary p-value."""
        return self.primary.p_value

    def to_frame(self) -> "DataFrame":
        """Return a row for each visit that was analysed, the primary one first."""
        from pandas import DataFrame

        rows = {"primary": self.primary, **self.secondary}
        frame = DataFrame([{"analysis": name, **row._asdict()} for name, row in rows.items()])
        ends = DataFrame(frame.pop("ci").tolist(), columns=["low", "high"])
        return frame.join(ends)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        return {
            "scenario": self.scenario,
            "digest": self.digest,
            "seed": self.seed,
            "replicate": self.replicate,
            **_plain(self.primary),
            "secondary": {name: _plain(one) for name, one in self.secondary.items()},
            "by_visit": [one._asdict() for one in self.by_visit],
            "conventions": dict(self.conventions),
        }


def analyse(trial: SimulatedTrial) -> Analysis:
    """Analyse one trial as its scenario plans."""
    batch, plan = trial.batch, trial.scenario.analysis
    visits = [name for name in trial.scenario.design.visits if name != BASELINE]
    secondary = {
        visit: _estimate(batch, plan.model_copy(update={"visit": visit}))
        for visit in visits
        if visit != plan.visit
    }
    return Analysis(
        scenario=trial.scenario.name,
        digest=trial.scenario.digest,
        seed=trial.seed,
        replicate=trial.replicate,
        primary=_estimate(batch, plan),
        secondary=secondary,
        by_visit=arms_at_visits(batch),
        conventions=plan_in_words(plan),
    )


def arms_at_visits(trial: Trial) -> tuple[ArmAtVisit, ...]:
    """Return size, mean and SD of every outcome by visit and arm, over all replicates."""
    found = []
    for outcome, scores in trial.scores.items():
        for place, visit in enumerate(trial.scenario.design.visits):
            for arm, name in enumerate(trial.scenario.design.arms):
                values = scores[:, :, place][trial.arms == arm]
                values = values[~np.isnan(values)]
                mean = float(values.mean()) if len(values) else float("nan")
                sd = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
                found.append(ArmAtVisit(outcome, visit, name, len(values), mean, sd))
    return tuple(found)


def _estimate(trial: Trial, plan: AnalysisPlan) -> Estimate:
    found = analyse_primary(trial, plan)
    return Estimate(
        estimate=found.estimate.item(),
        ci=(found.low.item(), found.high.item()),
        z=found.z.item(),
        p_value=found.p_value.item(),
        rejected=found.rejected.item(),
        treated=found.treated.item(),
        control=found.control.item(),
    )


def _plain(estimate: Estimate) -> dict[str, Any]:
    return {**estimate._asdict(), "ci": list(estimate.ci)}
