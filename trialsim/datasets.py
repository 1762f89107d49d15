"""A trial as tables, built once for a whole batch, and the same tables as they stood on a date.

The trial's time is whole minutes, and columns that hold it end in `_minute`; beside each stands the
trial day, `_day`, both counted from 0 at the trial's first midnight (what came before is negative).
Planned days are counted from randomisation or from onset, as in the scenario. What is not known is
null. A patient is one (replicate, subject), and subjects are numbered from 1 in order of
randomisation; candidates stand in order of arrival, each with a screening number that stays the
person's own when a site opens later or recruitment goes faster, so that some numbers are missing.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from trialsim.arrays import Booleans, Floats, Integers, take_rows
from trialsim.clock import DAY, NEVER
from trialsim.distributions import Discrete
from trialsim.scenario.outcomes.items import Items
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.trial.allocation.strata import classes_of, factors_of, stratum_of
from trialsim.trial.conduct import STATUS_OF_LACK, Lack, due_days
from trialsim.trial.dosing import arm_switched_to, infusion_doses
from trialsim.trial.items import item_scores
from trialsim.trial.itinerary import first_infusion, next_opening
from trialsim.trial.rehabilitation import sessions_attended, sessions_due
from trialsim.trial.trial import Trial

PATIENT: Final = ["replicate", "subject"]
"""The columns that name a patient."""
_ALWAYS: Final = ("screening", "subjects", "infusions", "visits", "disposition")
TABLES: Final = (*_ALWAYS, "items", "randomisation")
"""Every table that a trial may have."""
SCREENING_OUTCOMES: Final = (
    "randomised",
    "screen failure",
    "window missed",
    "recruitment closed",
    "in screening",
)
CAP: Final = "cap_"
"""How the reason begins of a candidate of a kind of whom there were enough."""
INFUSION_STATUSES: Final = (
    *("given", "refused", *STATUS_OF_LACK.values(), "discontinued", "withdrawn", "died"),
)
VISIT_STATUSES: Final = ("attended", "missed", "withdrawn", "died")
BEGUN: Final[Mapping[Event, str]] = {"rescue": "rescued", "switching": "switched"}
"""The events that go on to the end, and how columns of their times begin; of studies that have
them."""
DISPOSITIONS: Final = ("completed", "withdrawn", "died", "ongoing")

Columns = dict[str, Any]


def tables(trial: Trial) -> dict[str, DataFrame]:
    """Return the tables of every replicate of a trial.

    Returns
    -------
    dict
        screening
            A row for each candidate who arrived until recruitment closed: site, times, covariates,
            outcome, the reason (the first failed rule, `cap_NAME` of a cap that was full,
            `window_missed` or `recruitment_closed`) and all failed rules joined by ";". A covariate
            that bears the name of another column is found as `covariate_NAME`.
        subjects
            A row for each randomised patient: site, arm, infusions and study drug received,
            rehabilitation sessions attended.
        infusions
            A row for each planned infusion: when it was due and started, what became of it, mL
            given, and minutes waited for a chair, also where none came free.
        visits
            A row for each patient and planned visit: when it was due and took place, and the score
            of each outcome. An outcome that bears the name of another column is found as
            `outcome_NAME`.
        disposition
            A row for each patient: how and when the trial ended for the patient, and whether the
            infusions were stopped early. Where the study has such events, or an analysis does
            something about them, also whether that was because of the drug, when a rescue treatment
            began, and when the patient switched.
        items
            A row for each item of each measured score of an outcome that has items; there is no
            such table where none has. Items that were not given have the credited points.
        randomisation
            The list of a study that names its procedure or stratifies by covariates: a row for each
            patient in order, with the class of each factor, the place in the stratum, and the arm.
            A factor that bears the name of another column is found as `factor_NAME`.
    """
    infusions = _infusions(trial)
    parts = {
        "screening": _screening(trial),
        "subjects": _with_treatment(_subjects(trial), infusions),
        "infusions": infusions,
        "visits": _visits(trial),
        "disposition": _disposition(trial),
    }
    items = [
        _items(trial, name, outcome.items)
        for name, outcome in trial.scenario.outcomes.items()
        if outcome.items is not None
    ]
    if items:
        parts["items"] = pd.concat(items, ignore_index=True)
    if trial.scenario.design.names_randomisation:
        parts["randomisation"] = _randomisation(trial)
    return _of_recruited(parts, trial)


def _of_recruited(parts: dict[str, DataFrame], trial: Trial) -> dict[str, DataFrame]:
    """Return tables without the places of patients who are missing since recruitment closed."""
    there = trial.conduct.randomised.ravel() < NEVER
    if there.all():
        return parts
    recruited = parts["subjects"].loc[there, PATIENT]
    return {
        name: table if name == "screening" else table.merge(recruited, on=PATIENT)
        for name, table in parts.items()
    }


def cut(trial_tables: Mapping[str, DataFrame], minute: int) -> dict[str, DataFrame]:
    """Return the tables as they stood when a minute began: only what had happened before it.

    Whoever was still being screened is "in screening", whoever was still in the trial "ongoing";
    sessions of rehabilitation are counted once the patient's programme has ended.
    """
    screening, subjects, infusions, visits, disposition = map(trial_tables.__getitem__, _ALWAYS)
    heard_of = infusions["due_minute"] + infusions["waited_minutes"] < minute
    infusions = infusions[heard_of].reset_index(drop=True)
    kept = (subjects["randomised_minute"] < minute).to_numpy()
    sessions = {"rehabilitation_sessions_attended": None}
    subjects = _forget(subjects[kept], minute, "rehabilitation_ended", sessions)
    disposition = _forget(disposition[kept], minute, "ended", {"status": "ongoing"})
    stops = ("treatment_discontinued", "discontinued_for_drug")
    unheard = {name: False for name in stops if name in disposition}
    for name in BEGUN.values():
        if f"{name}_minute" in disposition:
            disposition = _forget(disposition, minute, name, {})
    screening = screening[screening["arrival_minute"] < minute]
    undecided = {"outcome": "in screening", "reason": None, "failed_rules": None}
    screening = _forget(screening, minute, "decided", undecided)
    visits = visits[visits["due_minute"] < minute].reset_index(drop=True)
    parts = {
        "screening": _forget(screening, minute, "screened", {}),
        "subjects": _with_treatment(subjects, infusions),
        "infusions": infusions,
        "visits": visits,
        "disposition": _forget(disposition, minute, "discontinued", unheard),
    }
    beside = {"items": visits[[*PATIENT, "visit"]], "randomisation": subjects[PATIENT]}
    return parts | {
        name: trial_tables[name].merge(known)
        for name, known in beside.items()
        if name in trial_tables
    }


def _forget(table: DataFrame, minute: int, event: str, unheard: Mapping[str, Any]) -> DataFrame:
    """Return a table without an event's time, and with other values, where it came too late."""
    table = table.reset_index(drop=True)
    late = ~table[f"{event}_minute"].lt(minute).fillna(False).to_numpy(np.bool_)
    for name, value in {f"{event}_minute": None, f"{event}_day": None, **unheard}.items():
        column = table[name].copy()
        column[late] = value
        table[name] = column
    return table


