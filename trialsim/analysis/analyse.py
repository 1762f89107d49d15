"""The analysis of one trial: the primary result, those beside it, and what every arm scored."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from trialsim.analysis.data import Data
from trialsim.analysis.methods.subgroups.interaction import apart
from trialsim.analysis.primary import PrimaryAnalysis, analyse_data
from trialsim.analysis.secondary import Adjusted, every_analysis
from trialsim.errors import InputError, Problem
from trialsim.observed.trial import observed
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.plan.methods.dose_finding.mcp_mod import McpMod
from trialsim.scenario.plan.methods.subgroups.interaction import OTHERS, Interaction
from trialsim.scenario.programme import Study, single_trial
from trialsim.scenario.protocol.design import BASELINE
from trialsim.scenario.words.description import plan_in_words
from trialsim.shown import Shown
from trialsim.simulated import SimulatedTrial
from trialsim.trial.trial import Trial

if TYPE_CHECKING:
    from pandas import DataFrame


class AtLevel(NamedTuple):
    """The pairs of patients that one level of a hierarchy decides."""

    level: str
    """What is compared, such as `death by day_90`."""
    wins: int
    """Pairs won by the treated."""
    losses: int
    ties: int
    """Pairs that neither this level nor one before it decides."""


class InGroup(NamedTuple):
    """What the treatment does in one of the groups that a test of interaction compares."""

    group: str
    """The label of the subgroup, or that of all others."""
    quantity: str
    null: float
    estimate: float
    ci: tuple[float, float]
    treated: int
    """Treated patients analysed."""
    control: int


class TargetDose(NamedTuple):
    """What a dose finding says of one trial."""

    significant: tuple[str, ...]
    """The candidates whose contrast shows a benefit."""
    curves: tuple[str, ...]
    """The shapes of the curves that are chosen or averaged."""
    dose: float
    """The smallest dose that reaches the target; NaN where none does."""
    ci: tuple[float, float]
    """Infinite above where the largest dose does not bound it; NaN where there is none."""


class Estimate(NamedTuple):
    """The answer of one analysis of a trial; above the null value the treated are better."""

    quantity: str
    """What the estimate is: Mann-Whitney effect, mean difference, odds ratio, ..."""
    null: float
    """Its value when the arms do not differ."""
    estimate: float
    ci: tuple[float, float]
    statistic: float
    """z, or Student's t; NaN where the test has none."""
    p_value: float
    adjusted_p_value: float
    """For multiplicity; the p-value itself where the plan has no adjustment."""
    rejected: bool
    """Whether the adjusted p-value is at most alpha."""
    treated: int
    """Treated patients analysed."""
    control: int
    levels: tuple[AtLevel, ...] = ()
    """Of a hierarchy, in its order; empty of all else."""
    subgroup: str = ""
    """The label of those who are analysed; empty for everybody."""
    groups: tuple[InGroup, ...] = ()
    """Of an interaction, those that it compares; empty of all else."""
    target_dose: TargetDose | None = None
    """Of a dose finding; None of all else."""


class ArmAtVisit(NamedTuple):
    """The scores of one arm at one visit, as they were measured."""

    outcome: str
    visit: str
    arm: str
    n: int
    mean: float
    sd: float
    """With n - 1; NaN below two patients."""


@dataclass(frozen=True, slots=True, repr=False)
class Analysis(Shown):
    """The result of a trial under its analysis plan."""

    scenario: str
    digest: str
    seed: int
    replicate: int
    primary: Estimate
    secondary: Mapping[str, Estimate]
    """The planned secondary analyses by name, then the primary one at each other visit.

    Those at the visits are not adjusted for multiplicity.
    """
    by_visit: tuple[ArmAtVisit, ...]
    conventions: Mapping[str, str]
    simulated: bool = True
    """Whether the trial is simulated, or its data say so."""

    @property
    def estimate(self) -> float:
        """The primary estimate: what the plan's `quantity` says."""
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
        """Return a row for each analysis, the primary one first."""
        from pandas import DataFrame

        rows = {"primary": self.primary, **self.secondary}
        frame = DataFrame([{"analysis": name, **row._asdict()} for name, row in rows.items()])
        frame = frame.drop(columns=["levels", "subgroup", "groups", "target_dose"])
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


def analyse(
    trial: SimulatedTrial | str | Path,
    plan: Study | str | Path | None = None,
    seed: int | None = None,
) -> Analysis:
    """Analyse a simulated trial as its scenario plans, or a data set as the plan of a study says.

    Parameters
    ----------
    trial
        A simulated trial; or a folder with the tables of a data set, see `trialsim analyse`.
    plan
        The study by whose plan a data set is analysed.
    seed
        Of analyses of a data set that draw random numbers; None for its own, or else 2016.

    Raises
    ------
    InputError
        With everything that is wrong in the data set, or that the plan does not know.
    """
    if isinstance(trial, SimulatedTrial):
        return _analysed(trial.batch, simulated=True)
    if plan is None:
        rule = "must be given: the study by whose plan the data are analysed"
        raise InputError([Problem("plan", rule)])
    data = observed(trial, single_trial(load_study(plan)), seed)
    return _analysed(data.batch, data.simulated)


