"""How often trials of one programme contradict one another, by their own analyses.

A trial is for the treatment if its primary analysis rejects and its estimate is above the null
value. Trials disagree when some are for the treatment and others are not: as CARS-1, which was, and
CARS-2, which was not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trialsim.arrays import Booleans
from trialsim.questions.power import power_by
from trialsim.replicates.parallel import Progress
from trialsim.replicates.programmes import of_trial
from trialsim.replicates.result import SIMULATED
from trialsim.replicates.run import BATCH
from trialsim.runs.runner import Runner
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.programme import Programme, Study, programme_of_trials
from trialsim.shown import Shown
from trialsim.stats.monte_carlo import Mean, Proportion, mean_over_replicates, wilson_interval
from trialsim.trial.trial import Engine

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, slots=True, repr=False)
class Disagreement(Shown):
    """The replicates of a programme by which of its trials are for the treatment."""

    title: str
    scenario: str
    digest: str
    seed: int
    replicates: int
    titles: Mapping[str, str]
    """Of each trial by its name."""
    in_favour: Mapping[str, Booleans]
    """Of each trial, whether it is for the treatment, in each finished replicate."""
    i2: Mean
    """The share of the spread between trials that is beyond chance."""

    @property
    def disagree(self) -> Proportion:
        """How often some trials are for the treatment and others are not."""
        found = np.array(list(self.in_favour.values())).sum(axis=0)
        return self._share((found > 0) & (found < len(self.in_favour)))

    def only(self, *trials: str) -> Proportion:
        """Return how often exactly these trials are for the treatment."""
        as_wanted = [found == (name in trials) for name, found in self.in_favour.items()]
        return self._share(np.logical_and.reduce(as_wanted))

    def each(self) -> dict[str, Proportion]:
        """Return how often each trial is for the treatment, whatever the others are."""
        return {name: self._share(found) for name, found in self.in_favour.items()}

    def counts(self) -> dict[int, Proportion]:
        """Return how often so many of the trials are for the treatment."""
        found = np.array(list(self.in_favour.values())).sum(axis=0)
        return {count: self._share(found == count) for count in range(len(self.in_favour) + 1)}

    def patterns(self) -> dict[tuple[str, ...], Proportion]:
        """Return how often exactly each set of trials is for the treatment, largest sets first."""
        choices = product((True, False), repeat=len(self.in_favour))
        sets = (
            tuple(name for name, chosen in zip(self.in_favour, one, strict=True) if chosen)
            for one in choices
        )
        return {names: self.only(*names) for names in sets}

    def to_frame(self) -> "DataFrame":
        """Return a row for each number of trials in favour: share, mcse, low, high."""
        from pandas import DataFrame

        rows = self.counts().items()
        return DataFrame([{"in_favour": count, **_plain(one)} for count, one in rows])

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        return {
            "scenario": self.scenario,
            "digest": self.digest,
            "seed": self.seed,
            "replicates": self.replicates,
            "disagree": _plain(self.disagree),
            "trials": {name: _plain(one) for name, one in self.each().items()},
            "in_favour": {str(count): _plain(one) for count, one in self.counts().items()},
            "i2": {"mean": float(self.i2.estimate), "mcse": float(self.i2.mcse)},
            "note": SIMULATED,
        }

    def _share(self, found: Booleans) -> Proportion:
        return wilson_interval(found.sum(), found.size)


def disagreement(
    programme: Study | str | Path,
    replicates: int = 10_000,
    seed: int = 2016,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | bool | None = None,
    scheduler: str | None = None,
) -> Disagreement:
    """Return how often the trials of a programme contradict one another.

    Raises
    ------
    InputError
        If it is one trial, or a number is out of range.
    RunError
        If recruitment of a trial can never finish, or every replicate failed.

    >>> import trialsim as ts
    >>> found = ts.disagreement("cars_pooled", replicates=64, n_jobs=1)
    >>> bool(found.only("cars1").estimate > found.only("cars2").estimate)
    True
    """
    runner = Runner(seed, n_jobs, engine, batch, progress, scheduler).checked_for(replicates)
    return disagreement_by(runner, programme_of_trials(load_study(programme)), replicates)


def disagreement_by(runner: Runner, programme: Programme, replicates: int) -> Disagreement:
    """Return how often trials contradict one another in what a runner gives."""
    done = power_by(runner, programme, replicates)
    finished = np.isfinite(done.columns["rejected"])
    in_favour = {
        name: done.columns[of_trial(name, "favoured")][finished] == 1 for name in programme.trials
    }
    return Disagreement(
        programme.title,
        programme.name,
        programme.digest,
        runner.seed,
        done.replicates,
        {name: trial.title for name, trial in programme.trials.items()},
        in_favour,
        mean_over_replicates(done.columns["i2"]),
    )


def _plain(share: Proportion) -> dict[str, float]:
    return {
        "share" if name == "estimate" else name: float(value)
        for name, value in share._asdict().items()
    }
