"""The page of one patient: from onset to the last visit, and the same patient in the other arms.

Random numbers are indexed by patient, so the same patient can be shown in every arm: nothing
differs but what follows from the arm.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from typing import Any

from pandas import DataFrame

from trialsim.clock import DAY
from trialsim.datasets import tables as tables_of
from trialsim.replicates.versions import versions_here
from trialsim.reporting.pages.patient_tables import (
    Records,
    arms_table,
    clock_time,
    covariates_table,
    days_table,
    eligibility_table,
    infusions_table,
    score_measured,
    scores_tables,
)
from trialsim.reporting.pages.patient_timeline import Days, Scores, TimelineEvent, timeline_drawing
from trialsim.reporting.tables.page import Figure, rendered
from trialsim.runs.replay import BEGUN_WORDS, Timeline, in_arm, timeline
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import in_words
from trialsim.simulated import SimulatedTrial


def patient_page(trial: SimulatedTrial, patient: int, command: str) -> str:
    """Return the page of a patient; patients count from 1 in order of randomisation.

    Raises
    ------
    InputError
        If there is no such patient, or the extra `report` is not installed.
    """
    way, scenario = timeline(trial, patient), trial.scenario
    records = {name: _records(table, patient) for name, table in trial.tables().items()}
    (subject,), (exit_,) = records["subjects"], records["disposition"]
    midnight = subject["randomised_minute"] // DAY * DAY
    days = patient_days(way, records, scenario, midnight)
    content = {
        "scenario": scenario,
        "trial": trial,
        "patient": way,
        "label": scenario.design.arms[way.arm].label,
        "tiles": list(_tiles(way, subject, exit_, midnight)),
        "line": _figure(way, days),
        "eligibility": eligibility_table(way, scenario),
        "covariates": covariates_table(way, scenario),
        "infusions": infusions_table(records["infusions"], midnight),
        "arms": arms_table(way, _by_arm(trial, patient), midnight),
        "scores": scores_tables(way, records["visits"], scenario, midnight),
        "days": days_table(way),
        "command": command,
        "versions": versions_here(),
    }
    return rendered("patient.html", content)


def _by_arm(trial: SimulatedTrial, patient: int) -> dict[str, dict[str, Any]]:
    """Return the patient's course in each arm, as rows of the tables."""
    found = {}
    for arm in trial.scenario.design.arms:
        tables = tables_of(in_arm(trial.batch, patient, arm))
        (subject,), (exit_,) = (
            _records(tables[name], patient) for name in ("subjects", "disposition")
        )
        found[arm] = {**subject, **exit_}
    return found


def patient_days(
    way: Timeline, records: Mapping[str, Records], scenario: Scenario, midnight: int
) -> Days:
    """Return what is drawn of a patient, in days since the midnight before randomisation."""
    visits, (exit_,) = records["visits"], records["disposition"]
    bands = {
        "Infusions": [
            _event(_started(one) - midnight, one["status"], f"infusion {one['infusion']}")
            for one in records["infusions"]
        ],
        "Visits": [
            _event(one["due_minute"] - midnight, one["status"], f"visit {in_words(one['visit'])}")
            for one in visits
        ],
        "Events": list(_events(way, exit_, midnight)),
    }
    at = [(one["due_minute"] - midnight) / DAY for one in visits]
    scores = []
    for name, outcome in scenario.outcomes.items():
        by_arm = {arm: list(one.values()) for arm, one in way.scores[name].items()}
        low, high = _ends(outcome, by_arm)
        label = f"{outcome.label}, {outcome.unit}; {outcome.better} is better"
        measured = [score_measured(name, one) is not None for one in visits]
        scores.append(Scores(label, low, high, way.arm, at, by_arm, measured))
    return Days(bands, scores)


def _ends(outcome: Outcome, by_arm: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    """Return the ends of a scale of grades; of other scales from the low end to what is reached."""
    known = [score for scores in by_arm.values() for score in scores if not isnan(score)]
    if outcome.kind == "ordinal" or not known:
        return outcome.low, outcome.high
    return outcome.low, max(*known, outcome.low + outcome.step)


def _events(way: Timeline, exit_: Mapping[str, Any], midnight: int) -> Iterator[TimelineEvent]:
    """Yield the onset, the randomisation, what happened once, and the end."""
    for one in way.events:
        if one.event in ("onset", "randomised", "infusions stopped", *BEGUN_WORDS.values()):
            hours, minutes = map(int, one.time.split(":"))
            day = one.day + (60 * hours + minutes) / DAY
            yield TimelineEvent(day, one.event, f"day {one.day}, {one.time}: {one.event}")
    ended = exit_["ended_minute"] - midnight
    yield _event(ended, f"end of trial: {exit_['status']}", "end of trial")


def _event(minute: int, kind: str, what: str) -> TimelineEvent:
    day, time = clock_time(minute)
    said = kind if kind.startswith(what) else f"{what}, {kind}"
    return TimelineEvent(minute / DAY, kind, f"day {day}, {time}: {said}")


def _started(infusion: Mapping[str, Any]) -> int:
    """Return when an infusion started, or was due where it was not given."""
    started: int | None = infusion["start_minute"]
    due: int = infusion["due_minute"]
    return due if started is None else started


def _tiles(
    way: Timeline, subject: Mapping[str, Any], exit_: Mapping[str, Any], midnight: int
) -> Iterator[dict[str, str]]:
    """Yield the headline facts."""
    yield {"label": "Allocated to", "text": in_words(way.arm), "more": f"at {in_words(way.site)}"}
    yield {
        "label": "Infusions given",
        "text": f"{subject['infusions_given']} of {subject['infusions_planned']}",
        "more": f"{subject['study_drug_received_ml']:.4g} mL of study drug",
    }
    day, _ = clock_time(exit_["ended_minute"] - midnight)
    stopped = ", infusions stopped early" if exit_["treatment_discontinued"] else ""
    stopped += " because of the drug" if exit_.get("discontinued_for_drug") else ""
    yield {"label": "Disposition", "text": exit_["status"], "more": f"on day {day}{stopped}"}


def _figure(way: Timeline, days: Days) -> Figure:
    title = f"Time line of patient {way.patient}"
    told = [f"{name}: {_counted(row)}" for name, row in days.bands.items()]
    description = ". ".join([title, *told, "The scores are in the tables below"]) + "."
    caption = (
        f"{title}, allocated to {in_words(way.arm)}. Days count from the midnight before "
        "randomisation. The curves show the scores at all visits, those missed included."
    )
    return Figure("time-line", timeline_drawing(days, title, description), caption, description)


def _counted(row: Sequence[TimelineEvent]) -> str:
    kinds = dict.fromkeys(one.kind for one in row)
    return ", ".join(f"{sum(one.kind == kind for one in row)} {kind}" for kind in kinds)


def _records(table: DataFrame, patient: int) -> list[dict[str, Any]]:
    """Return the rows of a patient as plain values; the candidates' table has none."""
    if "subject" not in table:
        return []
    plain = table[table["subject"] == patient].astype(object)
    rows = plain.where(plain.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]
