"""How often a design rejects a true null hypothesis, whichever of them are true.

Strong control of the family-wise error rate is a bound for every configuration of true and false
null hypotheses, not only where nothing has an effect. A configuration is simulated by taking away
the effect of an arm on an outcome, for each pair that its true hypotheses are about, and from the
members of a subgroup alone where a hypothesis is about those: their scores come from the same
patients in the same study without the drug, all others are as they were. So all configurations are
of the same trials, each simulated twice.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np

from trialsim.analysis.endpoint import in_subgroup
from trialsim.analysis.secondary import every_analysis
from trialsim.arrays import Booleans, Floats, Pairs
from trialsim.errors import InputError, Problem
from trialsim.questions.power import REPLICATES
from trialsim.questions.type_one_error import own_seed, verdict_on, without_effect, without_risks
from trialsim.replicates.checks import chosen_engine
from trialsim.replicates.monitoring.spread import share_of
from trialsim.replicates.parallel import Progress
from trialsim.replicates.result import SIMULATED, check_finished, conventions_of
from trialsim.replicates.run import BATCH, Summarise
from trialsim.runs.runner import Runner, not_enough
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.programme import Programme, Study, single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.shown import Shown
from trialsim.stats.monte_carlo import Proportion
from trialsim.streams import Streams
from trialsim.trial.outcomes import Scores, Visits
from trialsim.trial.trial import Engine, Trial, simulate_batch

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_ANALYSES: Final = 4
"""Tested together, of which there are up to 2**4 - 1 configurations of true hypotheses."""


class Effect(NamedTuple):
    """An effect of which a hypothesis says that there is none."""

    outcome: str
    arm: str
    inside: frozenset[str]
    """The labels of the subgroups in which the patients are whom it is on, and in no others."""


Hypotheses: TypeAlias = tuple[str, ...]
"""The names of the analyses whose null hypotheses are true."""


@dataclass(frozen=True, slots=True, repr=False)
class FamilyWiseErrors(Shown):
    """The family-wise error rate of every configuration of true null hypotheses."""

    scenario: str
    digest: str
    seed: int
    replicates: int
    failed: int
    engine: str
    alpha: float
    errors: Mapping[Hypotheses, Proportion]
    """Share of trials that reject any true hypothesis, in either direction, by which are true."""
    conventions: Mapping[str, str]
    seconds: float

    @property
    def worst(self) -> Hypotheses:
        """The true hypotheses of the configuration with the largest error."""
        return max(self.errors, key=lambda one: float(self.errors[one].estimate))

    @property
    def verdict(self) -> str:
        """What the replicates show of the level, of the configuration with the largest error."""
        return verdict_on(self.errors[self.worst], self.alpha, self.replicates - self.failed)

    def to_frame(self) -> "DataFrame":
        """Return a row for each configuration: its true hypotheses, the error and its interval."""
        from pandas import DataFrame

        rows = [
            {"true": ", ".join(true), **{name: float(one) for name, one in error._asdict().items()}}
            for true, error in self.errors.items()
        ]
        return DataFrame(rows).assign(alpha=self.alpha)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        about = ("scenario", "digest", "seed", "replicates", "failed", "engine", "alpha", "seconds")
        return {
            **{name: getattr(self, name) for name in about},
            "configurations": [
                {
                    "true": list(true),
                    "family_wise_error": float(error.estimate),
                    "mcse": float(error.mcse),
                    "ci": [float(error.low), float(error.high)],
                }
                for true, error in self.errors.items()
            ],
            "worst": list(self.worst),
            "verdict": self.verdict,
            "conventions": dict(self.conventions),
            "note": SIMULATED,
        }


def family_wise_errors(
    scenario: Study | str | Path,
    replicates: int = REPLICATES,
    seed: int = 2016,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | bool | None = None,
    scheduler: str | None = None,
) -> FamilyWiseErrors:
    """Count how often a true null hypothesis is rejected, whichever of them are true.

    At most four analyses may be tested together. Hypotheses that are about the same effects are
    true together: of an arm, of the outcomes that an analysis has, and of its subgroup. Where
    nobody has an effect no subgroup has one: its hypothesis is true with that of the population.

    Raises
    ------
    InputError
        If the study tests too many analyses together, has a control with study drug, or lets the
        drug decide who leaves.
    RunError
        If recruitment can never finish, or every replicate failed.
    """
    study = single_trial(load_study(scenario))
    runner = Runner(seed, n_jobs, engine, batch, progress, scheduler)
    return family_wise_errors_by(runner, study, replicates)


def family_wise_errors_by(runner: Runner, study: Study, replicates: int) -> FamilyWiseErrors:
    """Return the family-wise errors of a study as a runner gives them, on a seed of their own."""
    wrong = [*runner.problems(), *not_enough("replicates", replicates), *_problems(study)]
    if wrong:
        raise InputError(wrong)
    began, trial = time.perf_counter(), without_risks(single_trial(study))
    runner = replace(runner, seed=own_seed(runner.seed))
    runner.check(trial)
    known = configurations(trial)
    names = ("estimate", *map(_column, range(len(known))))
    summarise = Summarise(names, partial(_rejections, null=single_trial(without_effect(trial))))
    done = runner.run(trial, range(replicates), summarise)
    check_finished(done, runner.seed)
    return FamilyWiseErrors(
        scenario=study.name,
        digest=study.digest,
        seed=runner.seed,
        replicates=replicates,
        failed=len(done.failures),
        engine=chosen_engine(trial, runner.engine),
        alpha=study.analysis.alpha,
        errors={true: share_of(done.columns[_column(place)]) for place, true in enumerate(known)},
        conventions=conventions_of(study),
        seconds=time.perf_counter() - began,
    )


def configurations(study: Scenario) -> dict[Hypotheses, frozenset[Effect]]:
    """Return which null hypotheses can be true together, and of which effects there are then none.

    >>> import trialsim as ts
    >>> nihss = {"analysis.secondary": {"nihss": {"endpoint": "nihss"}}}
    >>> list(configurations(ts.load("cars1").replace(nihss)))
    [('primary',), ('nihss',), ('primary', 'nihss')]
    """
    about = {name: _about(study, name) for name in _tested(study)}
    found: dict[Hypotheses, frozenset[Effect]] = {}
    for count in range(1, len(about) + 1):
        for some in combinations(about, count):
            gone = frozenset[Effect]().union(*(about[name] for name in some))
            found.setdefault(tuple(name for name in about if about[name] <= gone), gone)
    return found


def _tested(study: Scenario) -> Hypotheses:
    """Return the analyses whose errors are bounded together, the primary one always among them."""
    plan = study.analysis
    return tuple(name for name in plan.every if name in plan.together or name == "primary")


def _about(study: Scenario, name: str) -> frozenset[Effect]:
    """Return the effects of an analysis: on everybody, or on those of its subgroup alone."""
    plan = study.analysis.every[name]
    groups = _subgroups(study)
    return frozenset(
        Effect(outcome, arm, inside)
        for outcome in plan.test.outcomes_of(plan)
        for arm in plan.test.arms_tested(study.design, plan)
        for inside in map(frozenset, _subsets(groups))
        if plan.subgroup is None or plan.subgroup.label in inside
    )


def _subgroups(study: Scenario) -> dict[str, AnalysisPlan]:
    """Return the subgroups that are tested by their labels, each with an analysis of it."""
    plans = (study.analysis.every[name] for name in _tested(study))
    return {plan.subgroup.label: plan for plan in plans if plan.subgroup is not None}


def _subsets(names: Iterable[str]) -> Iterator[tuple[str, ...]]:
    every = tuple(names)
    for count in range(len(every) + 1):
        yield from combinations(every, count)


def _problems(study: Study) -> Iterator[Problem]:
    if isinstance(study, Programme):
        yield Problem("analysis", "must be of a trial: a programme has one analysis")
        return
    tested = _tested(study)
    if study.monitoring is not None:
        yield Problem("monitoring", "must be left out: looks are decided by one analysis")
    if len(tested) > MOST_ANALYSES:
        rule = f"must test at most {MOST_ANALYSES} analyses together"
        yield Problem("analysis.multiplicity", rule, str(len(tested)))
    if any(study.analysis.every[name].margin is not None for name in tested):
        yield Problem("analysis.margin", "must be left out: of a margin no effect is not the null")
    for control in {study.analysis.every[name].control for name in tested}:
        if any(study.design.arms[control].doses):
            rule = "must have no study drug, so that an arm without effect is like it"
            yield Problem(f"design.arms.{control}", rule)


def _rejections(trial: Trial, null: Scenario) -> dict[str, Floats]:
    """Return whether each replicate rejects any true hypothesis, by configuration."""
    first, last = int(trial.replicates[0]), int(trial.replicates[-1])
    engine: Engine = "events" if trial.engine == "events" else "vector"
    twin = simulate_batch(null, Streams(trial.seed, range(first, last + 1)), engine)
    if not _alike(trial, twin):
        rule = "must not let the drug decide who is randomised, leaves or misses a visit"
        raise InputError([Problem("operations", rule)])
    numbers = {}
    plan = trial.scenario.analysis
    for place, (true, gone) in enumerate(configurations(trial.scenario).items()):
        found = every_analysis(without_effects(trial, twin, gone), plan)
        rejected = np.any([found[name].rejected for name in true], axis=0)
        numbers[_column(place)] = rejected.astype(np.float64)
    return {"estimate": np.zeros(len(trial.replicates)), **numbers}


def without_effects(trial: Trial, twin: Trial, gone: frozenset[Effect]) -> Trial:
    """Return a trial in which some arms have no effect on some outcomes.

    Parameters
    ----------
    twin
        The same trial without any effect.
    gone
        The effects without which scores are those of the twin.
    """
    arms = list(trial.scenario.design.arms)
    groups = _subgroups(trial.scenario)
    belongs = {label: in_subgroup(trial, plan) for label, plan in groups.items()}

    def on(effect: Effect) -> Booleans:
        whom = trial.arms == arms.index(effect.arm)
        for label, there in belongs.items():
            whom = whom & (there if label in effect.inside else ~there)
        return np.asarray(whom)

    def make(outcome: str, visit: Visits, patients: Pairs | None) -> Floats:
        own, other = (_scores(one.underlying, outcome, visit, patients) for one in (trial, twin))
        each = [on(one) for one in gone if one.outcome == outcome]
        whom = np.logical_or.reduce([np.zeros(trial.arms.shape, np.bool_), *each])
        return np.where(whom if patients is None else patients.of(whom), other, own)

    scores = Scores(trial.scenario.outcomes, len(trial.scenario.design.visits), make)
    seen = scores.seen_at(trial.conduct.visit_attended)
    return replace(trial, underlying=scores, scores=seen)


def _scores(scores: Scores, outcome: str, visit: Visits, patients: Pairs | None) -> Floats:
    if patients is not None:
        return scores.of_some(outcome, visit, patients)
    assert isinstance(visit, int)
    return scores.at(outcome, visit)


def _alike(trial: Trial, twin: Trial) -> bool:
    """Return whether the same happened to the same patients in both trials."""
    return np.array_equal(trial.arms, twin.arms) and all(
        np.array_equal(getattr(trial.conduct, name), getattr(twin.conduct, name))
        for name in ("visit_attended", "discontinued", "withdrawn", "died")
    )


def _column(place: int) -> str:
    return f"configuration {place}"
