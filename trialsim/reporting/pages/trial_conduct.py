"""How one trial was run, as tables: infusions by arm, chairs and recruitment by site."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from pandas import DataFrame, Series

from trialsim.arrays import Integers
from trialsim.clock import DAY, MONTH
from trialsim.reporting.tables.page import Cell, Table, TableRow, number
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import spoken

_MEANS: Final = {
    "Infusions given to a patient, mean": "infusions_given",
    "Study drug received by a patient, mL, mean": "study_drug_received_ml",
}
_PROGRAMME: Final = {"Rehabilitation sessions attended, mean": "rehabilitation_sessions_attended"}
_CHAIRS: Final = (
    "Site",
    "Infusions given",
    "Most at once",
    "Had to wait",
    "Minutes waited, mean",
    "Found no chair",
)
_RECRUITMENT: Final = (
    "Site",
    "Active from day",
    "Screened",
    "Randomised",
    "Randomised, %",
    "First, day",
    "Last, day",
    "Randomised a month",
)


def infusions_table(tables: Mapping[str, DataFrame], scenario: Scenario) -> Table:
    """Return the status of the planned infusions, by arm."""
    arms = list(scenario.design.arms)
    infusions, subjects = tables["infusions"], tables["subjects"]
    of_arm = {arm: infusions[infusions["arm"] == arm] for arm in arms}
    statuses = [
        one for one in infusions["status"].cat.categories if (infusions["status"] == one).any()
    ]
    rows = [_row("Infusions planned", [len(one) for one in of_arm.values()])]
    for status in statuses:
        counted = [int((one["status"] == status).sum()) for one in of_arm.values()]
        planned = [len(one) for one in of_arm.values()]
        rows.append(_share_row(status.capitalize(), counted, planned))
    received = {arm: subjects[subjects["arm"] == arm] for arm in arms}
    programme = {} if scenario.treatment.rehabilitation is None else _PROGRAMME
    for label, column in {**_MEANS, **programme}.items():
        means = [_mean(one[column].astype(float)) for one in received.values()]
        rows.append(_row(label, means, 1))
    return Table("infusions", "Infusions by arm", ("Infusions", *map(spoken, arms)), rows)


def chairs_table(tables: Mapping[str, DataFrame], scenario: Scenario) -> Table:
    """Return how the infusion chairs of each site were used, and who waited for one."""
    subjects = tables["subjects"][["replicate", "subject", "site"]]
    infusions = tables["infusions"].merge(subjects, on=["replicate", "subject"])
    minutes = scenario.operations.infusion_minutes
    rows = []
    for site in scenario.operations.sites:
        here = infusions[infusions["site"] == site]
        given = here[here["status"] == "given"]
        waits = given.loc[given["waited_minutes"] > 0, "waited_minutes"]
        starts = given["start_minute"].to_numpy(np.int64)
        told = [
            number(len(given), 0),
            number(most_at_once(starts, minutes), 0),
            number(len(waits), 0),
            number(_mean(waits), 0),
            number(int((here["status"] == "no chair").sum()), 0),
        ]
        rows.append(TableRow([Cell(spoken(site)), *told]))
    return Table("chairs", "Infusion chairs by site", _CHAIRS, rows)


def most_at_once(starts: Integers, minutes: int) -> int:
    """Return how many of some stays of equal length there are at once at most.

    A chair that is left at a minute can be taken in the same minute.

    >>> most_at_once(np.array([0, 30, 60, 90]), 60)
    2
    """
    starts = np.sort(starts)
    begun = np.arange(1, len(starts) + 1)
    ended = np.searchsorted(starts + minutes, starts, side="right")
    return int((begun - ended).max(initial=0))


def recruitment_table(tables: Mapping[str, DataFrame], scenario: Scenario) -> Table:
    """Return candidates screened and patients randomised at each site, and how fast."""
    screening, subjects = tables["screening"], tables["subjects"]
    closed = int(subjects["randomised_minute"].max())
    rows = []
    for name, site in scenario.operations.sites.items():
        seen, inside = screening[screening["site"] == name], subjects[subjects["site"] == name]
        open_minutes = closed - site.activation_day * DAY
        rows.append(_recruited(name, site.activation_day, seen, inside, open_minutes))
    first = min(site.activation_day for site in scenario.operations.sites.values())
    total = _recruited("all", first, screening, subjects, closed - first * DAY)
    rows.append(total._replace(kind="total"))
    return Table("recruitment", "Recruitment by site", _RECRUITMENT, rows)


def _recruited(
    name: str, active: float, seen: DataFrame, randomised: DataFrame, open_minutes: float
) -> TableRow:
    """Return the row of a site; its rate counts from activation to the trial's last patient."""
    days = randomised["randomised_day"]
    patients = len(randomised)
    cells = [
        number(active, 0),
        number(len(seen), 0),
        number(patients, 0),
        number(100 * patients / len(seen) if len(seen) else np.nan, 1),
        number(float(days.min()) if patients else np.nan, 0),
        number(float(days.max()) if patients else np.nan, 0),
        number(patients / open_minutes * MONTH if open_minutes > 0 else np.nan, 2),
    ]
    return TableRow([Cell(spoken(name)), *cells])


def _row(label: str, values: list[int] | list[float], digits: int = 0) -> TableRow:
    return TableRow([Cell(label), *(number(value, digits) for value in values)])


def _share_row(label: str, counted: list[int], of: list[int]) -> TableRow:
    shares = [
        Cell(f"{one:,} ({100 * one / whole:.1f}%)" if whole else f"{one:,}", one)
        for one, whole in zip(counted, of, strict=True)
    ]
    return TableRow([Cell(label), *shares])


def _mean(values: "Series[float]") -> float:
    return float(values.mean()) if len(values) else np.nan
