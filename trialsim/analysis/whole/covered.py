"""Which studies whole trials in C cover; any other is simulated by NumPy and compiled stages.

Whatever is not named here is not covered: a field that a study file may have tomorrow, and that is
not at its default, keeps the study from being simulated wrongly.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import prod
from typing import Any, Final

import numpy as np
from pydantic import BaseModel

from trialsim.analysis.endpoint import cells_of
from trialsim.compiled.whole import MOST_CELLS
from trialsim.scenario.outcomes.bounds import Bound
from trialsim.scenario.outcomes.courses import Exponential, Proportions
from trialsim.scenario.outcomes.exposure import Emax, NoExposure, Proportional, Threshold, Umbrella
from trialsim.scenario.outcomes.outcome import Effect, Outcome
from trialsim.scenario.patients.eligibility import Eligibility, Rule
from trialsim.scenario.patients.population import Covariate, Population
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.brunner_munzel import BrunnerMunzel
from trialsim.scenario.plan.methods.mann_whitney import ExactMannWhitney, MannWhitney
from trialsim.scenario.plan.methods.proportional_odds import ProportionalOdds
from trialsim.scenario.plan.methods.responders import Responders
from trialsim.scenario.plan.methods.several_outcomes import OBrien, WeiLachin
from trialsim.scenario.protocol.design import Arm, Design, Visit
from trialsim.scenario.protocol.intercurrent import IntercurrentEvent, LastingEvent
from trialsim.scenario.protocol.operations import Operations, Site, Window
from trialsim.scenario.protocol.treatment import Schedule, Treatment
from trialsim.scenario.scenario import Scenario
from trialsim.trial.cohort import screens
from trialsim.trial.conduct import couples_patients

_KNOWN: Final[Mapping[type[BaseModel], str]] = {
    Scenario: "name title summary population eligibility operations design treatment outcomes"
    " outcome_correlation analysis monitoring findings calibrated report sources references",
    Population: "covariates correlation",
    Covariate: "label margin whole",
    Eligibility: "inclusion exclusion",
    Rule: "label covariate at_least more_than at_most less_than equals one_of",
    Operations: "sites candidates_per_site_per_month site_rate_coefficient_of_variation"
    " recruitment_limit_days at_limit onset_to_arrival_hours screening_hours"
    " first_infusion_after_onset clinic_opens_hour clinic_closes_hour infusion_minutes"
    " infusion_chairs_per_site refusal_probability discontinuation withdrawal death"
    " visit_missed_probability",
    Site: "activation_day",
    Window: "earliest_hours latest_hours",
    IntercurrentEvent: "probability days",
    LastingEvent: "probability days",
    Design: "arms patients block_size stratify_by visits",
    Arm: "label dose_ml dose_ml_per_kg dose_mg_per_kg volume_ml ratio",
    Visit: "day after window_days",
    Treatment: "infusions rehabilitation body_weight_kg strength_mg_per_ml",
    Schedule: "per_cycle days cycles cycle_every_days then",
    Outcome: "label kind unit low high step better baseline prognosis bounds course effect items",
    Bound: "outcome at_least at_most no_better_than no_worse_than",
    Effect: "anchor value exposure trial_sd",
    Exponential: "model start_mean start_sd start_baseline_correlation end_day end_mean end_sd"
    " end_baseline_correlation time_constant_days within_patient_correlation",
    Proportions: "model start end end_day time_constant_days start_baseline_correlation"
    " end_baseline_correlation within_patient_correlation",
    AnalysisPlan: "endpoint visit measure treated control analysis_set minimum_infusion_share"
    " missing imputations imputation death intercurrent test continuity_correction claim margin"
    " upper_margin alternative alpha effect interval confidence strata stratum_weighting secondary"
    " multiplicity",
}
"""The fields that whole trials in C follow, or that change nothing in what is kept of them."""
_FROM_COUNTS: Final = (MannWhitney, ExactMannWhitney, BrunnerMunzel, Responders, ProportionalOdds)
"""The methods that need no more than counts, unless covariates go into them."""
_FROM_CELLS: Final = (WeiLachin, OBrien)
"""The methods that need the cell of each patient at each measurement, and the arm."""
_FILLED_IN: Final = ("locf", "bocf", "worst_rank", "complete_case")
_BY_AMOUNT: Final = (NoExposure, Proportional, Threshold, Emax, Umbrella)
"""The exposures that depend on nothing but the amount received."""
_MOST_AMOUNTS: Final = 100_000


@lru_cache(1024)
def is_covered(scenario: Scenario) -> bool:
    """Return whether whole trials in C are those of the study."""
    return next(not_covered(scenario), None) is None


def not_covered(scenario: Scenario) -> Iterator[str]:
    """Yield the path of each thing that whole trials in C do not know.

    >>> import trialsim as ts
    >>> list(not_covered(ts.load("cars1")))
    []
    >>> list(not_covered(ts.load("cars1_mechanism")))
    ['outcomes.arat.effect.exposure']
    """
    operations, design, plan = scenario.operations, scenario.design, scenario.analysis
    parts: dict[str, Any] = {
        "": scenario,
        "population.": scenario.population,
        "eligibility.": scenario.eligibility,
        "operations.": operations,
        "operations.first_infusion_after_onset.": operations.first_infusion_after_onset,
        "design.": design,
        "treatment.": scenario.treatment,
        "analysis.": plan,
        **{f"design.arms.{name}.": arm for name, arm in design.arms.items()},
        **{f"design.visits.{name}.": visit for name, visit in design.visits.items()},
        **{f"operations.sites.{name}.": site for name, site in operations.sites.items()},
        **{f"operations.{name}.": getattr(operations, name) for name in EVENTS},
    }
    for phase, schedule in enumerate(scenario.treatment.infusions.phases):
        parts[f"treatment.infusions.{phase}."] = schedule
    for path, part in parts.items():
        yield from _unknown(path, part)
    if couples_patients(scenario):
        yield "operations.infusion_chairs_per_site"
    if not isinstance(operations.visit_missed_probability, float | int):
        yield "operations.visit_missed_probability"
    yield from _in_population(scenario)
    for name in outcomes_made(scenario):
        yield from _in_outcome(scenario, name)
    yield from _in_plan(scenario)


EVENTS: Final = ("discontinuation", "withdrawal", "death")
"""What befalls patients at most once, in the order in which C has it."""


def covariates_drawn(scenario: Scenario) -> tuple[str, ...]:
    """Return the covariates whose values whole trials need."""
    outcomes = [scenario.outcomes[name] for name in outcomes_made(scenario)]
    judged = [screen.rule.covariate for screen in screens(scenario)]
    baselines = [one.baseline for one in outcomes if one.baseline is not None]
    return tuple(dict.fromkeys([*judged, scenario.operations.onset_to_arrival_hours, *baselines]))


def measurements(scenario: Scenario) -> tuple[tuple[str, str], ...]:
    """Return the outcomes and visits that are analysed, first the endpoint at the plan's visit.

    >>> import trialsim as ts
    >>> measurements(ts.load("cars1"))
    (('arat', 'day_90'),)
    """
    plan = scenario.analysis
    return tuple(dict.fromkeys([(plan.endpoint, plan.visit), *plan.test.measured_at(plan)]))


def needs_each_patient(scenario: Scenario) -> bool:
    """Return whether the plan's method looks at patients one by one, and not at counts of them."""
    return isinstance(scenario.analysis.test, _FROM_CELLS)


