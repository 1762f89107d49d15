"""Replicates of a programme: each trial by itself, then all of them pooled.

A trial's random numbers come from a seed of its own, which follows from the programme's seed and
the trial's name; so trials are independent, and one that is added or taken away changes no other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np

from trialsim.analysis.data import Data
from trialsim.analysis.pooled import TrialEffect, pool, trial_effect, truth_of_trial
from trialsim.arrays import Floats
from trialsim.errors import RecruitmentError
from trialsim.replicates.quantities import QUANTITIES, aligned_to_replicates, quantities
from trialsim.replicates.true_effect import effect_for_truth, names_of_truth
from trialsim.scenario.plan.pooled_analysis import PooledAnalysis
from trialsim.scenario.programme import Programme
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams, derived_seed
from trialsim.trial.trial import Engine, simulate_batch

OF_ALL: Final = ("analysed", "tau2", "i2")
"""Patients in all trials' analyses, and how far the trials lie apart: kept of each replicate."""
OF_EACH: Final = ("estimate", "favoured")
"""What is kept of each trial by its own plan, as `NAME.estimate` and `NAME.favoured`."""
_OWN: Final = tuple(name for name in QUANTITIES if name not in ("truth_over", "truth_under"))
"""Kept of all trials together, whose true effect is pooled from those of the trials."""
_SUMS: Final = (
    "treated_analysed",
    "control_analysed",
    "screened",
    "infusions_given",
    "discontinued",
    "withdrawn",
    "died",
)
_LONGEST: Final = ("recruitment_days", "duration_days")
_MEANS: Final = {"treated_mean": "treated_analysed", "control_mean": "control_analysed"}


def trial_seed(seed: int, trial: str) -> int:
    """Return the seed of one trial of a programme.

    >>> trial_seed(2016, "cars1") == trial_seed(2016, "cars2")
    False
    """
    return derived_seed(seed, f"trial {trial}")


def programme_quantities(programme: Programme) -> tuple[str, ...]:
    """Return the names of the numbers that are kept of each replicate of a programme."""
    each = (of_trial(trial, what) for trial in programme.trials for what in OF_EACH)
    return (*_OWN, *OF_ALL, *each, *names_of_truth(programme))


def of_trial(trial: str, what: str) -> str:
    """Return the name of what is kept of one trial.

    >>> of_trial("cars1", "estimate")
    'cars1.estimate'
    """
    return f"{trial}.{what}"


def programme_numbers(
    programme: Programme, streams: Streams, engine: Engine
) -> tuple[Mapping[str, Floats], Mapping[int, str]]:
    """Return the numbers of each replicate of a programme, and why replicates failed.

    A replicate fails in which any of the trials does; its numbers are NaN.
    """
    trials, failures = {}, dict[int, str]()
    for name, scenario in programme.scaled_trials.items():
        try:
            own = Streams(trial_seed(streams.seed, name), streams.replicates)
            trials[name] = _run(programme.analysis, scenario, own, engine)
        except RecruitmentError as error:
            none = np.full(len(streams.replicates), np.nan)
            everywhere = dict.fromkeys(streams.replicates, f"{name}: {error.reason}")
            return dict.fromkeys(programme_quantities(programme), none), everywhere | failures
        for number, reason in trials[name].failures.items():
            failures.setdefault(number, f"{name}: {reason}")
    columns = _pooled(programme, trials)
    failed = np.array([number in failures for number in streams.replicates])
    for values in columns.values():
        values[failed] = np.nan
    return columns, failures


@dataclass(frozen=True, slots=True)
class _TrialRun:
    """What the pooled analysis needs of one trial, each array of shape (replicate,)."""

    numbers: Mapping[str, Floats]
    effect: TrialEffect
    complete: TrialEffect
    failures: Mapping[int, str]


def _run(
    analysis: PooledAnalysis, scenario: Scenario, streams: Streams, engine: Engine
) -> _TrialRun:
    trial = simulate_batch(scenario, streams, engine)
    analysed, complete = (
        TrialEffect(**aligned_to_replicates(found._asdict(), trial, streams.replicates))
        for found in (
            of(Data(trial, trial.scenario.analysis, complete), analysis)
            for of, complete in ((trial_effect, False), (truth_of_trial, True))
        )
    )
    numbers = aligned_to_replicates(quantities(trial), trial, streams.replicates)
    return _TrialRun(numbers, analysed, complete, trial.failures)


def _pooled(programme: Programme, trials: Mapping[str, _TrialRun]) -> dict[str, Floats]:
    """Return what is kept of each replicate, by the names of `programme_quantities`."""
    runs = trials.values()
    each = {name: np.stack([run.numbers[name] for run in runs]) for name in QUANTITIES}
    columns: dict[str, Floats] = {}
    columns |= pool([run.effect for run in runs], programme.analysis)._asdict()
    columns |= {name: each[name].sum(axis=0) for name in _SUMS}
    columns |= {name: each[name].max(axis=0) for name in _LONGEST}
    columns["analysed"] = columns["treated_analysed"] + columns["control_analysed"]
    for mean, patients in _MEANS.items():
        known = _one_scale(programme) and columns[patients] > 0
        total = _added(each[mean] * each[patients])
        columns[mean] = np.where(known, total, np.nan) / np.where(known, columns[patients], 1.0)
    for name, run in trials.items():
        columns |= {of_trial(name, what): run.numbers[what] for what in OF_EACH}
        columns |= effect_for_truth(name, run.complete)
    return {name: np.array(columns[name], np.float64) for name in programme_quantities(programme)}


def _added(values: Floats) -> Floats:
    """Return the sum over trials, shape (trial, replicate), leaving out what is NaN.

    One trial after the other: NumPy's own sum takes another order for a batch of one replicate.
    """
    return reduce(np.add, np.where(np.isnan(values), 0.0, values))


def _one_scale(programme: Programme) -> bool:
    """Return whether the trials measure the same on one scale, so that scores have a mean."""
    plans = [(trial.analysis, trial.outcomes) for trial in programme.trials.values()]
    scales = {(plan.measure, outcomes[plan.endpoint].grid) for plan, outcomes in plans}
    return len(scales) == 1
