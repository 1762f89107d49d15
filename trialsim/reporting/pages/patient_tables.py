"""One patient of a trial as tables: covariates, eligibility, infusions and scores."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any, Final

from trialsim.clock import DAY, HOUR
from trialsim.reporting.pages.trial_baseline import covariate_label
from trialsim.reporting.tables.page import Cell, Table, TableRow, number, words
from trialsim.runs.replay import Timeline
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import in_words, spoken
from trialsim.scenario.words.values import rule_in_words

Records = Sequence[Mapping[str, Any]]
"""Rows of a table, as plain values; None where nothing is known."""

_INFUSIONS: Final = ("Infusion", "Day", "Due", "Status", "Started", "Waited, min", "mL")


def covariates_table(patient: Timeline, scenario: Scenario) -> Table:
    """Return the covariates at screening."""
    rows = [
        TableRow([Cell(covariate_label(name, covariate)), _value(patient.covariates[name])])
        for name, covariate in scenario.population.covariates.items()
    ]
    return Table("covariates", "Covariates at screening", ("Covariate", "Value"), rows)


def eligibility_table(patient: Timeline, scenario: Scenario) -> Table:
    """Return every rule with the patient's value; a randomised patient fails none."""
    rows = []
    for kind, verdict, rules in (
        ("Inclusion", "met", scenario.eligibility.inclusion),
        ("Exclusion", "not met", scenario.eligibility.exclusion),
    ):
        for rule in rules.values():
            label = scenario.population.covariates[rule.covariate].label
            condition = rule_in_words(rule.model_dump(mode="json"), label)
            found = _value(patient.covariates[rule.covariate])
            rows.append(TableRow([Cell(condition), Cell(kind), found, Cell(verdict)]))
    columns = ("Rule", "Kind", "Value", "Verdict")
    return Table("eligibility", "Eligibility criteria", columns, rows)


def infusions_table(infusions: Records, midnight: int) -> Table:
    """Return every planned infusion; days count from randomisation."""
    rows = []
    for one in infusions:
        day, due = clock_time(one["due_minute"] - midnight)
        started = one["start_minute"]
        given = started is not None
        cells = [
            number(one["infusion"], 0),
            number(day, 0),
            Cell(due),
            Cell(one["status"]),
            Cell(clock_time(started - midnight)[1] if given else "–"),
            number(one["waited_minutes"], 0),
            number(one["volume_ml"] if given else float("nan"), 0),
        ]
        rows.append(TableRow(cells))
    return Table("infusions", "Infusions planned and given", _INFUSIONS, rows)


def scores_tables(
    patient: Timeline, visits: Records, scenario: Scenario, midnight: int
) -> list[Table]:
    """Return for each outcome the score at each visit, as measured and as in every arm."""
    found = []
    for name, arms in patient.scores.items():
        rows = []
        for one in visits:
            visit = one["visit"]
            measured = score_measured(name, one)
            cells = [
                Cell(spoken(visit)),
                number((one["due_minute"] - midnight) // DAY, 0),
                Cell(one["status"]),
                _score(measured),
                *(_score(scores[visit]) for scores in arms.values()),
            ]
            rows.append(TableRow(cells))
        heads = [_in_arm(arm, patient) for arm in arms]
        caption = (
            f"{scenario.outcomes[name].label}, as measured, and potential outcomes in every arm"
        )
        columns = ("Visit", "Day", "Status", "Measured", *heads)
        found.append(Table(f"scores-{name}", caption, columns, rows))
    return found


def arms_table(patient: Timeline, by_arm: Mapping[str, Mapping[str, Any]], midnight: int) -> Table:
    """Return the patient's course in each arm, with common random numbers.

    Parameters
    ----------
    by_arm
        By arm, the patient's rows of subjects and of disposition in one.
    """
    rows = []
    for arm, course in by_arm.items():
        cells = [
            Cell(_in_arm(arm, patient)),
            number(course["infusions_given"], 0),
            number(course["study_drug_received_ml"], 0),
            Cell(course["status"]),
            number(clock_time(course["ended_minute"] - midnight)[0], 0),
        ]
        rows.append(TableRow(cells))
    columns = ("Arm", "Infusions given", "Study drug, mL", "Disposition", "On day")
    return Table("arms", "The same patient in every arm, with common random numbers", columns, rows)


def _in_arm(arm: str, patient: Timeline) -> str:
    return f"on {in_words(arm)}, as allocated" if arm == patient.arm else f"if on {in_words(arm)}"


def days_table(patient: Timeline) -> Table:
    """Return every event in order of time."""
    rows = [
        TableRow([number(one.day, 0), *words(one.time, spoken(one.event), one.detail).cells])
        for one in patient.events
    ]
    columns = ("Day", "Time", "Event", "Detail")
    return Table("days", "Day by day, from the stroke to the last visit", columns, rows)


def score_measured(outcome: str, visit: Mapping[str, Any]) -> float | None:
    """Return the score of an outcome at a visit; None where none was measured."""
    score: float | None = visit.get(f"outcome_{outcome}", visit.get(outcome))
    return score


def clock_time(minute: int) -> tuple[int, str]:
    """Return the day and the time of day of a minute counted from a midnight.

    >>> clock_time(1530), clock_time(-30)
    ((1, '01:30'), (-1, '23:30'))
    """
    day, of_day = divmod(int(minute), DAY)
    return day, f"{of_day // HOUR:02}:{of_day % HOUR:02}"


def _score(score: float | None) -> Cell:
    """Return a score as its scale writes it, a dash where there is none."""
    if score is None or isnan(score):
        return Cell("–", kind="number")
    return Cell(f"{score:.6g}", score)


def _value(found: Any) -> Cell:
    """Return a value in words: a flag, a level, or a number."""
    if isinstance(found, bool):
        return Cell("yes" if found else "no")
    if isinstance(found, str):
        return Cell(in_words(found))
    return Cell(f"{found:.4g}")