def _analysed(batch: Trial, simulated: bool) -> Analysis:
    """Return the analysis of a batch of one trial."""
    study, plan = batch.scenario, batch.scenario.analysis
    others = [name for name in study.design.visits if name not in (BASELINE, plan.visit)]
    found = every_analysis(batch, plan)
    planned = {
        name: _estimate(one, plan.every[name])._replace(groups=_groups(batch, plan.every[name]))
        for name, one in found.items()
    }
    primary, secondary = planned.pop(PRIMARY), planned
    for visit in others:
        alone = plan.alone.model_copy(update={"visit": visit})
        secondary[visit] = _estimate(every_analysis(batch, alone)[PRIMARY], alone)
    return Analysis(
        scenario=study.name,
        digest=study.digest,
        seed=batch.seed,
        replicate=int(batch.replicates[0]),
        primary=primary,
        secondary=secondary,
        by_visit=arms_at_visits(batch),
        conventions=plan_in_words(plan, study.outcomes),
        simulated=simulated,
    )


def arms_at_visits(trial: Trial) -> tuple[ArmAtVisit, ...]:
    """Return size, mean and SD of every outcome by visit and arm, over all replicates.

    An outcome without a baseline has none of the baseline visit.
    """
    found = []
    for outcome, scores in trial.scores.items():
        for place, visit in enumerate(trial.scenario.design.visits):
            if visit == BASELINE and trial.scenario.outcomes[outcome].baseline is None:
                continue
            for arm, name in enumerate(trial.scenario.design.arms):
                values = scores[:, :, place][trial.arms == arm]
                values = values[~np.isnan(values)]
                mean = float(values.mean()) if len(values) else float("nan")
                sd = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
                found.append(ArmAtVisit(outcome, visit, name, len(values), mean, sd))
    return tuple(found)


def _estimate(one: Adjusted, plan: AnalysisPlan) -> Estimate:
    quantity, found = plan.quantity, one.found
    return Estimate(
        quantity=quantity.name,
        null=quantity.null,
        estimate=found.estimate.item(),
        ci=(found.low.item(), found.high.item()),
        statistic=found.z.item(),
        p_value=found.p_value.item(),
        adjusted_p_value=one.p_value.item(),
        rejected=one.rejected.item(),
        treated=found.treated.item(),
        control=found.control.item(),
        levels=_levels(found, plan),
        subgroup="" if plan.subgroup is None else plan.subgroup.label,
        target_dose=_target_dose(found, plan),
    )


def _groups(batch: Trial, plan: AnalysisPlan) -> tuple[InGroup, ...]:
    """Return what a test of interaction compares."""
    if not isinstance(plan.test, Interaction):
        return ()
    labels = plan.test.subgroup.label, OTHERS
    found = []
    for label, data in zip(labels, apart(Data(batch, plan), plan.test), strict=True):
        one, quantity = analyse_data(data), data.plan.quantity
        ends = one.low.item(), one.high.item()
        sizes = one.treated.item(), one.control.item()
        found.append(InGroup(label, *quantity, one.estimate.item(), ends, *sizes))
    return tuple(found)


def _plain(estimate: Estimate) -> dict[str, Any]:
    content = {**estimate._asdict(), "ci": list(estimate.ci)}
    levels = [one._asdict() for one in content.pop("levels")]
    groups = [{**one._asdict(), "ci": list(one.ci)} for one in content.pop("groups")]
    found = content.pop("target_dose")
    target = {} if found is None else {**found._asdict(), "ci": list(found.ci)}
    more = {"levels": levels, "subgroup": content.pop("subgroup"), "groups": groups}
    more["target_dose"] = target
    return {**content, **{name: value for name, value in more.items() if value}}


def _levels(found: PrimaryAnalysis, plan: AnalysisPlan) -> tuple[AtLevel, ...]:
    """Return the pairs that each level decided."""
    if found.levels is None:
        return ()
    wins, losses = (one[0].astype(int).tolist() for one in found.levels[:2])
    left = found.levels.pairs[0] - np.cumsum((found.levels.wins + found.levels.losses)[0])
    names = plan.test.levels_in_words(plan)
    return tuple(map(AtLevel, names, wins, losses, left.astype(int).tolist()))


def _target_dose(found: PrimaryAnalysis, plan: AnalysisPlan) -> TargetDose | None:
    """Return what a dose finding says of the trial."""
    if found.doses is None or not isinstance(plan.test, McpMod):
        return None
    significant, chosen, *dose, _ = (one[0] for one in found.doses)
    target, low, high = (float(one) for one in dose)
    return TargetDose(
        tuple(
            one.in_words for one, is_so in zip(plan.test.shapes, significant, strict=True) if is_so
        ),
        tuple(
            shape for shape, weight in zip(plan.test.families, chosen, strict=True) if weight > 0
        ),
        target,
        (low, high),
    )
