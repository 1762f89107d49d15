"""Which effect is meant, how large it truly is, and which analysis finds it.

The true values are of the simulated patients, who have both potential outcomes: every patient is
run in every arm, with and without events (`Trial.world`).
"""

import time
from pathlib import Path

from trialsim.questions.estimands.result import Estimands
from trialsim.replicates.checks import chosen_engine
from trialsim.replicates.parallel import Progress
from trialsim.replicates.result import check_finished, summarised
from trialsim.replicates.run import BATCH, summary_of
from trialsim.runs.directory import RunDirectory
from trialsim.runs.manifest import ESTIMANDS
from trialsim.runs.runner import Runner
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.programme import Study, single_trial
from trialsim.trial.trial import Engine

REPLICATES = 2_000


def estimands(
    scenario: Study | str | Path,
    replicates: int = REPLICATES,
    seed: int = 2016,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | bool | None = None,
    out: str | Path | None = None,
    scheduler: str | None = None,
) -> Estimands:
    """Compute the true value of each estimand of a study, and how far each analysis is from it.

    A study that names no estimands has one for each strategy towards events that end treatment.
    Looks are left out: every trial is analysed when all its patients have finished.

    >>> import trialsim as ts
    >>> found = ts.estimands(ts.load("cars1"), replicates=64, n_jobs=1)
    >>> [one.estimand for one in found.truths if one.measure == "Mann-Whitney effect"][:2]
    ['treatment_policy', 'hypothetical']

    Parameters
    ----------
    out
        A directory that keeps the run, from which the same call continues, and `trialsim report`
        writes a page.

    Raises
    ------
    InputError
        If the study is a programme, a number is out of range, or the directory is that of another
        run.
    RunError
        If recruitment can never finish, or every replicate failed.
    """
    runner = Runner(seed, n_jobs, engine, batch, progress, scheduler).checked_for(replicates)
    study = single_trial(load_study(scenario))
    return estimands_by(keeping_estimands(runner, out, study), study, replicates)


def keeping_estimands(runner: Runner, out: str | Path | None, study: Study) -> Runner:
    """Return a runner that keeps what is run for estimands in a directory, if there is one."""
    return runner.keeping(out, study, inputs={ESTIMANDS: True})


def estimands_by(runner: Runner, study: Study, replicates: int) -> Estimands:
    """Return the true values of a study's estimands as a runner gives them."""
    scenario, began = single_trial(study), time.perf_counter()
    apart = runner.directory is None  # a directory knows what it keeps
    summarise = summary_of(scenario, estimands=True) if apart else None
    runner.check(scenario)
    runner.note_if_slow(scenario)
    used = chosen_engine(scenario, runner.engine)
    with runner.logged():
        done = runner.run(scenario, range(replicates), summarise)
        check_finished(done, runner.seed)
        seconds = time.perf_counter() - began
        if isinstance(runner.directory, RunDirectory):  # of several a question writes its own
            runner.write_summary(summarised(scenario, runner.seed, used, done, seconds))
    return Estimands(scenario, runner.seed, done.failures, used, done.columns, seconds)
