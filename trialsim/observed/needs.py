"""What the plan of a study takes from a data set, before anything of it is analysed."""

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from typing import Final

from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.scenario import Scenario

COLUMNS: Final = {
    "visits": ("subject", "visit", "arm", "due_minute", "attended"),
    "subjects": ("subject", "arm", "site", "randomised_minute", "screening_number"),
    "disposition": (
        "subject",
        "status",
        *(
            f"{event}_{unit}"
            for event in ("ended", "discontinued", "rescued", "switched")
            for unit in ("minute", "day")
        ),
        "discontinued_for_drug",
    ),
    "infusions": ("subject", "infusion", "status"),
    "screening": ("screening_number",),
}
"""What is read of each table, beside outcomes and covariates."""
_ALIKE: Final = 0.85
"""Of two names, from 0 to 1: one is the other, misspelt."""


def plans_of(study: Scenario) -> tuple[AnalysisPlan, ...]:
    """Return the plans of all analyses, the primary one's first."""
    return tuple(study.analysis.every.values())


def covariates_needed(study: Scenario) -> tuple[str, ...]:
    """Return the covariates that an analysis adjusts for, or chooses patients by."""
    named: list[str] = []
    for plan in plans_of(study):
        adjusted: Iterable[str] = getattr(plan.test, "covariates", ())
        named += adjusted
        named += [] if plan.subgroup is None else [plan.subgroup.covariate]
    return tuple(dict.fromkeys(named))


def baselines_needed(study: Scenario) -> tuple[str, ...]:
    """Return the outcomes whose score before treatment an analysis uses."""
    named = (
        name
        for plan in plans_of(study)
        if plan.uses_baseline
        for name in plan.test.outcomes_of(plan)
    )
    return tuple(name for name in dict.fromkeys(named) if study.outcomes[name].baseline is not None)


def misspelt(study: Scenario, table: str, columns: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each column of a table that nothing reads, with the one lacking that it looks like."""
    here = list(columns)
    covariates = () if table in ("disposition", "infusions") else study.population.covariates
    read = [*COLUMNS[table], *(study.outcomes if table == "visits" else covariates)]
    lacking = [name for name in read if name not in here]
    known = {*read, *(f"{start}_{name}" for name in read for start in ("outcome", "covariate"))}
    for column in here:
        if column in known:
            continue
        likeness = {name: _likeness(column, name) for name in lacking}
        best = max(likeness, key=likeness.__getitem__, default=None)
        if best is not None and likeness[best] >= _ALIKE:
            yield column, best


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one.lower(), other.lower()).ratio()
