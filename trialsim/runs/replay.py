"""One trial of a run built again, and one patient of it, day by day.

A trial follows from its address, so nothing but its numbers was kept; that the rebuilt trial has
bit-identical numbers is checked each time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from trialsim.clock import DAY, HOUR
from trialsim.errors import InputError, Problem, RunError
from trialsim.replicates.result import SIMULATED
from trialsim.replicates.run import Failure, Simulation
from trialsim.replicates.versions import processor_here, versions_here
from trialsim.runs.directory import RunDirectory
from trialsim.runs.part_file import from_parquet
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import SimulatedTrial, simulate
from trialsim.trial.trial import Trial

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, slots=True)
class Replay:
    """A replicate of a run, built again with the same numbers."""

    seed: int
    replicate: int
    numbers: Mapping[str, float]
    """What the run kept of it."""
    failure: Failure | None
    """Why it failed, then as now; the numbers are then NaN."""
    trial: SimulatedTrial | None
    """The trial; None where it failed, and for a programme, which is several."""

    def to_dict(self) -> dict[str, Any]:
        """Return the replay as plain values, for JSON."""
        return {
            "seed": self.seed,
            "replicate": self.replicate,
            "same_to_the_bit": True,
            "numbers": dict(self.numbers),
            "failure": self.failure and self.failure._asdict(),
            "note": SIMULATED,
        }


class PatientEvent(NamedTuple):
    """Something that happened to a patient."""

    day: int
    """Days since the midnight before randomisation."""
    time: str
    """Time of day, hours and minutes."""
    event: str
    detail: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """One patient of a rebuilt trial, from the onset to the exit, in every arm."""

    seed: int
    replicate: int
    patient: int
    site: str
    arm: str
    covariates: Mapping[str, Any]
    events: tuple[PatientEvent, ...]
    scores: Mapping[str, Mapping[str, Mapping[str, float]]]
    """Outcome, arm, visit: the score had the patient been in that arm and missed no visit."""

    def to_dict(self) -> dict[str, Any]:
        """Return the timeline as plain values, for JSON."""
        about = ("seed", "replicate", "patient", "site", "arm")
        return {
            **{name: getattr(self, name) for name in about},
            "covariates": dict(self.covariates),
            "timeline": [event._asdict() for event in self.events],
            "potential_outcomes": self.scores,
            "note": SIMULATED,
        }


def replay(run: RunDirectory, replicate: int) -> Replay:
    """Build a replicate of a run again, and see that it has the numbers that were kept.

    Raises
    ------
    InputError
        If the run does not hold the replicate.
    RunError
        If the numbers differ, which other versions of what computes may cause.
    """
    manifest = run.manifest
    block = replicate // manifest.block
    if replicate < 0 or block not in run.held:
        held = len(run.held) * manifest.block
        lacking = "" if replicate < 0 else f" and not block {block}"
        rule = f"must be a replicate that {run.folder} holds; it holds {held:,}{lacking}"
        raise InputError([Problem("--replicate", rule, str(replicate))])
    kept = from_parquet(run.part(block))
    place = replicate - block * manifest.block
    numbers = {name: float(kept.columns[name][place]) for name in kept.columns}
    failure = next((one for one in kept.failures if one.replicate == replicate), None)
    study, seed, engine = manifest.scenario, manifest.seed, manifest.engine
    simulation = Simulation(study, seed, engine, summarise=manifest.kept)
    again = simulation.run(range(replicate, replicate + 1))
    differing = [
        name
        for name in kept.columns
        if again.columns[name].tobytes() != kept.columns[name][place : place + 1].tobytes()
    ]
    reasons = [one and one.reason for one in (failure, *(again.failures or (None,)))]
    if differing or reasons[0] != reasons[1]:
        raise RunError(_what_differs(run, replicate, differing or ["the failure"]))
    trial = None
    if failure is None and isinstance(manifest.scenario, Scenario):
        trial = simulate(manifest.scenario, manifest.seed, replicate, manifest.engine)
    return Replay(manifest.seed, replicate, numbers, failure, trial)


def _what_differs(run: RunDirectory, replicate: int, names: list[str]) -> str:
    here = {**versions_here(), "processor": processor_here()}
    then = {**run.manifest.versions, "processor": run.manifest.processor}
    changed = [
        f"{name} {then.get(name)}, now {here[name]}"
        for name in here
        if then.get(name) != here[name]
    ]
    because = f"; the run had {'; '.join(changed)}" if changed else ""
    return f"replicate {replicate} is not what {run.folder} holds: {', '.join(names)}{because}"


def timeline(trial: SimulatedTrial, patient: int) -> Timeline:
    """Return a patient's way through a trial; patients count from 1 in order of randomisation.

    Raises
    ------
    InputError
        If there is no such patient.
    """
    patients = trial.batch.arms.shape[1]
    if not 1 <= patient <= patients:
        rule = f"must be a patient of the trial, 1 to {patients}"
        raise InputError([Problem("--patient", rule, str(patient))])
    whole = trial.tables()
    screened = whole.pop("screening")
    tables = {name: _records(table[table["subject"] == patient]) for name, table in whole.items()}
    (subject,) = tables["subjects"]
    (screening,) = _records(screened[screened["screening_number"] == subject["screening_number"]])
    midnight = subject["randomised_minute"] // DAY * DAY
    events = [
        _patient_event(minute - midnight, event, detail)
        for minute, event, detail in sorted(
            _events(tables, screening, tuple(trial.scenario.outcomes)), key=lambda one: one[0]
        )
    ]
    return Timeline(
        seed=trial.seed,
        replicate=trial.replicate,
        patient=patient,
        site=subject["site"],
        arm=subject["arm"],
        covariates={
            name: screening.get(f"covariate_{name}", screening.get(name))
            for name in trial.scenario.population.covariates
        },
        events=tuple(events),
        scores=potential_scores(trial.batch, patient),
    )


def potential_scores(trial: Trial, patient: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return a patient's scores by outcome, arm and visit, had each arm been the patient's.

    The scores are those had no visit been missed.
    """
    found: dict[str, dict[str, dict[str, float]]] = {name: {} for name in trial.scores}
    for arm in trial.scenario.design.arms:
        for name, score in in_arm(trial, patient, arm).underlying.items():
            own = np.asarray(score[0, patient - 1]).tolist()
            found[name][arm] = dict(zip(trial.scenario.design.visits, own, strict=True))
    return found


