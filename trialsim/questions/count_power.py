"""Power without patients: the cells in which each arm ends, then counts drawn from them alone.

An unadjusted, unstratified Mann-Whitney test sees of a trial only how many patients of each arm are
in each cell of the scale. The chances of the cells are those of the endpoint as it is analysed,
with all that happens in the study: eligibility, infusions missed, patients lost, the rules for
missing scores and for the dead. They are measured in a large simulated cohort, on a seed of its
own, and carry that measurement's error; then thousands of trials take a fraction of a second.

What the path leaves out: every trial has the mean number of analysed patients, and patients are
independent, where a study has sites, blocks and numbers that vary.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from trialsim.analysis.counts import cell_counts
from trialsim.analysis.endpoint import endpoint
from trialsim.arrays import Floats, Integers
from trialsim.errors import InputError, Problem, RunError
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.mann_whitney import MannWhitney
from trialsim.scenario.programme import Study, single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.shown import Shown
from trialsim.stats.monte_carlo import Mean, Proportion, wilson_interval
from trialsim.stats.planning.count_power import count_power
from trialsim.stats.planning.sample_size import happ, noether, zhao
from trialsim.stats.planning.scale_effects import theta_of_cells
from trialsim.streams import Streams, derived_seed, generator
from trialsim.trial.trial import Trial, simulate_batch

if TYPE_CHECKING:
    from pandas import DataFrame

COHORT: Final = 2048
"""Trials simulated for the cells, unless told otherwise: some 200,000 patients an arm of CARS-1."""
MOST_TRIALS: Final = 100_000
"""Simulated for the cells, and counted cell by cell: a gigabyte for the finest scales."""
MOST_PAIRS: Final = 10_000_000
_BATCH: Final = 128
_PURPOSE: Final = "endpoint cells"
_TABLE: Final = ["quantity", "value", "mcse"]
_CLOSED: Final = ("noether", "zhao", "happ")
"""Powers in closed form."""


class EndpointCells(NamedTuple):
    """The chance of each cell at the primary endpoint, worst cell first, shapes (cells,).

    The first cell is of those who are ranked below all others; the scale's own follow.
    """

    treated: Floats
    control: Floats
    treated_mcse: Floats
    """Monte Carlo standard error of each chance; that of trials, not of patients."""
    control_mcse: Floats
    patients: tuple[float, float]
    """Mean number of analysed patients in a trial, treated and control."""
    effect: float
    """The Mann-Whitney effect of the cells."""
    effect_mcse: float
    replicates: int
    """Trials simulated for the cells."""


@dataclass(frozen=True, slots=True, repr=False)
class CountPower(Shown):
    """The power of a scenario's primary test by the count path, beside the closed forms."""

    scenario: str
    digest: str
    seed: int
    replicates: int
    cells: EndpointCells
    patients: tuple[int, int]
    """Analysed patients of every trial, treated and control."""
    rejections: Proportion
    estimate: Mean
    power_slope: float
    """By how much the power changes with the effect, near the effect of the cells."""
    noether: float
    """Closed forms take the cells' effect, and count no rejection on its wrong side."""
    zhao: float
    happ: float

    @property
    def power(self) -> float:
        """Share of trials that reject in favour of the treated."""
        return float(self.rejections.estimate)

    @property
    def mcse(self) -> float:
        """Monte Carlo standard error of the power, from the trials and from the cells."""
        of_cells = self.power_slope * self.cells.effect_mcse
        return float(np.hypot(self.rejections.mcse, of_cells))

    def to_frame(self) -> "DataFrame":
        """Return a row for the power, the effect and each closed form: quantity, value, mcse."""
        from pandas import DataFrame

        rows = {
            "power": (self.power, self.mcse),
            "effect": (self.cells.effect, self.cells.effect_mcse),
            **{name: (getattr(self, name), np.nan) for name in _CLOSED},
        }
        return DataFrame([(name, *one) for name, one in rows.items()], columns=_TABLE)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        cells = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in self.cells._asdict().items()
        }
        about = ("scenario", "digest", "seed", "replicates", "power", "mcse")
        return {
            **{name: getattr(self, name) for name in about},
            "estimate": {name: float(one) for name, one in self.estimate._asdict().items()},
            **{name: getattr(self, name) for name in _CLOSED},
            "patients": list(self.patients),
            "cells": {**cells, "patients": list(self.cells.patients)},
        }