def _screening(trial: Trial) -> DataFrame:
    cohort, scenario = trial.cohort, trial.scenario
    order = np.argsort(cohort.arrival, axis=1, kind="stable")
    replicate, place = np.nonzero(np.arange(order.shape[1]) < trial.conduct.screened[:, None])
    seen = (replicate, order[replicate, place])
    outcome, decided = _screening_outcomes(trial)
    columns: Columns = {
        "replicate": trial.replicates[replicate],
        "screening_number": seen[1] + 1,
        "site": _named(cohort.site[seen], scenario.operations.sites),
        **_moment("onset", cohort.onset[seen]),
        **_moment("arrival", cohort.arrival[seen]),
        **_moment("screened", cohort.screened[seen], np.True_),
        **_moment("decided", decided[seen], np.True_),
    }
    rules = list(scenario.eligibility.rules)
    beyond = _beyond_caps(trial)[0][seen]
    results: Columns = {
        "outcome": _named(outcome[seen], SCREENING_OUTCOMES),
        **_reasons(outcome[seen], cohort.failed[seen], rules, beyond, list(scenario.design.caps)),
    }
    taken = {*columns, *results}
    for name, covariate in scenario.population.covariates.items():
        values = cohort.covariates[name][seen]
        column: Any = values
        if covariate.levels is not None:
            column = _named(values.astype(np.int64), covariate.levels)
        elif covariate.is_flag:
            column = values != 0
        elif covariate.whole or isinstance(covariate.margin, Discrete):
            column = values.astype(np.int64)
        columns[_free("covariate", name, taken)] = column
    return DataFrame({**columns, **results})


