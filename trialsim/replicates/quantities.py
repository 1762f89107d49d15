"""The few dozen numbers that are kept of each replicate of a trial."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from trialsim.analysis.comparison import LevelPairs
from trialsim.analysis.counts import mean_scores, names_by_arm
from trialsim.analysis.data import Data
from trialsim.analysis.methods.registry import truth_parts
from trialsim.analysis.monitoring.patients import exits_of, last_visits
from trialsim.analysis.primary import analyse_data
from trialsim.analysis.whole.counted import counted_trials, data_of
from trialsim.arrays import Floats, Integers
from trialsim.clock import DAY, NEVER
from trialsim.replicates.dose_finding.kept import names_of_doses, numbers_of_doses
from trialsim.replicates.randomisation import names_of_randomisation, randomisation_numbers
from trialsim.replicates.true_effect import cells_for_truth, names_of_truth
from trialsim.scenario.programme import Programme, Study
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import Trial

QUANTITIES: Final = (
    "estimate",
    "low",
    "high",
    "p_value",
    "rejected",
    "favoured",
    "truth_over",
    "truth_under",
    "treated_analysed",
    "control_analysed",
    "treated_mean",
    "control_mean",
    "screened",
    "recruitment_days",
    "duration_days",
    "infusions_given",
    "discontinued",
    "withdrawn",
    "died",
)
"""The numbers kept of each replicate."""


def kept_of(study: Study) -> tuple[str, ...]:
    """Return the names of the numbers that are kept of each replicate of a study without looks."""
    by_arm: tuple[str, ...] = ()
    if not isinstance(study, Programme):
        by_arm = (*names_by_arm(study), *names_of_levels(study), *names_of_doses(study))
    return (*QUANTITIES, *by_arm, *names_of_truth(study), *names_of_randomisation(study))


def names_of_levels(study: Scenario) -> tuple[str, ...]:
    """Return the names of what is kept of each level of a hierarchy: shares of all pairs.

    >>> import trialsim as ts
    >>> names_of_levels(ts.load("cars1"))
    ()
    """
    levels = study.analysis.test.level_names
    return tuple(f"pairs_{what}_on_{level}" for level in levels for what in ("won", "lost"))


def _shares_of_levels(study: Scenario, levels: LevelPairs | None) -> dict[str, Floats]:
    if levels is None:
        return {}
    pairs = np.where(levels.pairs > 0, levels.pairs, np.nan)[:, None]
    decided = np.stack([levels.wins, levels.losses], axis=2).reshape(len(pairs), -1) / pairs
    return dict(zip(names_of_levels(study), decided.T, strict=True))


def quantities(trial: Trial) -> dict[str, Floats]:
    """Return the numbers that are kept of each replicate of a trial: `kept_of` names them."""
    plan, conduct = trial.scenario.analysis, trial.conduct
    happened = {
        "closed": conduct.closed,
        "screened": conduct.screened,
        "last_visit": last_visits(trial).max(axis=1),
        "infusions_given": np.count_nonzero(conduct.infusion_given, axis=(1, 2)),
        **{name: (when < NEVER).sum(axis=1) for name, when in exits_of(trial).items()},
    }
    numbers = numbers_of(Data(trial, plan), Data(trial, plan, complete=True), happened)
    return numbers | randomisation_numbers(trial)


def quantities_at_once(scenario: Scenario, streams: Streams) -> dict[str, Floats] | None:
    """Return the same without a trial to look at; None where one has to be simulated.

    Raises
    ------
    RecruitmentError
        If recruitment can never finish.
    """
    trials = counted_trials(scenario, streams)
    if trials is None:
        return None
    data = data_of(scenario, trials, complete=False)
    complete = data_of(scenario, trials, complete=True)
    return numbers_of(data, complete, trials.kept)


def numbers_of(data: Data, complete: Data, happened: Mapping[str, Integers]) -> dict[str, Floats]:
    """Return the numbers by name, from what happened by the names of `KEPT`."""
    primary, truth = analyse_data(data), truth_parts(complete)
    treated_mean, control_mean = (
        primary.means or mean_scores(data.counts, data.outcome, data.plan).T
    )
    numbers = {
        "estimate": primary.estimate,
        "low": primary.low,
        "high": primary.high,
        "p_value": primary.p_value,
        "rejected": primary.rejected,
        "favoured": primary.favoured,
        "truth_over": truth.over,
        "truth_under": truth.under,
        "treated_analysed": primary.treated,
        "control_analysed": primary.control,
        "treated_mean": treated_mean,
        "control_mean": control_mean,
        "screened": happened["screened"],
        "recruitment_days": happened["closed"] / DAY,
        "duration_days": happened["last_visit"] / DAY,
        "infusions_given": happened["infusions_given"],
        "discontinued": happened["discontinued"],
        "withdrawn": happened["withdrawn"],
        "died": happened["died"],
        **{name: happened[name] for name in names_by_arm(data.trial.scenario)},
        **_shares_of_levels(data.trial.scenario, primary.levels),
        **numbers_of_doses(primary.doses, complete),
        **cells_for_truth(complete),
    }
    return {name: np.asarray(number, np.float64) for name, number in numbers.items()}


def aligned_to_replicates(
    columns: Mapping[str, Floats], trial: Trial, replicates: range
) -> Mapping[str, Floats]:
    """Return numbers of a trial with a place for each replicate requested, NaN where it failed."""
    if not trial.failures:
        return columns
    place = trial.replicates - replicates.start
    whole = {name: np.full(len(replicates), np.nan) for name in columns}
    for name, values in columns.items():
        whole[name][place] = values
    return whole
