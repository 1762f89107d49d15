"""What a study's simulation gives for each figure that was published of it, and whether it agrees.

A mean over simulated trials agrees with a figure if rounding and Monte Carlo error explain what is
between them. A trial happens once, so a figure that the mean does not give may still be one that
single trials often have.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from trialsim.analysis.finding_figures import finding_figures
from trialsim.arrays import Floats
from trialsim.errors import InputError, Problem, RunError
from trialsim.power.parallel import Progress, run_in_parallel
from trialsim.power.power import SIMULATED
from trialsim.power.replicates import Asked, Replicates
from trialsim.scenario.findings import PRIMARY, Finding, OfAnalysis
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.sources import Status, source_of
from trialsim.stats.monte_carlo import Mean, mean_over_replicates
from trialsim.trial.trial import Engine, candidates_needed, chosen_engine

if TYPE_CHECKING:
    from pandas import DataFrame

Verdict: TypeAlias = Literal["reproduced", "calibrated", "typical", "not reproduced"]
"""Calibrated: reproduced, because a number was solved for it. Typical: of single trials."""
ERRORS: Final = 2.0
"""Monte Carlo standard errors that may lie between a mean and a figure, beside its rounding."""


@dataclass(frozen=True, slots=True)
class Reproduced:
    """A published figure beside the simulated one."""

    name: str
    label: str
    published: float
    decimals: int
    """Of the published figure."""
    simulated: float
    """The mean over simulated trials; the geometric mean of a ratio."""
    mcse: float
    low: float
    """The central 95% of single trials, from here ..."""
    high: float
    """... to here."""
    status: Status
    """Of the published figure."""
    calibrated: tuple[str, ...]
    """Paths that were solved for, so that the simulation gives the figure."""
    explanation: str | None

    @property
    def rounding(self) -> float:
        """How far a figure may lie from the published one and be rounded to it."""
        return 0.5 * 10.0**-self.decimals

    @property
    def verdict(self) -> Verdict:
        """Whether the simulation gives the figure, and if it does, whether it was made to."""
        if abs(self.simulated - self.published) <= self.rounding + ERRORS * self.mcse:
            return "calibrated" if self.calibrated else "reproduced"
        if self.low - self.rounding <= self.published <= self.high + self.rounding:
            return "typical"
        return "not reproduced"

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain values, for JSON."""
        values = {name: getattr(self, name) for name in type(self).__dataclass_fields__}
        return {**values, "calibrated": list(self.calibrated), "verdict": self.verdict}


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A study's findings, each beside what its simulation gives."""

    scenario: str
    title: str
    digest: str
    seed: int
    replicates: int
    failed: int
    rows: tuple[Reproduced, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain values, for JSON."""
        about = {name: getattr(self, name) for name in type(self).__dataclass_fields__}
        return {**about, "rows": [row.to_dict() for row in self.rows], "note": SIMULATED}

    def to_frame(self) -> "DataFrame":
        """Return a row for each finding."""
        from pandas import DataFrame

        return DataFrame([row.to_dict() for row in self.rows])


def reproduce(
    scenario: Scenario,
    replicates: int = 2_000,
    seed: int = 2016,
    n_jobs: int = -1,
    engine: Engine = "auto",
    progress: Progress | None = None,
) -> Reproduction:
    """Simulate a study, and set what it gives beside each figure that was published of it.

    Raises
    ------
    InputError
        If the study has no findings, or the engine cannot run it.
    RunError
        If recruitment can never finish, or every replicate failed.
    """
    if not scenario.findings:
        rule = "must be given, to be compared with a simulation"
        raise InputError([Problem(f"{scenario.name}: findings", rule)])
    began = time.perf_counter()
    done = simulated_figures(
        scenario, scenario.findings, range(replicates), seed, n_jobs, engine, progress
    )
    return Reproduction(
        scenario=scenario.name,
        title=scenario.title,
        digest=scenario.digest,
        seed=seed,
        replicates=replicates,
        failed=len(done.failures),
        rows=tuple(_rows(scenario, done)),
        seconds=time.perf_counter() - began,
    )


def simulated_figures(
    scenario: Scenario,
    findings: Mapping[str, Finding],
    replicates: range,
    seed: int,
    n_jobs: int,
    engine: Engine,
    progress: Progress | None,
) -> Replicates:
    """Return each finding's figure in every replicate, all from one simulation.

    Raises
    ------
    RunError
        If recruitment can never finish, or every replicate failed.
    """
    used = chosen_engine(scenario, engine)
    candidates_needed(scenario)
    asked = Asked(tuple(findings), partial(finding_figures, findings=dict(findings)))
    done = run_in_parallel(scenario, seed, replicates, used, n_jobs, progress=progress, asked=asked)
    if len(done.failures) == len(replicates):
        raise RunError(f"all {len(replicates):,} replicates failed: {done.failures[0].reason}")
    return done


def mean_figure(scenario: Scenario, finding: Finding, values: Floats) -> Mean:
    """Return the mean of a finding's figure over replicates, a ratio's on the log scale."""
    if not _is_ratio(scenario, finding):
        return mean_over_replicates(values)
    known = np.isfinite(values) & (values > 0)
    logarithms = mean_over_replicates(np.where(known, np.log(np.where(known, values, 1)), np.nan))
    ratio = np.exp(logarithms.estimate)
    return Mean(ratio, ratio * logarithms.mcse, ratio * logarithms.sd)


def _is_ratio(scenario: Scenario, finding: Finding) -> bool:
    of, plan = finding.of, scenario.analysis
    if not isinstance(of, OfAnalysis) or of.figure == "power":
        return False
    return (plan if of.analysis == PRIMARY else plan.further[of.analysis]).quantity.is_ratio


def _rows(scenario: Scenario, done: Replicates) -> Iterator[Reproduced]:
    for name, finding in scenario.findings.items():
        values = done.columns[name]
        mean = mean_figure(scenario, finding, values)
        known = values[~np.isnan(values)]
        low, high = np.quantile(known, (0.025, 0.975)) if len(known) else (np.nan, np.nan)
        solved = [path for path, one in scenario.calibrated.items() if one.finding == name]
        yield Reproduced(
            name=name,
            label=finding.label,
            published=finding.value,
            decimals=finding.published_decimals,
            simulated=float(mean.estimate),
            mcse=float(mean.mcse),
            low=float(low),
            high=float(high),
            status=source_of(f"findings.{name}", scenario.sources).status,
            calibrated=tuple(solved),
            explanation=finding.explanation,
        )