def _screening_outcomes(trial: Trial) -> tuple[Integers, Integers]:
    """Return each candidate's outcome of screening, and the minute at which it was known.

    Recruitment closed on an eligible candidate who could still have started at that minute or
    later; the window was missed by any other who was not randomised, unless there were enough of
    the candidate's kind.
    """
    cohort, conduct, scenario = trial.cohort, trial.conduct, trial.scenario
    closed = conduct.closed[:, None]
    ready, deadline, _ = first_infusion(cohort, scenario)
    still = next_opening(
        np.maximum(ready, closed), scenario.operations, scenario.treatment.infusions
    )
    randomised = np.zeros(cohort.arrival.shape, np.bool_)
    since = np.zeros(cohort.arrival.shape, np.int64)
    there = np.nonzero(conduct.randomised < NEVER)
    candidates = there[0], trial.candidate[there]
    randomised[candidates] = True
    since[candidates] = conduct.randomised[there]
    beyond, full = _beyond_caps(trial)
    cases = [randomised, ~cohort.eligible, beyond >= 0, still > deadline]
    outcome = np.select(cases, [0, 1, 1, 2], 3)
    turned_away = np.maximum(ready, full)
    known = [since, cohort.screened, turned_away, np.maximum(cohort.screened, deadline)]
    return outcome, np.select(cases, known, np.maximum(cohort.screened, closed))


def _beyond_caps(trial: Trial) -> tuple[Integers, Integers]:
    """Return the first cap that kept each candidate out, -1 where none did, and when it was full.

    Who could have been randomised while recruitment went on, and was not, is of a kind of which
    there were enough.
    """
    cohort, conduct, scenario = trial.cohort, trial.conduct, trial.scenario
    found, since = np.full(cohort.arrival.shape, -1), np.zeros(cohort.arrival.shape, np.int64)
    if not scenario.design.caps:
        return found, since
    ready, deadline, possible = first_infusion(cohort, scenario)
    waits = possible & (ready < conduct.closed[:, None])
    there = np.nonzero(conduct.randomised < NEVER)
    waits[there[0], trial.candidate[there]] = False
    for place, cap in enumerate(scenario.design.caps.values()):
        kind = cap.who.holds(scenario.population.covariates, cohort.covariates)
        counted = take_rows(kind, trial.candidate) & (conduct.randomised < NEVER)
        enough = np.cumsum(counted, axis=1) >= cap.places(scenario.design.patients)
        full = np.where(enough, conduct.randomised, NEVER).min(axis=1)[:, None]
        out = waits & kind & (found < 0) & (full < conduct.closed[:, None]) & (full <= deadline)
        found, since = np.where(out, place, found), np.where(out, full, since)
    return found, since


