"""Workers, tasks and batches change no number, and results come back in the order of replicates."""

import subprocess
import sys
import threading
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from trialsim.compiled.library import NUMPY, computed_by
from trialsim.errors import InputError
from trialsim.questions.power import power
from trialsim.replicates.parallel import (
    LARGEST_TASK,
    OVERSUBSCRIBE,
    finished_tasks,
    tasks_of,
    workers_here,
)
from trialsim.replicates.result import PowerResult
from trialsim.replicates.run import BATCH, Replicates, Simulation
from trialsim.runs.runner import Runner
from trialsim.scenario.files.yaml_file import load
from trialsim.trial.trial import Engine

SEED = 2016
CARS1 = load("cars1").replace({"design.patients": 60})
HURRIED = CARS1.replace({"operations.recruitment_limit_days": 130, "operations.at_limit": "fail"})
CHAIRS = load("cars1_chairs").replace({"design.patients": 30})
STUDIES = {"as it is": CARS1, "some fail": HURRIED, "patients wait": CHAIRS}


def plain(result: PowerResult) -> dict[str, Any]:
    """Return what is told of a result, all but what may differ between two runs of it."""
    told = result.to_dict()
    return {name: told[name] for name in told.keys() - {"seconds", "engine"}}


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    start=st.integers(0, 10_000),
    count=st.integers(1, 200_000),
    n_jobs=st.sampled_from([1, 2, 3, 8, 64]),
    batch=st.integers(1, 5_000),
)
@example(start=0, count=10_000, n_jobs=64, batch=BATCH)
@example(start=0, count=1, n_jobs=64, batch=BATCH)
def test_tasks_are_whole_batches_that_cover_the_replicates_in_order(
    start: int, count: int, n_jobs: int, batch: int
) -> None:
    tasks = tasks_of(range(start, start + count), n_jobs, batch)
    assert tasks[0].start == start
    assert tasks[-1].stop == start + count
    assert all(one.stop == other.start for one, other in pairwise(tasks))
    assert all(len(task) % batch == 0 and len(task) == len(tasks[0]) for task in tasks[:-1])
    assert 0 < len(tasks[-1]) <= len(tasks[0])
    assert len(tasks[0]) <= max(LARGEST_TASK, batch)


def test_enough_replicates_give_every_worker_several_tasks() -> None:
    """So that one slow task does not keep the others waiting for long."""
    for n_jobs in (2, 4, 16):
        assert len(tasks_of(range(100_000), n_jobs, BATCH)) >= 4 * n_jobs


@pytest.mark.parametrize("in_order", [True, False])
def test_threads_tell_what_processes_tell(monkeypatch: pytest.MonkeyPatch, in_order: bool) -> None:
    tasks, simulation = tasks_of(range(300), 2, 64), Simulation(CARS1, SEED)
    if not simulation.is_compiled:
        pytest.skip("no C compiler here")
    begun = [threading.active_count()]

    def counted(self: Simulation, replicates: range) -> Replicates:
        begun.append(threading.active_count())
        return run(self, replicates)

    run = Simulation.run
    monkeypatch.setattr(Simulation, "run", counted)
    by_threads = dict(finished_tasks(simulation, tasks, n_jobs=2, in_order=in_order))
    assert max(begun) > begun[0]
    monkeypatch.setattr(Simulation, "run", run)
    monkeypatch.setattr(Simulation, "is_compiled", False)
    by_processes = dict(finished_tasks(simulation, tasks, n_jobs=2, in_order=in_order))
    assert by_threads.keys() == by_processes.keys() == set(tasks)
    for task, found in by_threads.items():
        for name, column in found.columns.items():
            assert column.tobytes() == by_processes[task].columns[name].tobytes(), name


def test_a_study_whose_recruitment_is_seldom_complete_runs_in_processes() -> None:
    never = CARS1.replace({"operations.recruitment_limit_days": 40, "operations.at_limit": "stop"})
    assert not Simulation(never, SEED).is_compiled
    assert not Simulation(CARS1, SEED, "events").is_compiled
    with computed_by(NUMPY):
        assert not Simulation(CARS1, SEED).is_compiled


