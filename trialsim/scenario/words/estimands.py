"""The estimand of an analysis in words, and whether the analysis can be for it."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.plan.estimands import (
    EVENTS,
    Estimand,
    Strategy,
    standard_estimands,
)
from trialsim.scenario.plan.handling import departures
from trialsim.scenario.plan.methods.base import listed, measure_in_words
from trialsim.scenario.programme import Programme, Study, trials_of
from trialsim.scenario.protocol.intercurrent import Event, Happening
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import in_words, spoken
from trialsim.scenario.words.plan import labelled

DEFAULT: Final = "treatment_policy"
"""The name of the estimand of an analysis that names none."""
OF_ALL_PAIRS: Final = (
    "True values are over the pairs of patients of all trials, every patient in both arms. The "
    "true effect of power is over the pairs within each trial, patients in the arms allocated: "
    "another quantity where trials or sites differ (trial_sd, site_sd), the same otherwise."
)
"""Beside the values of estimands: how they differ from what stands beside power."""
WITHIN_TRIALS: Final = (
    "It is over the pairs within each trial, patients in the arms allocated; true values of "
    "estimands are over the pairs of all trials, every patient in both arms."
)
"""Beside power: the same the other way round."""
VARYING: Final = (
    "Effects vary between trials (trial_sd): bias and coverage are of the mean effect, not of each "
    "trial's own. An interval that has no variance between trials covers that mean less often."
)


class Target(NamedTuple):
    """The effect that `truth` is beside an analysis, and why the analysis may be for another."""

    name: str
    """Such as `treatment-policy effect`."""
    others: tuple[str, ...]
    """What in the plan makes its analysis one for another estimand; empty where it is for this."""
    attributes: Mapping[str, str]
    """The five attributes of the estimand that the analysis is for; empty of a programme."""
    varies: bool = False
    """Whether each trial has an effect of its own, so that this is their mean."""

    @property
    def is_target(self) -> bool:
        """Whether the analysis is for it, so that its distance from it is a bias."""
        return not self.others

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values, for JSON."""
        return {
            "name": self.name,
            "is_target": self.is_target,
            "because": list(self.others),
            "attributes": dict(self.attributes),
            "is_mean_of_varying_effects": self.varies,
        }


def target_of(study: Study) -> Target:
    """Return what the true effect of a run is, and whether the primary analysis is for it.

    It is the effect in all those randomised, with the score that each would have had at the visit
    under the infusions that were in fact given: the strategy of treatment policy. A death ends all
    scores, so it has no treatment policy: it is the worst outcome, or the effect is that had nobody
    died, as the plan says. Of a programme it is that of all its trials.

    >>> import trialsim as ts
    >>> cars1 = ts.load("cars1")
    >>> target_of(cars1).is_target
    True
    >>> target_of(cars1.replace({"analysis.missing": "worst_rank"})).others
    ('a missing score counts as the worst outcome (composite)',)
    """
    trials = trials_of(study).values()
    dead = {trial.analysis.death for trial in trials if trial.operations.death.probability > 0}
    deaths = ", ".join(_DEATHS[one] for one in sorted(dead))
    others = dict.fromkeys(other for trial in trials for other in _others(trial))
    name = "treatment-policy effect" + (f", {deaths}" if deaths else "")
    varies = any(_varies(trial) for trial in trials)
    mean = ", mean over trials whose own effects vary" if varies else ""
    return Target(name + mean, tuple(others), _attributes(study), varies)


def _varies(trial: Scenario) -> bool:
    """Return whether an outcome that a trial analyses has an effect that varies between trials."""
    plan = trial.analysis
    return any(trial.outcomes[name].effect.trial_sd > 0 for name in plan.test.outcomes_of(plan))


def _attributes(study: Study) -> dict[str, str]:
    if isinstance(study, Programme):
        return {}
    plan = study.analysis
    return attributes_in_words(study, plan, estimand_of(study, plan))


_DEATHS = {"worst_rank": "death as the worst outcome", "as_missing": "had nobody died"}