def endpoint_cells(
    scenario: Study | str | Path, replicates: int = COHORT, seed: int = 2016
) -> EndpointCells:
    """Measure the cells of each arm at the primary endpoint, as it is analysed.

    Raises
    ------
    InputError
        If the plan imputes missing scores, which no count of patients shows.
    RecruitmentError
        If recruitment can never finish.
    ValueError
        If there are fewer than two replicates, whose spread gives the error.
    """
    scenario = load_study(scenario)
    if replicates < 2:
        raise ValueError(f"replicates must be at least 2 (got {replicates})")
    if replicates > MOST_TRIALS:
        raise InputError([Problem("cohort", f"must be at most {MOST_TRIALS:,}", str(replicates))])
    scenario = single_trial(scenario)
    problems = [one for one in _problems(scenario) if one.path == "analysis.missing"]
    if problems:
        raise InputError(problems)
    own, counts = derived_seed(seed, _PURPOSE), []
    for start in range(0, replicates, _BATCH):
        streams = Streams(own, range(start, min(start + _BATCH, replicates)))
        counts.append(_counts_of(simulate_batch(scenario, streams)))
    return _cells(np.concatenate(counts))


def count_power_of(
    scenario: Study | str | Path, replicates: int = 10_000, seed: int = 2016, cohort: int = COHORT
) -> CountPower:
    """Simulate the power of a scenario's primary test from the cells of its arms.

    Raises
    ------
    InputError
        If the plan names what counts of patients cannot do, with every such choice.
    RunError
        If an arm has no patient to analyse.
    """
    scenario = single_trial(load_study(scenario))
    problems = _problems(scenario)
    if replicates > MOST_PAIRS:
        problems.append(Problem("replicates", f"must be at most {MOST_PAIRS:,}", str(replicates)))
    if problems:
        raise InputError(problems)
    plan = scenario.analysis
    cells = endpoint_cells(scenario, cohort, seed)
    treated, control = (round(mean) for mean in cells.patients)
    if not min(treated, control):
        told = f"{cells.patients[0]:.2f} treated and {cells.patients[1]:.2f} controls"
        raise RunError(f"the count path has fewer than one patient in an arm: {told} on average")
    found = count_power(
        cells.treated,
        cells.control,
        (treated, control),
        replicates,
        generator(seed, "count path"),
        plan.alpha,
        plan.alternative,
        plan.continuity_correction,
    )
    closed = _closed_forms(cells, treated, control, scenario)
    return CountPower(
        scenario=scenario.name,
        digest=scenario.digest,
        seed=seed,
        replicates=replicates,
        cells=cells,
        patients=(treated, control),
        rejections=wilson_interval(found.favoured.sum(), replicates),
        estimate=found.effect,
        **closed,
    )


class ClosedForm(NamedTuple):
    """Patients by formula, randomised in all arms."""

    patients: float
    mcse: float
    """Monte Carlo standard error, from that of the effect."""
    formula: str = "closed form for ties"


def patients_by_cells(
    scenario: Scenario, power: float, cohort: int = COHORT, seed: int = 2016
) -> ClosedForm | None:
    """Return the patients that Happ et al. (2019) require, in the study as conducted and analysed.

    The formula has the cells of the endpoint, and patients in the share of those randomised who are
    analysed. None where counts cannot follow the plan, or the arms end alike.

    >>> import trialsim as ts
    >>> found = patients_by_cells(ts.load("cars1"), 0.9, cohort=256)
    >>> round(found.patients, -1), found.mcse < 3
    (70.0, True)
    """
    if _problems(scenario):
        return None
    plan, cells = scenario.analysis, endpoint_cells(scenario, cohort, seed)
    analysed = sum(cells.patients)
    if _looks_away(cells, plan):
        return None
    planned = happ(cells.treated, cells.control, cells.patients[0] / analysed)
    found = planned.patients(power, plan.alpha, plan.sides)
    patients = float(found) * scenario.design.patients / analysed
    if not np.isfinite(patients):
        return None
    # patients go as the distance of the effect from none, to the power -2
    return ClosedForm(patients, 2 * patients * cells.effect_mcse / abs(cells.effect - 0.5))


