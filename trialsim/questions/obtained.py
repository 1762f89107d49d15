"""What a study file says of reference patients, beside what the recruited have.

Distributions and effects are written of reference patients at full exposure, probabilities at the
reference values of their risk factors; those whom eligibility and arrival let in are others.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np

from trialsim.arrays import Booleans, Floats
from trialsim.clock import NEVER
from trialsim.errors import RecruitmentError
from trialsim.scenario.outcomes.effects import control_cells, effect_sizes
from trialsim.scenario.patients.columns import FromTable
from trialsim.scenario.programme import Study, trials_of
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.scenario.scenario import Scenario
from trialsim.stats.monte_carlo import Mean, mean_over_replicates
from trialsim.stats.planning.scale_effects import mean_of_cells, theta_of_cells
from trialsim.streams import Streams, derived_seed
from trialsim.trial.conduct import Lack
from trialsim.trial.trial import Trial, simulate_batch

REPLICATES: Final = 64
_MOST_PATIENTS: Final = 200_000
"""In all trials together."""
_MOST_GRADES: Final = 12
"""Told one by one; of a longer scale the ends are."""
_PURPOSE: Final = "obtained"
_PATIENTS: Final = 4096
"""Over whom the chance of refusing is averaged, at as many places of its distribution."""


_HAPPENED: Final[Mapping[Event, str]] = {
    "discontinuation": "discontinued the infusions",
    "drug_related_discontinuation": "stopped infusions because of the drug",
    "rescue": "began a rescue treatment",
    "switching": "switched to another arm's drug",
    "withdrawal": "withdrew",
    "death": "died",
}
_ONLY_WHERE_WRITTEN: Final = ("drug_related_discontinuation", "rescue", "switching")


class Beside(NamedTuple):
    """One number as it is written, and as the patients of simulated trials have it."""

    label: str
    written: float
    obtained: Mean
    """The mean over trials, with its Monte Carlo standard error."""


def obtained(scenario: Scenario, replicates: int | None = None, seed: int = 2016) -> list[Beside]:
    """Return what is written of the endpoint and of what happens, beside what is obtained.

    Scores are those at the primary visit had nobody missed it or died; what happens is counted
    where it is seen in the trial.

    Parameters
    ----------
    replicates
        Trials to simulate; unless given, 64, or fewer where they are large.

    Raises
    ------
    RecruitmentError
        If recruitment can never finish.
    """
    if replicates is None:
        replicates = min(REPLICATES, max(2, _MOST_PATIENTS // scenario.design.patients))
    trial = simulate_batch(scenario, Streams(derived_seed(seed, _PURPOSE), range(replicates)))
    there = trial.conduct.randomised < NEVER
    return [*_of_table(trial), *_of_endpoint(trial, there), *_of_events(trial, there)]


def obtained_of(study: Study, seed: int = 2016) -> Mapping[str, Sequence[Beside] | str]:
    """Return the table of each trial of a study by its name, or why it can recruit nobody."""
    found: dict[str, Sequence[Beside] | str] = {}
    for name, trial in trials_of(study).items():
        try:
            found[name] = obtained(trial, seed=seed)
        except RecruitmentError as error:
            found[name] = str(error)
    return found


def _of_events(trial: Trial, there: Booleans) -> Iterator[Beside]:
    events = trial.scenario.operations.events
    for kind, what in _HAPPENED.items():
        if kind in _ONLY_WHERE_WRITTEN and events[kind].probability == 0:
            continue
        happened = trial.conduct.minute_of(kind) < NEVER
        shares = (happened & there).sum(axis=1) / there.sum(axis=1)
        written = events[kind].probability
        yield Beside(f"proportion who {what}", written, mean_over_replicates(shares))
    yield from _of_infusions(trial, there)
    yield from _of_visits(trial, there)


def _of_infusions(trial: Trial, there: Booleans) -> Iterator[Beside]:
    """Yield how often a patient refuses an infusion after the first, while there are any."""
    conduct, distribution = trial.conduct, trial.scenario.operations.refusal_probability
    ended = np.minimum(conduct.discontinued, conduct.exited)
    offered = there[:, :, None] & (conduct.infusion_start < ended[:, :, None])
    offered[:, :, 0] = False  # which randomises the patient, and is never refused
    if conduct.lacked is not None:
        offered &= conduct.lacked == Lack.NOTHING
    if offered.any():
        chances = distribution.at((np.arange(_PATIENTS) + 0.5) / _PATIENTS)
        shares = _share(offered & ~conduct.infusion_given, offered)
        yield Beside("proportion of later infusions refused", float(chances.mean()), shares)


def _of_visits(trial: Trial, there: Booleans) -> Iterator[Beside]:
    """Yield how often a visit after baseline is missed by a patient who is still in the trial."""
    conduct = trial.conduct
    due = there[:, :, None] & (conduct.visit_minute < conduct.exited[:, :, None])
    due[:, :, 0] = False
    if due.any():
        written = trial.scenario.operations.visit_missed_probability
        yield Beside(
            "proportion of later visits missed", written, _share(due & ~conduct.visit_attended, due)
        )


def _share(happened: Booleans, possible: Booleans) -> Mean:
    """Return the mean over trials of a share of what each trial's patients could do."""
    times, of = (one.sum(axis=(1, 2)) for one in (happened, possible))
    return mean_over_replicates(np.where(of > 0, times / np.maximum(of, 1), np.nan))


