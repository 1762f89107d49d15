"""A trial of a run is built again to the bit, and a patient's way is that of the tables."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from tests.runs.test_directory import kept_power
from trialsim.clock import DAY, NEVER
from trialsim.errors import InputError, RunError
from trialsim.replicates.run import Replicates
from trialsim.reporting.text.replay import replay_text, timeline_text
from trialsim.runs.directory import RunDirectory, find_run, open_run
from trialsim.runs.manifest import manifest_here
from trialsim.runs.part_file import from_parquet
from trialsim.runs.replay import in_arm, potential_scores, replay, timeline
from trialsim.scenario.files.yaml_file import load
from trialsim.simulated import SimulatedTrial, simulate

SEED: Final = 2016
BLOCK: Final = 32
SMALL: Final = load("cars1").replace(
    {"design.patients": 20, "operations.recruitment_limit_days": 40, "operations.at_limit": "fail"}
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """Return a run of which some replicates failed."""
    folder = tmp_path_factory.mktemp("run")
    kept_power(open_run(folder, manifest_here(SMALL, SEED, block=BLOCK)), 100)
    return find_run(folder)


@pytest.fixture(scope="module")
def trial() -> SimulatedTrial:
    """Return a trial of the published design, large enough for every kind of exit."""
    return simulate(load("cars1"), SEED)


def test_a_replay_has_the_numbers_that_the_run_kept(run: RunDirectory) -> None:
    for replicate in (0, 31, 32, 77):
        again = replay(run, replicate)
        kept = from_parquet(run.part(replicate // BLOCK)).columns
        if again.failure is None:
            assert again.numbers["estimate"] == kept["estimate"][replicate % BLOCK]
            assert again.trial is not None
            assert again.trial.replicate == replicate
        assert f"replicate {replicate} of seed 2016" in replay_text("CARS-1", again)


def test_a_failed_replicate_is_replayed_with_its_reason(run: RunDirectory) -> None:
    failed = run.results(range(100)).failures[0]
    again = replay(run, failed.replicate)
    assert (again.trial, again.failure) == (None, failed)
    assert "recruitment was not complete after 40 days" in replay_text("CARS-1", again)


def test_a_number_that_differs_in_its_last_bit_is_told(tmp_path: Path, run: RunDirectory) -> None:
    whole = from_parquet(run.part(0))
    place = next(place for place in range(BLOCK) if whole.columns["estimate"][place] > 0)
    columns = {name: values.copy() for name, values in whole.columns.items()}
    columns["p_value"][place] *= 1 + 2**-52
    forged = open_run(tmp_path, run.manifest)
    forged.add(0, Replicates(columns, whole.failures))
    with pytest.raises(RunError, match=rf"^replicate {place} is not what .* holds: p_value$"):
        replay(forged, place)
    elsewhere = replace(forged, manifest=run.manifest._replace(processor="OpenBLAS Other"))
    with pytest.raises(RunError, match=r"p_value; the run had processor OpenBLAS Other, now "):
        replay(elsewhere, place)


@pytest.mark.parametrize("replicate", [-1, 128, 10**9])
def test_a_replicate_that_the_run_does_not_hold_is_refused(
    run: RunDirectory, replicate: int
) -> None:
    with pytest.raises(InputError, match=r"^--replicate: must be .* holds 128 "):
        replay(run, replicate)


@pytest.mark.parametrize("patient", [0, 209])
def test_a_patient_who_was_not_randomised_is_refused(trial: SimulatedTrial, patient: int) -> None:
    with pytest.raises(InputError, match=r"^--patient: must be a patient of the trial, 1 to 208"):
        timeline(trial, patient)


def test_a_timeline_tells_what_the_tables_tell(trial: SimulatedTrial) -> None:
    """Oracle: the tables, counted by status, of the first patient of each kind of exit and last."""
    tables = trial.tables()
    kinds: Any = tables["disposition"].drop_duplicates(["status", "treatment_discontinued"])
    assert len(kinds) >= 4
    for patient in (*kinds["subject"], 208):
        told = timeline(trial, patient)
        for kind, count in (("infusion", 21), ("visit", 6)):
            table: Any = tables[f"{kind}s"]
            mine = table[table["subject"] == patient]
            events = [one for one in told.events if one.event.startswith(f"{kind} ")]
            assert len(events) == len(mine) == count
            statuses = sorted(one.detail.split(",")[0] for one in events)
            assert statuses == sorted(mine["status"].astype(str))
        when = [(one.day, one.time) for one in told.events]
        assert when == sorted(when)
        assert told.events[0].event == "onset"
        (randomised,) = (one for one in told.events if one.event == "randomised")
        assert (randomised.day, randomised.detail) == (0, told.arm)
        text = timeline_text(told, trial.scenario)
        assert f"patient {patient} of replicate 0" in text
        assert "nan" not in text.split()
        assert max(map(len, text.splitlines())) <= 100
        assert not any("_" in line for line in text.splitlines())
        assert "Gait velocity" in text


def test_the_scores_in_the_own_arm_are_those_of_the_trial(trial: SimulatedTrial) -> None:
    """And the drug does nobody harm and some good, in whichever arm the patient was."""
    helped = set()
    arms = list(trial.scenario.design.arms)
    for patient in range(1, 209, 30):
        scores = potential_scores(trial.batch, patient)["arat"]
        own = arms[int(trial.batch.arms[0, patient - 1])]
        underlying = trial.batch.underlying["arat"][0, patient - 1]
        assert list(scores[own].values()) == underlying.tolist()
        treated, control = scores["cerebrolysin"], scores["placebo"]
        assert all(treated[visit] >= control[visit] for visit in treated)
        assert treated["baseline"] == control["baseline"]
        if treated["day_14"] > control["day_14"]:
            helped.add(own)
    assert helped == set(arms)


@pytest.mark.parametrize("chairs", [None, 1])
def test_in_the_own_arm_everything_is_as_it_was(chairs: int | None) -> None:
    """To the bit, also where patients wait for one another."""
    changes = {"design.patients": 40, "operations.infusion_chairs_per_site": chairs}
    busy = {"operations.candidates_per_site_per_month": 30}
    study = load("cars1").replace({**changes, **busy})
    batch = simulate(study, SEED).batch
    assert chairs is None or (batch.conduct.infusion_start > batch.conduct.infusion_due).any()
    for patient in (1, 17, 40):
        own = list(study.design.arms)[int(batch.arms[0, patient - 1])]
        again = in_arm(batch, patient, own)
        for name in ("infusion_given", "infusion_start", "exited", "visit_attended"):
            assert np.array_equal(getattr(again.conduct, name), getattr(batch.conduct, name))
        assert np.array_equal(again.scores["arat"], batch.scores["arat"], equal_nan=True)


def test_an_arm_that_drives_patients_away_does_so_to_whoever_is_put_there() -> None:
    """And to nobody else."""
    content = load("cars1").model_dump()
    content["operations"]["withdrawal"] |= {"arms": {"placebo": {"odds_ratio": 1e9}}}
    content["operations"]["death"]["probability"] = 0.0
    batch = simulate(type(SMALL).model_validate(content), SEED).batch
    others = np.arange(208) != 3
    stayed = in_arm(batch, 4, "cerebrolysin").conduct.exited
    left = in_arm(batch, 4, "placebo").conduct.exited
    assert left[0, 3] < batch.conduct.visit_minute.max() < stayed[0, 3]
    assert np.array_equal(left[0, others], stayed[0, others])


def test_a_time_line_tells_what_began_and_why_infusions_stopped() -> None:
    """Oracle: the minutes of conduct, counted from the midnight before randomisation."""
    soon = {"probability": 0.8, "days": {"distribution": "uniform", "low": 2, "high": 9}}
    later = {"probability": 0.8, "days": {"distribution": "uniform", "low": 10, "high": 19}}
    study = load("cars1").replace(
        {
            "design.patients": 12,
            "operations.rescue": soon,
            "operations.switching": {**soon, "to": "placebo"},
            "operations.drug_related_discontinuation": later,
        }
    )
    trial = simulate(study, 3)
    conduct = trial.batch.conduct
    begun = {"rescue treatment begun": conduct.rescued, "study drug switched": conduct.switched}
    told = 0
    for patient in range(1, 13):
        events = {one.event: one for one in timeline(trial, patient).events}
        midnight = conduct.randomised[0, patient - 1] // DAY
        for event, minutes in {**begun, "infusions stopped": conduct.stopped_for_drug}.items():
            minute = minutes[0, patient - 1]
            if minute < NEVER:
                told += 1
                assert events[event].day == minute // DAY - midnight
                why = "because of the drug" if event == "infusions stopped" else ""
                assert events[event].detail == why
            elif event in begun:
                assert event not in events
    assert told > 15
