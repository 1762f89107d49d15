"""The columns of a trial's tables; covariates and outcomes are described by the study."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from pandas import DataFrame, concat

from trialsim.dictionary.column import Column, described
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.patients.population import Covariate
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import spoken
from trialsim.scenario.words.values import unit_of

_MINUTE: Final = "minutes from the trial's first midnight"
_DAY: Final = "days from the trial's first midnight, rounded down"

COLUMNS: Final[Mapping[str, Column]] = {
    "replicate": Column("Number of the simulated trial under its seed"),
    "subject": Column("Number of the patient, from 1 in order of randomisation"),
    "screening_number": Column("Number of the candidate, whoever else came"),
    "site": Column("Site, as named in the study file"),
    "arm": Column("Arm to which the patient was randomised, as named in the study file"),
    "outcome": Column("What became of the candidate"),
    "reason": Column(
        "Why the candidate was not randomised",
        codes="the first rule of eligibility that failed; cap_ and a name: there were enough "
        "patients of that kind; window_missed: the first infusion could "
        "not start in time; recruitment_closed: eligible after recruitment had closed",
    ),
    "failed_rules": Column(
        "Every rule of eligibility that failed, as named in the study file, joined by semicolons"
    ),
    "place": Column("Place in order of randomisation within the patient's stratum, from 1"),
    "rehabilitation_sessions_planned": Column("Planned sessions of rehabilitation"),
    "rehabilitation_sessions_attended": Column("Attended sessions of rehabilitation"),
    "infusions_planned": Column("Planned infusions"),
    "infusions_given": Column("Infusions given"),
    "study_drug_received_ml": Column("Study drug received in all infusions", "mL"),
    "infusion": Column("Number of the planned infusion, from 1"),
    "planned_day": Column("Planned day of the infusion or visit", "days"),
    "planned_after": Column("What the planned day of a visit is counted from"),
    "volume_ml": Column("Volume infused, drug and saline", "mL"),
    "dose_ml": Column("Study drug given in the infusion", "mL"),
    "waited_minutes": Column("Time waited for a chair, also where none came free", "minutes"),
    "visit": Column("Planned visit, as named in the study file"),
    "days_since_onset": Column("Time from onset to when the visit was due", "days"),
    "attended": Column("Whether the patient came to the visit"),
    "treatment_discontinued": Column("Whether infusions were stopped early for good"),
    "discontinued_for_drug": Column("Whether infusions were stopped because of the study drug"),
    "subscale": Column("Part of the scale to which the item belongs"),
    "item": Column("Item of the scale, as named in the study file"),
    "score": Column("Points of the item; credited where it was not given", "points"),
    "given": Column("Whether the examiner gave the item"),
    "minutes": Column("Time that giving the item took", "minutes"),
}
"""By the name of the column, whatever the table; times and the study's own names are not here."""
_OF_A_TABLE: Final[Mapping[tuple[str, str], Column]] = {
    ("infusions", "status"): Column(
        "Whether the infusion was given, or why not: discontinued, withdrawn and died where it was "
        "not due any more"
    ),
    ("visits", "status"): Column(
        "Whether the patient came to the visit, or why not: withdrawn and died after leaving"
    ),
    ("disposition", "status"): Column("How the patient's participation ended, if it has"),
    ("items", "outcome"): Column("Scale to which the item belongs, as named in the study file"),
}
"""What a column is in one table and not in another; its codes are its categories."""
_TIMES: Final = {"_minute": _MINUTE, "_day": _DAY}


def dictionary(scenario: Scenario, tables: Mapping[str, DataFrame]) -> DataFrame:
    """Return a row for each column of each table: label, type, unit and codes.

    >>> from trialsim.simulated import simulate
    >>> trial = simulate("stroke_nihss", seed=2016)
    >>> found = dictionary(trial.scenario, trial.tables()).set_index(["table", "column"])
    >>> found.loc[("visits", "nihss"), ["label", "codes"]].tolist()
    ['National Institutes of Health Stroke Scale', '0 to 42 in steps of 1, lower is better']
    """
    return concat(
        [
            described(table, content, partial(column_of, scenario, table))
            for table, content in tables.items()
        ],
        ignore_index=True,
    )


def column_of(scenario: Scenario, table: str, name: str) -> Column:
    """Return what a column of a table is."""
    if table == "screening":
        covariates = scenario.population.covariates
        own = name.removeprefix("covariate_") if name not in covariates else name
        if own in covariates and (own != name or name not in COLUMNS):
            return _of_covariate(own, covariates[own])
    if table == "visits":
        own = name.removeprefix("outcome_") if name not in scenario.outcomes else name
        taken = name in COLUMNS or (table, name) in _OF_A_TABLE
        if own in scenario.outcomes and (own != name or not taken):
            return _of_outcome(scenario.outcomes[own])
    if table == "randomisation":
        own = name.removeprefix("factor_") if name not in scenario.design.strata else name
        if own in scenario.design.strata and (own != name or name not in COLUMNS):
            classes = scenario.design.strata[own].classes(scenario.population.covariates)
            return Column(f"Class of the factor {own}", codes=", ".join(classes))
    if (table, name) in _OF_A_TABLE:
        return _OF_A_TABLE[table, name]
    if name == "failed_rules":
        return COLUMNS[name]._replace(codes=", ".join(scenario.eligibility.rules))
    if name in COLUMNS:
        return COLUMNS[name]
    for ending, unit in _TIMES.items():
        if name.endswith(ending):
            return Column(spoken(name.removesuffix(ending)), unit)
    raise KeyError(f"{table}.{name} has no description")


def _of_covariate(name: str, covariate: Covariate) -> Column:
    codes = ", ".join(covariate.levels or ())
    return Column(covariate.label, unit_of(name), codes)


def _of_outcome(outcome: Outcome) -> Column:
    scale = f"{outcome.low:g} to {outcome.high:g} in steps of {outcome.step:g}"
    return Column(outcome.label, outcome.unit, f"{scale}, {outcome.better} is better")