@pytest.mark.parametrize("name", STUDIES)
def test_two_workers_tell_what_one_tells(name: str) -> None:
    scenario, count = STUDIES[name], 24 if name == "patients wait" else 200
    one, two = (power(scenario, count, SEED, n_jobs, batch=16) for n_jobs in (1, 2))
    assert plain(one) == plain(two)
    assert one.failures == two.failures
    assert bool(one.failures) == (name == "some fail")
    for column, values in one.columns.items():
        assert_array_equal(values, two.columns[column], err_msg=column)


@pytest.mark.parametrize("name", ["as it is", "some fail"])
def test_neither_batch_nor_engine_changes_what_is_told(name: str) -> None:
    whole = plain(power(STUDIES[name], 80, SEED, n_jobs=1))
    for batch in (1, 50):
        assert plain(power(STUDIES[name], 80, SEED, n_jobs=1, batch=batch)) == whole
    events = power(STUDIES[name], 80, SEED, n_jobs=1, engine="events")
    assert events.engine == "events"
    assert plain(events) == whole


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_hears_of_every_task_once_and_in_order(n_jobs: int) -> None:
    heard: list[tuple[int, Replicates]] = []
    runner = Runner(SEED, n_jobs, batch=16, progress=lambda *task: heard.append(task))
    done = runner.run(HURRIED, range(100))
    assert len(heard) > 1
    assert sum(count for count, _ in heard) == 100
    assert all(len(part.columns["estimate"]) == count for count, part in heard)
    together = np.concatenate([part.columns["estimate"] for _, part in heard])
    assert_array_equal(together, done.columns["estimate"])
    assert tuple(one for _, part in heard for one in part.failures) == done.failures


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_is_wrong_with_the_request_ends_the_run_from_any_worker(n_jobs: int) -> None:
    with pytest.raises(ValueError, match=r"^seed must be a whole number in .* \(got -3\)$"):
        Runner(-3, n_jobs, batch=16).run(CARS1, range(64))


def test_no_more_workers_are_started_than_there_are_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand processes for three trials would bring a machine down."""
    import joblib

    asked: list[int] = []

    class Recorded(joblib.Parallel):  # type: ignore[misc]
        def __init__(self, n_jobs: int, **options: Any) -> None:
            asked.append(n_jobs)
            super().__init__(n_jobs=1, **options)

    monkeypatch.setattr(joblib, "Parallel", Recorded)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 1000)
    with computed_by(NUMPY):  # in processes
        three = power(CARS1, 3, SEED, n_jobs=1000)
        several = power(CARS1, 48, SEED, n_jobs=1000, batch=16)
    assert asked == [3]
    assert (three.replicates, several.replicates) == (3, 48)


def test_no_more_workers_are_started_than_there_are_cores() -> None:
    import joblib

    assert workers_here(10**6) == workers_here(-1) == joblib.cpu_count()
    assert workers_here(1) == 1


def test_who_insists_has_more_workers_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OVERSUBSCRIBE, "1")
    assert workers_here(1000) == 1000


def test_a_worker_leaves_an_interruption_to_its_parent() -> None:
    """Or every worker would print a traceback of its own."""
    survives = """
import os, signal
from trialsim.replicates.watch import end_with
end_with(os.getppid())
os.kill(os.getpid(), signal.SIGINT)
print("still here")
"""
    done = subprocess.run([sys.executable, "-c", survives], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("still here\n", "")


@pytest.mark.parametrize("count", [10**9, 10**12, 2**64, 10**40])
def test_more_replicates_than_anybody_waits_for_are_refused_unlisted(count: int) -> None:
    with pytest.raises(InputError, match="replicates: must be at most 100,000,000"):
        Runner(SEED, 1).run(CARS1, range(count))


@pytest.mark.parametrize("engine", ["vector", "events"])
def test_results_that_nobody_asks_for_any_more_are_left_without_a_warning(engine: Engine) -> None:
    """As when the disk is full: the reader of an error is not told of tasks that it stopped.

    The last test, for it ends the workers that those before it share.
    """
    tasks = [range(start, start + 32) for start in range(0, 512, 32)]
    finished = finished_tasks(Simulation(CARS1, SEED, engine), tasks, n_jobs=2)
    assert next(finished)[0] == tasks[0]
    finished.close()