def _reasons(
    outcome: Integers, failed: Integers, rules: list[str], beyond: Integers, caps: list[str]
) -> Columns:
    """Return why candidates were not randomised, from the bits of the rules that they fail."""
    patterns, pattern = np.unique(failed, return_inverse=True)
    names = [
        [rule for bit, rule in enumerate(rules) if (bits >> bit) & 1] for bits in patterns.tolist()
    ]
    of_caps = [f"{CAP}{name}" for name in caps]
    reasons = list(dict.fromkeys([*rules, *of_caps, "window_missed", "recruitment_closed"]))
    first = np.array([reasons.index(failing[0]) if failing else -1 for failing in names], np.int64)
    window, closed = reasons.index("window_missed"), reasons.index("recruitment_closed")
    reason = np.select([outcome == 2, outcome == 3], [window, closed], first[pattern])
    if caps:
        reason = np.where(beyond >= 0, beyond + reasons.index(of_caps[0]), reason)
    joined = [";".join(failing) for failing in names if failing]
    return {
        "reason": _named(reason, reasons),
        "failed_rules": _named(pattern - (len(names) - len(joined)), joined),
    }


def _subjects(trial: Trial) -> DataFrame:
    """Return the patients, all but the infusions that they were given."""
    conduct, treatment = trial.conduct, trial.scenario.treatment
    sessions = sessions_due(trial)
    last = sessions.max(axis=2, initial=0)  # of no sessions, before randomisation
    ended = np.minimum(np.maximum(last, conduct.randomised), conduct.exited)
    return DataFrame(
        {
            **_patients(trial, 1),
            "screening_number": trial.candidate.ravel() + 1,
            "site": _named(trial.site, trial.scenario.operations.sites),
            **_moment("randomised", conduct.randomised),
            "rehabilitation_sessions_planned": sessions.shape[2],
            "rehabilitation_sessions_attended": _nullable(sessions_attended(trial), np.True_),
            **_moment("rehabilitation_ended", ended, np.True_),
            "infusions_planned": treatment.infusions.count,
        }
    )


def _with_treatment(subjects: DataFrame, infusions: DataFrame) -> DataFrame:
    """Return patients with what the recorded infusions gave them."""
    recorded = DataFrame(
        {
            **{name: infusions[name] for name in PATIENT},
            "infusions_given": (infusions["status"] == "given").astype(np.int64),
            "study_drug_received_ml": infusions["dose_ml"],
        }
    )
    received = recorded.groupby(PATIENT).sum().reset_index()
    return subjects.drop(columns=received.columns[2:], errors="ignore").merge(
        received, on=PATIENT, how="left", validate="one_to_one"
    )


def _infusions(trial: Trial) -> DataFrame:
    conduct, arms = trial.conduct, trial.scenario.design.arms.values()
    due, given = conduct.infusion_due, conduct.infusion_given
    volumes, to = np.array([arm.volume_ml for arm in arms]), arm_switched_to(trial.scenario)
    volume = volumes[trial.arms][:, :, None]
    if to is not None:
        volume = np.where(conduct.infusion_switched, volumes[to], volume)
    count = given.shape[2]
    return DataFrame(
        {
            **_patients(trial, count),
            "infusion": np.tile(np.arange(1, count + 1), trial.arms.size),
            "planned_day": due_days(conduct.schedule, conduct.randomised).ravel(),
            **_moment("due", due),
            **_moment("start", conduct.infusion_start, given),
            "status": _named(_infusion_statuses(trial), INFUSION_STATUSES),
            "volume_ml": (given * volume).ravel(),
            "dose_ml": (given * _millilitres(trial)).ravel(),
            "waited_minutes": _minutes_waited(trial).ravel(),
        }
    )


def _millilitres(trial: Trial) -> Floats:
    """Return the study drug in each infusion in mL, shape (replicate, patient, infusion)."""
    design, treatment = trial.scenario.design, trial.scenario.treatment
    dose = infusion_doses(trial.scenario, trial.arms, trial.conduct)
    if treatment.body_weight_kg is not None and design.dose_unit.endswith("/kg"):
        weight = trial.cohort.covariates[treatment.body_weight_kg]
        dose = dose * take_rows(weight, trial.candidate)[:, :, None]
    if treatment.strength_mg_per_ml is not None and design.dose_unit.startswith("mg"):
        dose = dose / treatment.strength_mg_per_ml
    return dose