@lru_cache(256)
def measuring_all(study: Scenario) -> Scenario | None:
    """Return the study with one analysis that measures all that its analyses do.

    None where they do not treat patients alike, or one of them is not covered by itself.
    """
    plans = [one.alone for one in study.analysis.every.values()]
    alone = [study.model_copy(update={"analysis": one}) for one in plans]
    alike = all(getattr(one, rule) == getattr(plans[0], rule) for one in plans for rule in _RULES)
    if not alike or not all(map(is_covered, alone)):
        return None
    measured = [pair for one in alone for pair in measurements(one)]
    visits = [name for name in study.design.visits if any(name == visit for _, visit in measured)]
    outcomes = tuple(dict.fromkeys(name for name, _ in measured))
    test = WeiLachin.model_construct(method="wei_lachin", outcomes=outcomes, visits=tuple(visits))
    plan = plans[0].model_copy(update={"visit": visits[-1], "test": test})
    whole = study.model_copy(update={"analysis": plan})
    return whole if is_covered(whole) else None


_RULES: Final = (
    *("treated", "control", "measure", "missing", "death", "intercurrent"),
    *("analysis_set", "minimum_infusion_share"),
)
"""What a plan says of every patient, whatever is measured."""


def outcomes_made(scenario: Scenario) -> tuple[str, ...]:
    """Return the outcomes that are measured and those that bound them, in the study's order."""
    needed = {name for name, _ in measurements(scenario)}
    for name in reversed(scenario.outcomes):  # what bounds an outcome stands before it
        if name in needed:
            needed.update(bound.outcome for bound in scenario.outcomes[name].bounds.values())
    return tuple(name for name in scenario.outcomes if name in needed)