def in_arm(trial: Trial, patient: int, arm: str) -> Trial:
    """Return a single trial had a patient been allocated to an arm, with common random numbers.

    What follows from the arm is the patient's alone: risks, infusions, scores. The waits for a
    chair are those that there were, of the patient and of all others.
    """
    arms = trial.arms.copy()
    arms[0, patient - 1] = list(trial.scenario.design.arms).index(arm)
    return trial.world(arms)


def _records(table: "DataFrame") -> list[dict[str, Any]]:
    plain = table.astype(object)
    rows = plain.where(plain.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


BEGUN_WORDS: Final = {"rescued": "rescue treatment begun", "switched": "study drug switched"}
"""What went on to the end, by how columns of its times begin."""
_Event = tuple[int, str, str]
"""Minute of the trial, what happened, and more about it."""


def _events(
    tables: Mapping[str, list[dict[str, Any]]],
    screening: Mapping[str, Any],
    outcomes: tuple[str, ...],
) -> Iterator[_Event]:
    """Yield what happened to a patient, table by table."""
    (subject,), (exit_,) = tables["subjects"], tables["disposition"]
    yield screening["onset_minute"], "onset", ""
    yield screening["arrival_minute"], "arrival", subject["site"]
    yield screening["screened_minute"], "screened", "eligible"
    yield subject["randomised_minute"], "randomised", subject["arm"]
    for row in tables["infusions"]:
        minute = row["due_minute"] if row["start_minute"] is None else row["start_minute"]
        waited = f", waited {row['waited_minutes']} min" if row["waited_minutes"] else ""
        given = f", {row['volume_ml']:g} mL" if row["status"] == "given" else ""
        yield minute, f"infusion {row['infusion']}", f"{row['status']}{given}{waited}"
    for row in tables["visits"]:
        scores = [
            f"{name} {score}"
            for name in outcomes
            if (score := row.get(f"outcome_{name}", row.get(name))) is not None
        ]
        yield row["due_minute"], f"visit {row['visit']}", ", ".join([row["status"], *scores])
    if exit_["treatment_discontinued"]:
        why = "because of the drug" if exit_.get("discontinued_for_drug") else ""
        yield exit_["discontinued_minute"], "infusions stopped", why
    for name, event in BEGUN_WORDS.items():
        if exit_.get(f"{name}_minute") is not None:
            yield exit_[f"{name}_minute"], event, ""
    yield exit_["ended_minute"], "exit", exit_["status"]


def _patient_event(minute: int, event: str, detail: str) -> PatientEvent:
    day, of_day = divmod(int(minute), DAY)
    return PatientEvent(day, f"{of_day // HOUR:02}:{of_day % HOUR:02}", event, detail)