def _of_endpoint(trial: Trial, there: Booleans) -> Iterator[Beside]:
    plan = trial.scenario.analysis
    outcome = trial.scenario.outcomes[plan.endpoint]
    written = control_cells(outcome)
    arms = [_cells(trial, there, arm) for arm in (plan.treated, plan.control)]
    filled = np.all([arm.any(axis=1) for arm in arms], axis=0)
    treated, control = (arm[filled] for arm in arms)
    scores = outcome.grid.score_of(np.arange(len(written)) * 1.0)[:: outcome.sign]
    every = range(len(written)) if len(written) <= _MOST_GRADES else (0, len(written) - 1)
    for cell in every:
        label = f"control, proportion with a score of {scores[cell]:g}"
        yield Beside(label, float(written[cell]), mean_over_replicates(control[:, cell]))
    worst, per_cell = scores[0], outcome.sign * outcome.step
    means = worst + per_cell * mean_of_cells(control)
    yield Beside(
        "control, mean score",
        float(worst + per_cell * mean_of_cells(written)),
        mean_over_replicates(means),
    )
    theta = theta_of_cells(treated, control)
    yield Beside(
        f"Mann-Whitney effect, {plan.treated} and {plan.control}",
        effect_sizes(outcome).theta,
        mean_over_replicates(theta),
    )


def _cells(trial: Trial, there: Booleans, arm: str) -> Floats:
    """Return the proportion of an arm in each cell, worst first, shape (replicate, cells)."""
    scenario = trial.scenario
    plan, outcome = scenario.analysis, scenario.outcomes[scenario.analysis.endpoint]
    visit = list(scenario.design.visits).index(plan.visit)
    cell = outcome.grid.cell_of(trial.underlying[plan.endpoint][:, :, visit])
    counted = there & (trial.arms == list(scenario.design.arms).index(arm))
    number = outcome.grid.steps + 1
    place = np.arange(len(cell))[:, None] * number + np.nan_to_num(cell).astype(np.int64)
    counts = np.bincount(place[counted], minlength=len(cell) * number).reshape(len(cell), number)
    shares: Floats = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares[:, :: outcome.sign]


def _of_table(trial: Trial) -> Iterator[Beside]:
    """Yield the margins of the table's rows and their rank correlations, and the candidates'."""
    population, drawn = trial.scenario.population, trial.cohort.covariates
    columns = {
        name: covariate.margin
        for name, covariate in population.covariates.items()
        if isinstance(covariate.margin, FromTable)
    }
    for name, margin in columns.items():
        label, rows, values = population.covariates[name].label, margin.numbers, drawn[name]
        codes = dict(enumerate(margin.levels or ())) or ({1: "true"} if margin.flag else {})
        for code, level in codes.items():
            shares = mean_over_replicates((values == code).mean(axis=1))
            written = float((rows == code).mean())
            yield Beside(f"candidates, proportion of {label} {level}", written, shares)
        if not codes:
            means = mean_over_replicates(values.mean(axis=1))
            yield Beside(f"candidates, mean of {label}", float(rows.mean()), means)
            sds = mean_over_replicates(values.std(axis=1, ddof=1))  # of rows: all there are
            yield Beside(f"candidates, SD of {label}", float(rows.std()), sds)
    for first, second in combinations(columns, 2):
        names = f"{population.covariates[first].label} and {population.covariates[second].label}"
        among_rows = _rank_correlation(columns[first].numbers, columns[second].numbers)
        found = _rank_correlation(drawn[first], drawn[second])
        label = f"candidates, rank correlation of {names}"
        yield Beside(label, float(among_rows), mean_over_replicates(found))


def _rank_correlation(one: Floats, other: Floats) -> Floats:
    """Return Spearman's rho over the last axis, ties having the mean of their ranks."""
    from scipy.stats import rankdata

    ranks = [rankdata(values, axis=-1) for values in (one, other)]
    x, y = (rank - rank.mean(axis=-1, keepdims=True) for rank in ranks)
    rho: Floats = (x * y).sum(axis=-1) / np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    return rho