def _infusion_statuses(trial: Trial) -> Integers:
    """Return what became of each infusion; who has left the trial is past discontinuing."""
    conduct = trial.conduct
    due = conduct.infusion_due
    left = due >= conduct.exited[:, :, None]
    died = left & (conduct.died < NEVER)[:, :, None]
    discontinued = due >= conduct.discontinued[:, :, None]
    cases = {"died": died, "withdrawn": left, "discontinued": discontinued}
    if conduct.lacked is not None:
        cases |= {status: conduct.lacked == lack for lack, status in STATUS_OF_LACK.items()}
    codes = [INFUSION_STATUSES.index(status) for status in cases]
    return np.select(list(cases.values()), codes, np.where(conduct.infusion_given, 0, 1))


def _minutes_waited(trial: Trial) -> Integers:
    """Return how long each infusion waited for a chair, shape (replicate, patient, infusion).

    A wait without getting a chair ended when the clinic closed or the patient stopped infusions.
    """
    conduct = trial.conduct
    due = conduct.infusion_due
    if conduct.waited is None or conduct.lacked is None:
        return np.zeros(due.shape, np.int64)
    closes = due // DAY * DAY + trial.scenario.operations.closes
    stops = np.minimum(conduct.discontinued, conduct.exited)[:, :, None]
    in_vain = conduct.lacked != Lack.NOTHING
    return np.where(in_vain, np.minimum(closes, stops) - due, conduct.waited)


def _visits(trial: Trial) -> DataFrame:
    conduct, visits = trial.conduct, trial.scenario.design.visits
    due, attended = conduct.visit_minute, conduct.visit_attended
    left = due >= conduct.exited[:, :, None]
    died = left & (conduct.died < NEVER)[:, :, None]
    status = np.select([died, left, ~attended], [3, 2, 1], 0)
    planned = list(visits.values())
    from_what = ("randomisation", "onset")
    onset = np.take_along_axis(trial.cohort.onset, trial.candidate, axis=1)
    patients = trial.arms.size
    columns: Columns = {
        **_patients(trial, len(visits)),
        "visit": _named(np.tile(np.arange(len(visits)), patients), visits),
        "planned_day": np.tile([visit.day for visit in planned], patients),
        "planned_after": _named(
            np.tile([from_what.index(visit.after) for visit in planned], patients), from_what
        ),
        **_moment("due", due),
        **_moment("actual", due, attended),
        "days_since_onset": ((due - onset[:, :, None]) / DAY).ravel(),
        "attended": attended.ravel(),
        "status": _named(status, VISIT_STATUSES),
    }
    taken = set(columns)
    for name, scores in trial.scores.items():
        grid = trial.scenario.outcomes[name].grid
        column = _nullable if grid.is_whole else _nullable_measurements
        columns[_free("outcome", name, taken)] = column(scores, ~np.isnan(scores))
    return DataFrame(columns)


def _items(trial: Trial, name: str, items: Items) -> DataFrame:
    """Return the items of one outcome, a row for each in the order in which they are given."""
    found = item_scores(trial, name, items)
    replicate, patient, visit = np.nonzero(found.measured)
    assessments, count = found.scores.shape
    of_item = [
        subscale for subscale, part in enumerate(items.subscales.values()) for _ in part.items
    ]
    arms, visits = trial.scenario.design.arms, trial.scenario.design.visits
    return DataFrame(
        {
            "replicate": trial.replicates[replicate].repeat(count),
            "subject": (patient + 1).repeat(count),
            "arm": _named(trial.arms[replicate, patient].repeat(count), arms),
            "visit": _named(visit.repeat(count), visits),
            "outcome": name,
            "subscale": _named(np.tile(of_item, assessments), items.subscales),
            "item": _named(np.tile(np.arange(count), assessments), items.names),
            "score": found.scores.ravel(),
            "given": found.given.ravel(),
            "minutes": items.minutes_per_item * found.given.ravel(),
        }
    )