def _problems(scenario: Scenario) -> list[Problem]:
    """Return the choices of the plan that counts of patients cannot follow."""
    plan = scenario.analysis
    problems = []
    if not isinstance(plan.test, MannWhitney):
        rule = "must be mann_whitney for the count path"
        problems.append(Problem("analysis.test", rule, plan.test.method))
    if plan.claim != "superiority":
        rule = "must be superiority for the count path"
        problems.append(Problem("analysis.claim", rule, plan.claim))
    if plan.strata != "none":
        problems.append(Problem("analysis.strata", "must be none for the count path", plan.strata))
    if plan.missing == "multiple_imputation":
        rule = "cannot be multiple_imputation for the count path: use locf"
        problems.append(Problem("analysis.missing", rule, plan.missing))
    outcome, path = scenario.outcomes[plan.endpoint], f"outcomes.{plan.endpoint}"
    for name, sd in {
        "site_sd": outcome.site_sd,
        "effect.site_sd": outcome.effect.site_sd,
        "effect.trial_sd": outcome.effect.trial_sd,
    }.items():
        if sd > 0:
            rule = "must be 0 for the count path, whose patients are independent"
            problems.append(Problem(f"{path}.{name}", rule, f"{sd:g}"))
    return problems


def _counts_of(trial: Trial) -> Integers:
    """Return patients by arm and cell, shape (replicate, 2, cells)."""
    plan = trial.scenario.analysis
    counts: Integers = cell_counts(trial, plan, endpoint(trial, plan)).sum(axis=1)
    return counts


def _cells(counts: Integers) -> EndpointCells:
    """Return the shares of pooled trials and, from the spread between these, their errors."""
    replicates = len(counts)
    sizes = counts.sum(axis=2, keepdims=True)
    means = sizes.mean(axis=0)
    if not means.all():
        raise RunError("an arm has no patient to analyse")
    shares = counts.sum(axis=0) / sizes.sum(axis=0)
    residuals = (counts - shares * sizes) / means  # of a ratio of two sums over trials
    mcse = _error_of_mean(residuals)
    treated, control = shares
    # What one more patient in a cell would do to the effect.
    below, above = np.cumsum(control) - control / 2, 1 - np.cumsum(treated) + treated / 2
    influence = residuals[:, 0] @ below + residuals[:, 1] @ above
    return EndpointCells(
        treated=treated,
        control=control,
        treated_mcse=mcse[0],
        control_mcse=mcse[1],
        patients=(float(means[0, 0]), float(means[1, 0])),
        effect=float(theta_of_cells(treated, control)),
        effect_mcse=float(_error_of_mean(influence)),
        replicates=replicates,
    )


def _error_of_mean(values: Floats) -> Floats:
    return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))


def _looks_away(cells: EndpointCells, plan: AnalysisPlan) -> bool:
    """Return whether a formula would count rejections that are none in favour of the treated.

    It takes the effect without its sign: where the treated do worse, or the test looks for the
    controls to do better, what it gives is no power.
    """
    return cells.effect < 0.5 or plan.alternative == "less"


def _closed_forms(
    cells: EndpointCells, treated: int, control: int, scenario: Scenario
) -> dict[str, float]:
    """Return the closed forms; NaN where they would count rejections for the control."""
    plan, total = scenario.analysis, treated + control
    away, share = _looks_away(cells, plan), treated / total
    wanted = total, plan.alpha, plan.sides
    step = max(cells.effect_mcse, 1e-6)
    near = [min(max(cells.effect + shift, 0.0), 1.0) for shift in (-step, step)]
    low, high = (float(noether(theta, share).power(*wanted)) for theta in near)
    arms = cells.treated, cells.control
    planned = noether(cells.effect, share), zhao(*arms, share), happ(*arms, share)
    powers = (float("nan") if away else float(one.power(*wanted)) for one in planned)
    known = dict(zip(_CLOSED, powers, strict=True))
    return {**known, "power_slope": (high - low) / (near[1] - near[0])}