def _others(trial: Scenario) -> Iterator[str]:
    """Yield what makes a trial's primary analysis one for another effect than `target_of` says."""
    plan, computed = trial.analysis, default_estimand(trial.analysis)
    for event, why in departures(plan, computed, may_happen(trial)):
        if event != "death":
            yield why
    meant = estimand_of(trial, plan)
    for event in happening(trial):
        strategy = meant.strategy_of(event)
        if strategy != computed.strategy_of(event):
            name, told = name_of_estimand(plan), _STRATEGIES[strategy]
            yield f"it is for {name}, with {told} for {in_words(event)}"


def estimands_of(trial: Scenario) -> Mapping[str, Estimand]:
    """Return the estimands of a study by name: those that it names, or one for each strategy."""
    return trial.estimands or standard_estimands(_of_the_dead(trial.analysis))


def estimand_of(trial: Scenario, plan: AnalysisPlan) -> Estimand:
    """Return the estimand of one of a study's analyses, the default where it names none.

    An estimand that the study itself calls `treatment_policy` is that of an analysis that names
    none.
    """
    return trial.estimands.get(name_of_estimand(plan)) or default_estimand(plan)


def name_of_estimand(plan: AnalysisPlan) -> str:
    """Return the name of the estimand of an analysis, that of the default where it names none."""
    return plan.estimand or DEFAULT


def default_estimand(plan: AnalysisPlan) -> Estimand:
    """Return the estimand of an analysis that names none: what the plan does about deaths."""
    return Estimand(intercurrent={"death": _of_the_dead(plan)})


def _of_the_dead(plan: AnalysisPlan) -> Strategy:
    return "composite" if plan.death == "worst_rank" else "hypothetical"


def happening(trial: Scenario) -> tuple[Event, ...]:
    """Return the kinds of event that can happen in a study.

    >>> import trialsim as ts
    >>> happening(ts.load("cars1"))
    ('discontinuation', 'withdrawal', 'death')
    """
    risks = {event: getattr(trial.operations, event) for event in EVENTS}
    return tuple(event for event, risk in risks.items() if risk and risk.probability > 0)


def may_happen(trial: Scenario) -> tuple[Happening, ...]:
    """Return what can happen in a study that an analysis has to handle: events, and missed visits.

    >>> import trialsim as ts
    >>> may_happen(ts.load("cars1"))[-1]
    'visit_missed'
    """
    missed = trial.operations.visit_missed_probability > 0
    return (*happening(trial), *(("visit_missed",) if missed else ()))


def misaligned(study: Study) -> tuple[str, ...]:
    """Return a warning for each analysis that cannot be for the estimand that it names.

    >>> import trialsim as ts
    >>> misaligned(ts.load("cars1"))
    ()
    """
    found = []
    for name, trial in trials_of(study).items():
        plans = {"analysis": trial.analysis}
        further = trial.analysis.further
        plans |= {f"analysis.secondary.{one}": plan for one, plan in further.items()}
        for path, plan in plans.items():
            found += [f"{name}: {path}: {why}" for why in why_not_for(trial, plan, trial.estimands)]
    return tuple(found)


def why_not_for(
    trial: Scenario, plan: AnalysisPlan, named: Mapping[str, Estimand]
) -> tuple[str, ...]:
    """Return why an analysis cannot be for its estimand, as sentences; none of one not `named`."""
    name, told = name_of_estimand(plan), []
    if name not in named:
        return ()
    estimand = named[name]
    for event, why in departures(plan, estimand, may_happen(trial)):
        about = "which is of all patients"
        if event is not None:
            strategy = _STRATEGIES[estimand.strategy_of(event)]
            about = f"which has {strategy} for {in_words(event)}"
        told.append(f"cannot be for the estimand {name}, {about}: {why}")
    return tuple(dict.fromkeys(told))


def attributes_in_words(trial: Scenario, plan: AnalysisPlan, estimand: Estimand) -> dict[str, str]:
    """Return the five attributes of the estimand of an analysis (ICH E9(R1), A.3.3)."""
    said = labelled(plan, trial.outcomes)
    return {
        "treatment": f"{said.treated} against {said.control}, as allocated",
        "population": _population(trial, plan, estimand),
        "variable": plan.test.variable_in_words(said)
        or _variable(trial, _measured(said), estimand),
        "intercurrent_events": "; ".join(_events(trial, estimand)) or "none",
        "summary": f"{plan.quantity.name}; {plan.quantity.null:g} where the arms do not differ",
    }


