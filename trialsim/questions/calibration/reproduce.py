"""What a study's simulation gives for each figure that was published of it, and whether it agrees.

A mean over simulated trials agrees with a figure if rounding and Monte Carlo error explain what is
between them. A trial happens once, so a figure that the mean does not give may still be one that
single trials often have.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from trialsim.errors import InputError, Problem
from trialsim.questions.calibration.simulated_figures import is_ratio, simulated_figures
from trialsim.replicates.parallel import Progress
from trialsim.replicates.result import SIMULATED
from trialsim.replicates.run import BATCH, Replicates
from trialsim.runs.runner import Runner
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.programme import Study
from trialsim.scenario.validation.sources import Status, source_of
from trialsim.shown import Shown
from trialsim.stats.monte_carlo import geometric_mean, mean_over_replicates
from trialsim.trial.trial import Engine

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


@dataclass(frozen=True, slots=True, repr=False)
class Reproduction(Shown):
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
    study: Study | str | Path,
    replicates: int = 2_000,
    seed: int = 2016,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | bool | None = None,
    scheduler: str | None = None,
) -> Reproduction:
    """Simulate a study, and set what it gives beside each figure that was published of it.

    Raises
    ------
    InputError
        If the study has no findings, the engine cannot run it, or a number is out of range.
    RunError
        If recruitment can never finish, or every replicate failed.
    """
    runner = Runner(seed, n_jobs, engine, batch, progress, scheduler).checked_for(replicates)
    return reproduced(runner, load_study(study), replicates)


def reproduced(runner: Runner, study: Study, replicates: int) -> Reproduction:
    """Return the findings beside what a runner gives, as `reproduce` does."""
    if not study.findings:
        rule = "must be given, to be compared with a simulation"
        raise InputError([Problem(f"{study.name}: findings", rule)])
    began = time.perf_counter()
    names = tuple(study.findings)
    done = simulated_figures(study, names, study.findings, range(replicates), runner)
    return Reproduction(
        scenario=study.name,
        title=study.title,
        digest=study.digest,
        seed=runner.seed,
        replicates=replicates,
        failed=len(done.failures),
        rows=tuple(_rows(study, done)),
        seconds=time.perf_counter() - began,
    )


def _rows(study: Study, done: Replicates) -> Iterator[Reproduced]:
    for name, finding in study.findings.items():
        values = done.columns[name]
        mean = (geometric_mean if is_ratio(study, finding) else mean_over_replicates)(values)
        known = values[~np.isnan(values)]
        low, high = np.quantile(known, (0.025, 0.975)) if len(known) else (np.nan, np.nan)
        solved = [path for path, one in study.calibrated.items() if one.finding == name]
        yield Reproduced(
            name=name,
            label=finding.label,
            published=finding.value,
            decimals=finding.published_decimals,
            simulated=float(mean.estimate),
            mcse=float(mean.mcse),
            low=float(low),
            high=float(high),
            status=source_of(f"findings.{name}", study.sources).status,
            calibrated=tuple(solved),
            explanation=finding.explanation,
        )