def _randomisation(trial: Trial) -> DataFrame:
    """Return the list by which patients were randomised, in order of randomisation."""
    scenario, cohort, candidates = trial.scenario, trial.cohort, trial.candidate
    columns = _patients(trial, 1)
    arm = columns.pop("arm")
    columns["site"] = _named(trial.site, scenario.operations.sites)
    places = classes_of(scenario, cohort, candidates)
    taken = {*columns, "place", "arm"}
    for name, classes in factors_of(scenario):
        if name in scenario.design.strata:
            columns[_free("factor", name, taken)] = _named(places[name], classes)
    stratum = DataFrame(
        {
            "replicate": columns["replicate"],
            "stratum": stratum_of(scenario, cohort, candidates).ravel(),
        }
    )
    place = stratum.groupby(["replicate", "stratum"]).cumcount().to_numpy() + 1
    return DataFrame({**columns, "place": place, "arm": arm})


def _disposition(trial: Trial) -> DataFrame:
    conduct = trial.conduct
    last_visit = conduct.visit_minute.max(axis=2)
    left = conduct.exited <= last_visit
    status = np.select([left & (conduct.died < NEVER), left], [2, 1], 0)
    discontinued = conduct.discontinued < conduct.exited
    discontinued &= conduct.discontinued <= conduct.infusion_due[:, :, -1]
    columns: Columns = {
        **_patients(trial, 1),
        "status": _named(status, DISPOSITIONS),
        **_moment("ended", np.minimum(conduct.exited, last_visit), np.True_),
        "treatment_discontinued": discontinued.ravel(),
        **_moment("discontinued", conduct.discontinued, discontinued),
    }
    events, used = trial.scenario.operations.events, trial.scenario.analysis.events_used
    told = {kind for kind, event in events.items() if event.probability > 0 or kind in used}
    if "drug_related_discontinuation" in told:
        for_drug = discontinued & (conduct.stopped_for_drug < NEVER)
        columns["discontinued_for_drug"] = for_drug.ravel()
    for kind, name in BEGUN.items():
        if kind in told:
            minute = conduct.minute_of(kind)
            columns |= _moment(name, minute, minute < NEVER)
    return DataFrame(columns)


def _patients(trial: Trial, times: int) -> Columns:
    """Return the columns that say whose record it is, each patient so many times in a row."""
    replicates, patients = trial.arms.shape
    arm = _named(trial.arms, trial.scenario.design.arms)
    return {
        "replicate": trial.replicates.repeat(patients * times),
        "subject": np.tile(np.arange(1, patients + 1).repeat(times), replicates),
        "arm": arm.repeat(times),
    }


def _moment(name: str, minute: Integers, known: Booleans | np.bool_ | None = None) -> Columns:
    """Return a time in minutes and in days; with nulls, or room for them, if `known` is given."""
    times = {f"{name}_minute": minute, f"{name}_day": minute // DAY}
    if known is None:
        return {column: time.ravel() for column, time in times.items()}
    return {column: _nullable(time, known) for column, time in times.items()}


def _nullable(values: Integers | Floats, known: Booleans | np.bool_) -> Any:
    """Return whole numbers, null where they are not known."""
    known = np.broadcast_to(known, values.shape)
    whole = np.where(known, values, 0).astype(np.int64)
    return pd.arrays.IntegerArray(whole.ravel(), ~known.ravel())


def _nullable_measurements(values: Floats, known: Booleans) -> Any:
    """Return numbers, null where they are not known."""
    return pd.arrays.FloatingArray(np.where(known, values, 0.0).ravel(), ~known.ravel())


def _named(codes: Integers, names: Iterable[str]) -> "pd.Categorical[str]":
    """Return names by their positions; null where the position is negative."""
    positions = codes.ravel().astype(np.intp)
    return pd.Categorical.from_codes(positions, pd.Index(list(names)))


def _free(kind: str, name: str, taken: Collection[str]) -> str:
    """Return the name of a column of the user's, so that it differs from the table's own."""
    return f"{kind}_{name}" if name in taken else name