class Meant(NamedTuple):
    """What some analyses of a study are for: an estimand, and the attributes that they give it."""

    estimand: str
    analyses: tuple[str, ...]
    """Their names; empty where no analysis is for it, which then has those of the primary one."""
    attributes: Mapping[str, str]
    """All five."""

    @property
    def whose(self) -> str:
        """The analyses in words."""
        names = [
            "the primary analysis" if one == PRIMARY else in_words(one) for one in self.analyses
        ]
        return listed(names) if names else "no analysis"


def meant_by_analyses(
    trial: Scenario, named: Mapping[str, Estimand] | None = None
) -> tuple[Meant, ...]:
    """Return the five attributes of every analysis of a study, of those alike in all five once.

    Estimands that no analysis is for come last: of some by name, or of those of the study.

    >>> import trialsim as ts
    >>> [(one.estimand, one.analyses) for one in meant_by_analyses(ts.load("cars1"))]
    [('treatment_policy', ('primary',)), ('treatment_policy', ('global_status',))]
    """
    plans = {PRIMARY: trial.analysis, **trial.analysis.further}
    found: dict[tuple[str, ...], Meant] = {}
    for analysis, plan in plans.items():
        name = name_of_estimand(plan)
        attributes = attributes_in_words(trial, plan, estimand_of(trial, plan))
        key = (name, *attributes.values())
        before = found[key].analyses if key in found else ()
        found[key] = Meant(name, (*before, analysis), attributes)
    of_analyses = {one.estimand for one in found.values()}
    others = (
        Meant(name, (), attributes_in_words(trial, trial.analysis, estimand))
        for name, estimand in (trial.estimands if named is None else named).items()
        if name not in of_analyses
    )
    return (*found.values(), *others)


def estimands_in_words(trial: Scenario) -> list[str]:
    """Return what every analysis of a study is for as lines, the five attributes under each."""
    lines = []
    for one in meant_by_analyses(trial):
        lines.append(f"{spoken(one.estimand)}: that of {one.whose}.")
        lines += [f"- {in_words(what)}: {words}." for what, words in one.attributes.items()]
    return lines


def _measured(plan: AnalysisPlan) -> str:
    """Return what an analysis compares, at every visit that it does."""
    outcomes, visits = (
        dict.fromkeys(part) for part in zip(*plan.test.measured_at(plan), strict=True)
    )
    return f"{listed(outcomes)} {measure_in_words(plan)} at {listed(visits)}"


def _population(trial: Scenario, plan: AnalysisPlan, estimand: Estimand) -> str:
    whom = "all who can be randomised"
    if plan.subgroup is not None:
        whom += f", of the subgroup {plan.subgroup.label}"
    named = estimand.kinds_under("principal_stratum")
    events = [in_words(one) for one in named if one in happening(trial)]
    if not events:
        return whom
    where = {"neither_arm": "in either arm", "treated_arm": "in the treated arm"}
    return f"{whom} and would have no {' or '.join(events)} {where[estimand.stratum]}"


def _variable(trial: Scenario, what: str, estimand: Estimand) -> str:
    there = happening(trial)
    before, worst = (
        [in_words(one) for one in estimand.kinds_under(strategy) if one in there]
        for strategy in _OF_THE_VARIABLE
    )
    if before:
        what += f", or at the last visit before {listed(before)}"
    if worst:
        what += f"; below every score after {listed(worst)}"
    return what


def _events(trial: Scenario, estimand: Estimand) -> Iterator[str]:
    """Yield what is done about each kind of event that happens, or that the estimand names."""
    for event in EVENTS:
        happens = event in happening(trial)
        if happens or event in estimand.intercurrent:
            never = "" if happens else ", which never happens here"
            yield f"{in_words(event)}: {_STRATEGIES[estimand.strategy_of(event)]}{never}"


_OF_THE_VARIABLE: Final[tuple[Strategy, ...]] = ("while_on_treatment", "composite")
_STRATEGIES: Final[Mapping[Strategy, str]] = {
    "treatment_policy": "treatment policy",
    "hypothetical": "the hypothetical strategy",
    "composite": "the composite strategy",
    "while_on_treatment": "while on treatment",
    "principal_stratum": "the principal stratum",
}
