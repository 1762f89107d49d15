"""Numbers that are solved for, so that a study as conducted and analysed gives published figures.

The answer is confirmed on replicates other than those that it was searched on.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from trialsim.errors import InputError, Problem, nearest
from trialsim.questions.calibration.figure_curve import FigureCurve, Target, meeting
from trialsim.questions.calibration.simulated_figures import POWER, is_ratio, quantities_of
from trialsim.replicates.parallel import Progress
from trialsim.replicates.result import SIMULATED
from trialsim.replicates.run import BATCH
from trialsim.runs.runner import Runner
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.plan.findings import Calibration, Finding
from trialsim.scenario.programme import Programme, Study
from trialsim.scenario.validation.paths import part_at
from trialsim.scenario.validation.problems import as_written
from trialsim.scenario.validation.sources import source_of
from trialsim.shown import Shown
from trialsim.streams import confirmation_seed
from trialsim.trial.trial import Engine

if TYPE_CHECKING:
    from pandas import DataFrame


class Solved(NamedTuple):
    """A number that was solved for, and the figure that it was solved to give."""

    path: str
    before: float
    value: float
    error: float
    """Monte Carlo standard error of the value."""
    target: str
    aim: float
    """What the figure is to be."""
    slope: float
    """How much the figure, of a ratio the logarithm, grows with the number."""
    figure: float
    """The mean over the replicates that solved; the geometric mean of a ratio."""
    confirmed: float
    """The mean over other replicates."""
    confirmed_mcse: float


@dataclass(frozen=True, slots=True, repr=False)
class CalibrationResult(Shown):
    """A study whose numbers were solved for."""

    study: Study
    """The study with the solved numbers; it says what they were solved for."""
    seed: int
    confirmation_seed: int
    replicates: int
    simulated: int
    """Trials that the search and its confirmation took."""
    rows: tuple[Solved, ...]
    seconds: float

    def to_frame(self) -> "DataFrame":
        """Return a row for each number that was solved for."""
        from pandas import DataFrame

        return DataFrame(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        return {
            "scenario": self.study.name,
            "digest": self.study.digest,
            "seed": self.seed,
            "confirmation_seed": self.confirmation_seed,
            "replicates": self.replicates,
            "simulated": self.simulated,
            "rows": [row._asdict() for row in self.rows],
            "note": SIMULATED,
            "seconds": self.seconds,
        }


def calibrate(
    study: Study | str | Path,
    targets: Mapping[str, Target | str],
    replicates: int = 2_000,
    seed: int = 2016,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | bool | None = None,
    scheduler: str | None = None,
    start: Mapping[str, float] | None = None,
) -> CalibrationResult:
    """Solve for the numbers at some paths, as many as there are figures to be met.

    Several are solved for together: each may move every figure.

    Parameters
    ----------
    targets
        By the path of each number the figure that it is chiefly there for: a finding of the study,
        or QUANTITY=VALUE.
    start
        By path where the search begins, if not at the number that the study has.

    Raises
    ------
    InputError
        If a path is none of a number that need not be whole, there is no such figure, or a number
        is out of range.
    RunError
        If the numbers do not move the figures, or none that the study can have bring them to their
        targets.
    """
    runner = Runner(seed, n_jobs, engine, batch, progress, scheduler).checked_for(replicates)
    return calibrated_by(runner, load_study(study), targets, replicates, start)


def calibrated_by(
    runner: Runner,
    study: Study,
    targets: Mapping[str, Target | str],
    replicates: int,
    start: Mapping[str, float] | None = None,
) -> CalibrationResult:
    """Solve for the numbers by a runner, as `calibrate` does."""
    began = time.perf_counter()
    wanted = {
        path: target_of(study, one) if isinstance(one, str) else one
        for path, one in targets.items()
    }
    before = _numbers_at(study, wanted)
    begin = np.array([(start or {}).get(path, number) for path, number in before.items()])
    fresh = replace(runner, seed=confirmation_seed(runner.seed))
    curve, other = (FigureCurve(study, wanted, one) for one in (runner, fresh))
    met = meeting(curve, begin, replicates)
    values = np.array([_rounded(*pair) for pair in zip(met.place, met.errors, strict=True)])
    figures, _ = curve.means(values, replicates)
    confirmed, mcse = other.means(values, replicates)
    old = np.array(list(before.values()))
    slopes = np.diag(met.slopes)
    columns = np.stack([old, values, met.errors, slopes, figures, confirmed, mcse], axis=1)
    rows = [
        Solved._make((path, *numbers[:3], target.name, target.value, *numbers[3:]))
        for (path, target), numbers in zip(wanted.items(), columns.tolist(), strict=True)
    ]
    return CalibrationResult(
        study=_recorded(study, rows, wanted),
        seed=runner.seed,
        confirmation_seed=fresh.seed,
        replicates=replicates,
        simulated=curve.simulated + other.simulated,
        rows=tuple(rows),
        seconds=time.perf_counter() - began,
    )


def target_of(study: Study, text: str) -> Target:
    """Return the target that a finding's name, or QUANTITY=VALUE, means.

    A finding may be given another value than was published.

    Raises
    ------
    InputError
        If there is no such finding or quantity, or the value is no number.
    """
    name, equals, written = (part.strip() for part in text.partition("="))
    finding = study.findings.get(name)
    if finding is not None and not equals:
        return Target(name, finding.value, finding)
    known = (*study.findings, *quantities_of(study))
    if name not in known:
        rule = f"must name a finding of the study or a quantity{nearest(name, known)}"
        raise InputError([Problem("--target", rule, as_written(name))])
    try:
        value = float(written)
    except ValueError:
        rule = "must be a finding, or QUANTITY=VALUE with a number"
        raise InputError([Problem("--target", rule, as_written(text))]) from None
    impossible = _impossible(study, finding or name, value)
    if impossible:
        raise InputError([Problem("--target", impossible, as_written(text))])
    return Target(name, value, finding)


def _impossible(study: Study, figure: Finding | str, value: float) -> str | None:
    """Return what a target must be that no figure of its kind can have."""
    kind = figure if isinstance(figure, str) else figure.of.figure
    if not np.isfinite(value):
        return "must be a number that a figure can have"
    if kind in _SHARES and not 0 < value < 1:
        return "must lie between 0 and 1"
    if is_ratio(study, figure) and value <= 0:
        return "must be above 0, for a ratio"
    return None


_SHARES: Final = (POWER, "favoured", "rejected", "p_value", "share")


def record_of(row: Solved, target: Target) -> Calibration:
    """Return what a study keeps of a number that was solved for."""
    error = float(f"{row.error:.2g}") or None
    if target.finding is not None and target.value == target.finding.value:
        return Calibration(finding=target.name, error=error)
    return Calibration(quantity=target.name, value=target.value, error=error)


def _numbers_at(study: Study, paths: Mapping[str, Target]) -> dict[str, float]:
    content = study.model_dump()
    numbers = {path: part_at(content, path) for path in paths}
    rule = "must be the path of a number that need not be whole"
    problems = [
        Problem(path, rule, as_written(number))
        for path, number in numbers.items()
        if not isinstance(number, float)
    ]
    if problems:
        raise InputError(problems)
    return numbers


def _rounded(value: float, error: float) -> float:
    """Return a value without digits below a quarter of its error.

    >>> _rounded(0.7219384, 0.0008), _rounded(0.7219384, 0.0012), _rounded(0.7219384, 0.0021)
    (0.7219, 0.7219, 0.722)
    """
    known = np.isfinite(error) and error > 0
    return round(value, int(np.ceil(-np.log10(error / 2)))) if known else value


def _recorded(study: Study, rows: Sequence[Solved], targets: Mapping[str, Target]) -> Study:
    """Return the study with the solved numbers, their sources and what they were solved for."""
    content = study.model_dump()
    about = {name: content[name] for name in ("findings", "calibrated", "sources")}
    for row in rows:
        about["calibrated"][row.path] = record_of(row, targets[row.path]).model_dump()
        if not isinstance(study, Programme):  # whose trials have the sources of their numbers
            about["sources"][row.path] = _source(study, targets[row.path])
    return study.replace({**{row.path: row.value for row in rows}, **about})


def _source(study: Study, target: Target) -> dict[str, Any]:
    """Return the source of a number that was solved for: derived from what was published."""
    label = target.name if target.finding is None else target.finding.label
    note = f"solved so that the study as conducted and analysed gives: {label}, {target.value:g}"
    source = source_of(f"findings.{target.name}", study.sources)
    if target.finding is None or source.status == "assumed":
        return {"status": "assumed", "note": note}
    return {"status": "derived", "reference": source.reference, "note": note}
