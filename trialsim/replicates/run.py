"""A few dozen numbers from each replicate, and nothing else kept of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from traceback import extract_tb
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from trialsim.analysis.monitoring.finished import (
    FinishedTrial,
    finished_at_once,
    needs_patients_alone,
)
from trialsim.analysis.whole.covered import is_covered, measurements, measuring_all
from trialsim.arrays import Floats, keep_freed_memory
from trialsim.compiled.library import stages
from trialsim.errors import InputError, RecruitmentError
from trialsim.replicates.deltas import Deltas, delta_names, delta_numbers
from trialsim.replicates.estimands import estimand_names, estimand_numbers
from trialsim.replicates.monitoring.monitored import largest, monitored_names, monitored_quantities
from trialsim.replicates.programmes import programme_numbers, programme_quantities
from trialsim.replicates.quantities import (
    aligned_to_replicates,
    kept_of,
    quantities,
    quantities_at_once,
)
from trialsim.replicates.secondary import (
    counting_every_analysis,
    names_of_secondary,
    secondary_after_looks,
    secondary_quantities,
)
from trialsim.scenario.monitoring.boundaries import BoundaryPlan
from trialsim.scenario.programme import Programme, Study
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.monitoring import boundary_of
from trialsim.streams import Streams
from trialsim.trial.conduct import couples_patients
from trialsim.trial.trial import (
    Engine,
    Trial,
    candidates_needed,
    simulate_batch,
)

BATCH: Final = 64
"""Replicates simulated at once; it changes no result."""
_COUNTED: Final = 256
"""Replicates counted at once, which takes no memory for their trials; it changes no result."""
_COUNTED_TO_CUT: Final = 2048
"""Replicates with looks counted at once: a cut is so short that more of them pay."""
_PATIENTS_COUNTED: Final = 2**20
"""Patients counted at once, in about half a second, during which nothing is interrupted."""
_FEWEST_COUNTED: Final = 64
"""Where so few cannot be counted, as a recruitment is not complete, they are simulated."""
_LOOKED_AT: Final = 256
"""Replicates with looks simulated at once: to look is so short that more of them pay."""
_ROOM: Final = 2**27
"""Bytes that the trials of a batch may take together."""


class Failure(NamedTuple):
    """A replicate that could not be finished: its address, with the seed, and why."""

    replicate: int
    reason: str
    traceback: str | None = None
    """Where in the code an error arose; None where it is the trial that could not be recruited."""


class Replicates(NamedTuple):
    """Results of a contiguous range of replicates, in order."""

    columns: Mapping[str, Floats]
    """One number a replicate for each quantity; NaN in a replicate that failed."""
    failures: tuple[Failure, ...]


class Summarise(NamedTuple):
    """What is kept of each replicate: names, and what gives a number of each name for a batch."""

    names: tuple[str, ...]
    of: Callable[[Trial], Mapping[str, Floats]]
    at_once: "AtOnce | None" = None
    """Gives the same without a trial to look at; None where that cannot be."""
    together: int = 2 * BATCH
    """How many replicates are best simulated at once, unless fewer than usual are wanted."""
    is_compiled: bool = True
    """Whether compiled code does nearly all of the work where there is no trial to look at."""
    measured: int = 1
    """How often each patient is measured, who takes as much room where there is none."""

    def best_batch(self, batch: int) -> int:
        """Return how many replicates are best simulated at once where a batch is wanted."""
        return batch if batch < BATCH else max(batch, self.together)


AtOnce: TypeAlias = Callable[[Streams], Mapping[str, Floats] | None]
"""Gives the numbers of some replicates, or None where they have to be simulated."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """One study under one seed, simulated batch by batch: all that a worker has to know.

    Unless another summary is given, what is kept of a replicate is `quantities`; of a
    programme it is always `programme_quantities`.
    """

    study: Study
    seed: int
    engine: Engine = "auto"
    batch: int = BATCH
    """Replicates simulated at once, fewer where a trial is large; it changes no result."""
    summarise: Summarise | None = None

    @property
    def is_compiled(self) -> bool:
        """Whether compiled code does nearly all of the work, without the interpreter's lock."""
        kept = self.summarise or summary_of(self.study)
        if kept.at_once is None or not kept.is_compiled or self.engine == "events":
            return False
        few = range(min(_FEWEST_COUNTED, self.counted_at_once))
        return self._counted(kept.at_once, few, kept) is not None

    def run(self, replicates: range) -> Replicates:
        """Simulate and analyse a contiguous range of replicates.

        A replicate that fails is reported with its reason and does not end the run.

        Raises
        ------
        ValueError
            If the seed or the batch is out of range.
        InputError
            If `TRIALSIM_BUILD` names a build that cannot compute here.
        """
        keep_freed_memory()
        compiled = stages()  # a build that cannot compute is reported once, not for each replicate
        kept = self.summarise or summary_of(self.study)
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1 (got {self.batch})")
        if kept.at_once is None or compiled is None or self.engine == "events":
            return joined(self._simulated(replicates, kept))
        counted = batches_of(replicates, self.counted_at_once)
        return joined([part for many in counted for part in self._each(kept.at_once, many, kept)])

    @property
    def best_at_once(self) -> int:
        """How many replicates are best taken at once, unless fewer than usual are wanted."""
        kept = self.summarise or summary_of(self.study)
        is_counted = kept.at_once is not None and stages() is not None and self.engine != "events"
        if is_counted and self.batch >= BATCH:
            return max(self.batch, self.counted_at_once)
        return kept.best_batch(self.batch)

    @property
    def counted_at_once(self) -> int:
        """How many replicates are counted at once, fewer where their patients take much room."""
        if isinstance(self.study, Programme):
            return _COUNTED
        most = _COUNTED if self.study.monitoring is None else _COUNTED_TO_CUT
        kept = self.summarise or summary_of(self.study)
        cells = self.study.design.patients * kept.measured
        return max(1, min(most, _PATIENTS_COUNTED // cells))

    def _each(self, at_once: "AtOnce", replicates: range, kept: Summarise) -> list[Replicates]:
        """Return what is kept of replicates, simulating as few of them as can be."""
        counted = self._counted(at_once, replicates, kept)
        if counted is not None:
            return [counted]
        if len(replicates) <= _FEWEST_COUNTED:
            return self._simulated(replicates, kept)
        halves = batches_of(replicates, len(replicates) // 2)
        return [part for half in halves for part in self._each(at_once, half, kept)]

    def _counted(self, at_once: "AtOnce", replicates: range, kept: Summarise) -> Replicates | None:
        """Return what is kept of replicates without a trial; None where one has to be simulated."""
        streams = Streams(self.seed, replicates)
        try:
            columns = at_once(streams)
        except RecruitmentError as error:  # of every replicate
            return _failed(kept, [Failure(one, error.reason) for one in replicates])
        except Exception:  # whose it is is found where each is simulated
            return None
        return None if columns is None else Replicates(columns, ())

    def _simulated(self, replicates: range, kept: Summarise) -> list[Replicates]:
        """Return what is kept of replicates, simulated batch by batch."""
        size = min(kept.best_batch(self.batch), _most_at_once(self.study))
        return [self._run_batch(batch, kept) for batch in batches_of(replicates, size)]

    def _run_batch(self, replicates: range, kept: Summarise) -> Replicates:
        streams = Streams(self.seed, replicates)
        try:
            columns, failures = self._numbers(streams, kept)
        except InputError:  # of an own analysis, which every replicate has
            raise
        except RecruitmentError as error:  # of every replicate
            return _failed(kept, [Failure(one, error.reason) for one in replicates])
        except Exception as error:
            if len(replicates) > 1:  # find the one that fails
                halves = replicates[: len(replicates) // 2], replicates[len(replicates) // 2 :]
                return joined([self._run_batch(half, kept) for half in halves])
            return _failed(kept, [_failure(replicates[0], error)])
        return Replicates(columns, tuple(Failure(*one) for one in sorted(failures.items())))

    def _numbers(
        self, streams: Streams, kept: Summarise
    ) -> tuple[Mapping[str, Floats], Mapping[int, str]]:
        """Return the numbers of each replicate, NaN where it failed, and why those failed."""
        if isinstance(self.study, Programme):
            return programme_numbers(self.study, streams, self.engine)
        study = largest(self.study)
        trial = simulate_batch(study, streams, self.engine)
        return aligned_to_replicates(kept.of(trial), trial, streams.replicates), trial.failures


def batches_of(replicates: range, size: int) -> list[range]:
    """Return contiguous ranges of so many replicates, the last of what is left.

    >>> batches_of(range(3, 8), 2)
    [range(3, 5), range(5, 7), range(7, 8)]
    """
    starts = range(replicates.start, replicates.stop, size)
    return [range(start, min(start + size, replicates.stop)) for start in starts]


def _most_at_once(study: Study) -> int:
    """Return how many replicates of a study have room in memory together."""
    whole = study.scaled_trials.values() if isinstance(study, Programme) else [largest(study)]
    return max(1, _ROOM // max(_bytes_of(trial) for trial in whole))


def _bytes_of(scenario: Scenario) -> int:
    """Return about how much memory one trial takes, more rather than less."""
    patients = scenario.design.patients
    try:
        candidates = candidates_needed(scenario)
    except RecruitmentError:  # which each replicate says for itself
        candidates = patients
    drawn = len(scenario.population.covariates) + len(scenario.eligibility.rules)
    each = 300 if couples_patients(scenario) else 60
    infusions = scenario.treatment.infusions.count
    return candidates * (200 + 8 * drawn) + patients * (500 + each * infusions)


def summary_of(
    study: Study,
    secondary: bool = False,
    estimands: bool = False,
    deltas: Deltas | None = None,
) -> Summarise:
    """Return the summary of each replicate of a study, unless another is given.

    Of a programme these are the names alone, for its trials are not summarised one by one.
    """
    if deltas is not None:
        return _beside(summary_of(study, secondary, estimands), summary_of_deltas(deltas))
    if isinstance(study, Programme):
        return Summarise(programme_quantities(study), quantities)
    if estimands:
        found = Summarise(estimand_names(study), estimand_numbers)
        return _beside(summary_of(study, secondary), found)
    if secondary or study.analysis.needs_every_analysis:
        return _with_secondary(study)
    if study.monitoring is None:
        return _of_primary(study)
    cut = partial(monitored_quantities, plan=boundary_of(study))
    return summary_of_cuts([study], _names_after_looks(study), cut)


def _of_primary(study: Scenario) -> Summarise:
    """Return the summary of the primary analysis by itself."""
    at_once = partial(quantities_at_once, study) if is_covered(study) else None
    measured = len(measurements(study))
    return Summarise(kept_of(study), quantities, at_once, measured=measured)


def summary_of_cuts(
    studies: Sequence[Scenario], names: tuple[str, ...], cut: "Cut", is_compiled: bool = True
) -> Summarise:
    """Return the summary that is made of finished trials, cut as studies say.

    The studies differ in their looks alone. Trials are counted and not kept where that is enough.
    """
    whole = largest(studies[0])
    counted = is_covered(whole) and all(map(needs_patients_alone, studies))
    at_once = partial(_cut_at_once, study=whole, cut=cut) if counted else None
    return Summarise(names, partial(_cut_trial, cut=cut), at_once, _LOOKED_AT, is_compiled)


Cut: TypeAlias = Callable[[FinishedTrial], Mapping[str, Floats]]
"""Gives the numbers of finished trials."""


def _cut_trial(trial: Trial, cut: Cut) -> Mapping[str, Floats]:
    return cut(FinishedTrial(trial))


def _cut_at_once(streams: Streams, study: Scenario, cut: Cut) -> Mapping[str, Floats] | None:
    finished = finished_at_once(study, streams)
    return None if finished is None else cut(finished)


def summary_of_deltas(deltas: Deltas) -> Summarise:
    """Return the summary that has nothing but what is found under each delta."""
    return Summarise(delta_names(deltas.tried), partial(delta_numbers, deltas=deltas))


def _with_secondary(study: Scenario) -> Summarise:
    """Return the summary with that of the secondary analyses beside it."""
    names = names_of_secondary(study)
    if study.monitoring is None:
        whole, at_once = measuring_all(study), counting_every_analysis(study)
        measured = 1 if whole is None else len(measurements(whole))
        both = _beside(_of_primary(study), Summarise(names, secondary_quantities))
        return both._replace(at_once=at_once, measured=measured)
    names = (*_names_after_looks(study), *names)
    return Summarise(names, partial(_with_looks, plan=boundary_of(study)))


def _names_after_looks(study: Scenario) -> tuple[str, ...]:
    """Return the names of what is kept of the primary analysis."""
    return (*kept_of(study), *monitored_names(study))


def _beside(base: Summarise, found: Summarise) -> Summarise:
    """Return a summary with what another keeps beside it, both made of each trial."""
    return Summarise((*base.names, *found.names), partial(_with_both, each=(base.of, found.of)))


def _with_both(
    trial: Trial, each: tuple[Callable[[Trial], Mapping[str, Floats]], ...]
) -> Mapping[str, Floats]:
    return {name: numbers for of in each for name, numbers in of(trial).items()}


def _with_looks(trial: Trial, plan: BoundaryPlan) -> Mapping[str, Floats]:
    numbers = monitored_quantities(FinishedTrial(trial), plan)
    return {**numbers, **secondary_after_looks(trial, numbers)}


def _failed(kept: Summarise, failures: Sequence[Failure]) -> Replicates:
    return Replicates(dict.fromkeys(kept.names, np.full(len(failures), np.nan)), tuple(failures))


def joined(parts: list[Replicates]) -> Replicates:
    """Return parts that follow one another as one."""
    names = next((part.columns for part in parts if part.columns), {})
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in names}
    return Replicates(columns, tuple(failure for part in parts for failure in part.failures))


def _failure(replicate: int, error: Exception) -> Failure:
    """Return a failure that reads alike wherever the package is installed."""
    frames = [
        f"{_in_its_package(frame.filename)}:{frame.lineno} in {frame.name}: {frame.line}"
        for frame in extract_tb(error.__traceback__)
    ]
    return Failure(replicate, repr(error), "\n".join([*frames, repr(error)]))


def _in_its_package(filename: str) -> str:
    """Return a file's path without the folders in which packages are installed.

    >>> _in_its_package("/opt/venv/lib/site-packages/numpy/_core/numeric.py")
    'numpy/_core/numeric.py'
    """
    parts = Path(filename).parts
    for package in ("site-packages", Path(__file__).parents[2].name):
        if package in parts:
            return "/".join(parts[len(parts) - parts[::-1].index(package) :])
    return Path(filename).name