def amounts(scenario: Scenario) -> int:
    """Return in how many ways infusions may have been given, by their number in each phase."""
    return prod((np.bincount(scenario.treatment.infusions.phase_of) + 1).tolist())


def _unknown(path: str, part: Any) -> Iterator[str]:
    """Yield the fields of a part that are not known here, and not at their defaults."""
    known = {name for model in type(part).__mro__ for name in _KNOWN.get(model, "").split()}
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if name not in known and value != field.get_default(call_default_factory=True):
            yield f"{path}{name}"


def _in_population(scenario: Scenario) -> Iterator[str]:
    for name in covariates_drawn(scenario):
        covariate = scenario.population.covariates[name]
        yield from _unknown(f"population.covariates.{name}.", covariate)
        if not covariate.stands_alone:
            yield f"population.covariates.{name}.margin"
    for name, rule in scenario.eligibility.rules.items():
        yield from _unknown(f"eligibility.{name}.", rule)
        if len(rule.covariates_used) > 1:
            yield f"eligibility.{name}"


def _in_outcome(scenario: Scenario, name: str) -> Iterator[str]:
    outcome, path = scenario.outcomes[name], f"outcomes.{name}."
    yield from _unknown(path, outcome)
    for key, bound in outcome.bounds.items():
        yield from _unknown(f"{path}bounds.{key}.", bound)
    yield from _unknown(f"{path}effect.", outcome.effect)
    if not isinstance(outcome.course, Exponential | Proportions):
        yield f"{path}course"
    else:
        yield from _unknown(f"{path}course.", outcome.course)
    if not isinstance(outcome.effect.exposure, _BY_AMOUNT) or amounts(scenario) > _MOST_AMOUNTS:
        yield f"{path}effect.exposure"
    cells = np.arange(outcome.grid.steps + 1.0)
    there_and_back = outcome.grid.cell_of(outcome.grid.score_of(cells))
    many = needs_each_patient(scenario) and cells_of(outcome, scenario.analysis) > MOST_CELLS
    if many or not np.array_equal(there_and_back, cells):
        yield f"{path}step"


def _in_plan(scenario: Scenario) -> Iterator[str]:
    plan = scenario.analysis
    first, measured = next(iter(scenario.design.visits)), measurements(scenario)
    covariates = getattr(plan.test, "covariates", ())
    if not isinstance(plan.test, _FROM_COUNTS + _FROM_CELLS) or covariates:
        yield "analysis.test"
    if plan.missing not in _FILLED_IN:
        yield "analysis.missing"
    stopped = plan.strategy_of("discontinuation")
    if stopped == "principal_stratum" or (
        stopped == "while_on_treatment" and plan.missing != "locf"
    ):
        yield "analysis.intercurrent"
    if plan.strata == "design":
        yield "analysis.strata"
    if any(visit == first for _, visit in measured):
        yield "analysis.visit"
    baselines = [scenario.outcomes[name].baseline for name, _ in measured]
    if plan.measure == "change" and None in baselines:
        yield "analysis.measure"
