"""What-if: each variant compared with the base on common random numbers.

Scenarios share every random number that they do not change, so the difference of two of them over
the same replicates has a smaller Monte Carlo error than independent runs would leave.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from trialsim.errors import InputError, RecruitmentError
from trialsim.questions.what_if.variants import How, Variant, alternatives
from trialsim.replicates.checks import chosen_engine
from trialsim.replicates.monitoring.recuts import trials_alike
from trialsim.replicates.monitoring.spread import share_of
from trialsim.replicates.parallel import Progress
from trialsim.replicates.result import (
    SIMULATED,
    check_finished,
    conventions_of,
    left_out,
    limit_that_stops,
    mean_of,
    of_wrong_direction,
    reaching,
)
from trialsim.replicates.run import BATCH, Replicates
from trialsim.runs.runner import Runner, not_enough
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.plan.choices import Quantity
from trialsim.scenario.programme import Study, value_at
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.problems import as_written
from trialsim.scenario.words.labels import path_in_words, spoken
from trialsim.shown import Shown
from trialsim.stats.monte_carlo import (
    Mean,
    PairedDifference,
    Proportion,
    logarithms,
    mean_over_replicates,
    paired_difference,
    variance_saved,
)
from trialsim.trial.trial import Engine

if TYPE_CHECKING:
    from pandas import DataFrame

COMMAND: Final = "what-if"
COMPARED: Final = ("estimate", "duration_days", "screened", "infusions_given")
"""The quantities whose mean and paired difference every row gives, beside the power."""
_ABOUT_RUN: Final = ("engine", "replicates", "failed", "without_logarithm")
OF_LOOKS: Final = ("randomised",)
"""Those that rows of single trials give beside where any of them has looks."""


@dataclass(frozen=True, slots=True)
class Row:
    """One alternative: its own results, and its paired differences from the base."""

    alternative: Variant
    engine: str
    replicates: int
    failed: int
    """Replicates that could not be finished; a difference leaves out those of either scenario."""
    power: Proportion
    """Rejections in favour of the treated."""
    wrong_direction: Proportion
    """Rejections in favour of the control."""
    difference: PairedDifference
    """Power less that of the base."""
    means: Mapping[str, Mean]
    """A ratio is averaged by its logarithm."""
    differences: Mapping[str, Mean]
    """Mean of each quantity less that of the base, replicate by replicate.

    Of a ratio that of the logarithms; NaN for an estimate of another quantity than the base's.
    """

    without_logarithm: int
    """Replicates whose ratio is 0 or infinite: they have no part in its mean and difference."""
    patients_saved: Mean
    """Share of patients that its analysis saves: 1 less the ratio of the variances of estimates.

    NaN unless test and strata of the primary analysis alone differ, and it estimates the same.
    """

    @property
    def is_harmful(self) -> bool:
        """Whether more trials reject in favour of the control than of the treated."""
        return bool(self.wrong_direction.low > self.power.high)

    @property
    def scenario(self) -> Study:
        """The whole study of this row; run alone under the same seed it gives the same numbers."""
        return self.alternative.scenario

    @property
    def label(self) -> str:
        """The changes in words, or the name that the alternative was given."""
        name, changes = self.alternative.name, self.alternative.changes
        if not changes or not all(path in name for path in changes):
            return name
        return ", ".join(
            f"{spoken(path_in_words(path, self.scenario))} = {as_written(value)}"
            for path, value in changes.items()
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain values, for JSON."""
        power, difference = self.power, self.difference
        numbers: dict[str, Any] = {
            "name": self.alternative.name,
            "changes": dict(self.alternative.changes),
            "scenario": self.scenario.name,
            "digest": self.scenario.digest,
            **{name: getattr(self, name) for name in _ABOUT_RUN},
            "power": float(power.estimate),
            "mcse": float(power.mcse),
            "ci": [float(power.low), float(power.high)],
            **of_wrong_direction(self.wrong_direction),
            "quantity": self.scenario.analysis.quantity.name,
            "difference": float(difference.estimate),
            "difference_mcse": float(difference.mcse),
            "difference_ci": [float(difference.low), float(difference.high)],
            "independent_replicates": float(difference.independent_replicates),
        }
        for name in self.means:
            mean, changed = self.means[name], self.differences[name]
            numbers |= {name: float(mean.estimate), f"{name}_mcse": float(mean.mcse)}
            numbers[f"{name}_difference"] = float(changed.estimate)
            numbers[f"{name}_difference_mcse"] = float(changed.mcse)
        saved = self.patients_saved
        numbers["patients_saved"] = float(saved.estimate)
        numbers["patients_saved_mcse"] = float(saved.mcse)
        return numbers


@dataclass(frozen=True, slots=True, repr=False)
class WhatIf(Shown):
    """The base and its alternatives on the same replicates, the base first."""

    scenario: str
    digest: str
    seed: int
    replicates: int
    paths: tuple[str, ...]
    """The paths that were given values."""
    rows: tuple[Row, ...]
    conventions: Mapping[str, str]
    """Those of the base."""
    seconds: float

    @property
    def frame(self) -> "DataFrame":
        """A row for each alternative; each path that was given values is a column.

        `changes` has all that differs from the base, `independent_replicates` the replicates that
        an unpaired comparison would need for the same standard error (infinite where the two
        never disagree).
        """
        from pandas import DataFrame

        return DataFrame([self._flat(row) for row in self.rows])

    def to_frame(self) -> "DataFrame":
        """Return `frame`, as other results do."""
        return self.frame

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        return {
            "scenario": self.scenario,
            "digest": self.digest,
            "seed": self.seed,
            "replicates": self.replicates,
            "rows": [row.to_dict() for row in self.rows],
            "conventions": dict(self.conventions),
            "note": SIMULATED,
            "seconds": self.seconds,
        }

    def _flat(self, row: Row) -> dict[str, Any]:
        numbers = row.to_dict()
        changes = numbers.pop("changes")
        low, high = numbers.pop("ci")
        numbers["wrong_direction_low"], numbers["wrong_direction_high"] = numbers.pop(
            "wrong_direction_ci"
        )
        difference_low, difference_high = numbers.pop("difference_ci")
        return {
            "name": numbers.pop("name"),
            **{path: value_at(row.scenario, path) for path in self.paths},
            "changes": "; ".join(f"{path}={value}" for path, value in changes.items()),
            **numbers,
            "low": low,
            "high": high,
            "difference_low": difference_low,
            "difference_high": difference_high,
        }


def what_if(
    scenario: Study | str | Path,
    changes: Mapping[str, object] | None = None,
    how: How = "one_at_a_time",
    variants: Sequence[Study | str | Path] = (),
    replicates: int = 10_000,
    seed: int = 2016,
    points: int = 16,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | bool | None = None,
    out: str | Path | None = None,
    scheduler: str | None = None,
) -> WhatIf:
    """Compare a study with others that differ from it, on the same random numbers.

    >>> import trialsim as ts
    >>> fewer = ts.what_if(ts.load("cars1"), {"design.patients": [60]}, replicates=64, n_jobs=1)
    >>> base, changed = fewer.rows
    >>> bool(changed.difference.estimate < 0), float(base.difference.estimate)
    (True, 0.0)

    Parameters
    ----------
    changes
        The values that each path takes: each alone, all combinations (`how="grid"`), or the range
        (low, high) of each, for `points` variants of a Latin hypercube.
    variants
        Further studies beside the base: scenarios, or names or files of such.
    out
        A directory that keeps what is run, from which the same call continues.
    scheduler
        The address of a Dask scheduler, on whose workers to run instead.

    Raises
    ------
    InputError
        With every problem of every alternative, before anything runs.
    RunError
        If recruitment can never finish in one of them, told before anything runs, or every
        replicate of the base failed.
    """
    scenario = load_study(scenario)
    runner = Runner(seed, n_jobs, engine, batch, progress, scheduler)
    wrong = [*not_enough("replicates", replicates), *runner.problems()]
    try:
        found = alternatives(scenario, changes, how, variants, points, 0 if wrong else seed)
    except InputError as error:
        wrong += error.problems
    if wrong:
        raise InputError(wrong)
    return compared(found, tuple(changes or ()), replicates, runner, out)


def compared(
    variants: Sequence[Variant],
    paths: tuple[str, ...],
    replicates: int,
    runner: Runner,
    out: str | Path | None = None,
) -> WhatIf:
    """Run the variants, of which the first is the base, and compare the others with it.

    A variant that is the base in all but name is not run again.
    """
    _check(variants, runner)
    base = variants[0].scenario
    runner = runner.keeping(out, base, COMMAND, _inputs(variants, paths))
    with runner.logged():
        result = _beside_one_another(variants, paths, replicates, runner)
        runner.write_summary(result)
    return result


def _beside_one_another(
    variants: Sequence[Variant], paths: tuple[str, ...], replicates: int, runner: Runner
) -> WhatIf:
    base, began = variants[0].scenario, time.perf_counter()
    results = runner.run_all([variant.scenario for variant in variants], range(replicates))
    check_finished(results[0], runner.seed)
    if any(name in done.columns for done in results for name in OF_LOOKS):
        pairs = zip(variants, results, strict=True)
        results = [_with_randomised(variant.scenario, done) for variant, done in pairs]
    base_done = results[0]
    rows = []
    for variant, done in zip(variants, results, strict=True):
        engine = chosen_engine(variant.scenario, runner.engine)
        rows.append(_row(variant, engine, done, base_done, base))
    return WhatIf(
        scenario=base.name,
        digest=base.digest,
        seed=runner.seed,
        replicates=replicates,
        paths=paths,
        rows=tuple(rows),
        conventions=conventions_of(base),
        seconds=time.perf_counter() - began,
    )


def _with_randomised(study: Study, done: Replicates) -> Replicates:
    """Return the results of a trial with how many were randomised: without looks all planned.

    Not known, so NaN in all, where a limit of recruitment stopped some of them short.
    """
    if "randomised" in done.columns or not isinstance(study, Scenario):
        return done
    finished = np.isfinite(done.columns["favoured"])
    if reaching(limit_that_stops(study), done.columns):
        finished = np.zeros_like(finished)
    randomised = np.where(finished, float(study.design.patients), np.nan)
    return Replicates({**done.columns, "randomised": randomised}, done.failures)


def _inputs(variants: Sequence[Variant], paths: tuple[str, ...]) -> dict[str, Any]:
    """Return what decides the rows and the columns of the table, but for the base."""
    rows = {
        str(row): f"{variant.name} ({variant.scenario.digest})"
        for row, variant in enumerate(variants[1:], 1)
    }
    return {"variants": rows, "paths": ", ".join(paths)}


def _check(variants: Sequence[Variant], runner: Runner) -> None:
    """Refuse, all at once, the variants that can never recruit; give notice of a slow analysis."""
    reasons, checked = [], set[str]()
    for variant in variants:
        trials = trials_alike(variant.scenario) or variant.scenario.digest
        if trials in checked:
            continue
        checked.add(trials)
        try:
            runner.check(variant.scenario)
        except RecruitmentError as error:
            reasons.append(f"{variant.name}: {error}")
    if reasons:
        raise RecruitmentError("\n".join(reasons))
    runner.note_if_slow(variants[0].scenario)


def _row(variant: Variant, engine: str, done: Replicates, base: Replicates, of: Study) -> Row:
    """Return the summary of one variant beside its base, which is a variant of the study `of`."""
    favoured, base_favoured = done.columns["favoured"], base.columns["favoured"]
    both = np.isfinite(favoured) & np.isfinite(base_favoured)
    quantity = variant.scenario.analysis.quantity
    looked = done.columns.keys() & base.columns.keys()
    names = (*COMPARED, *(name for name in OF_LOOKS if name in looked))
    return Row(
        alternative=variant,
        engine=engine,
        replicates=len(favoured),
        failed=len(done.failures),
        power=share_of(favoured),
        wrong_direction=share_of(done.columns["rejected"] - favoured),
        difference=paired_difference(favoured[both] == 1, base_favoured[both] == 1),
        means={
            name: mean_of(done.columns[name], quantity)
            if name == "estimate"
            else mean_over_replicates(done.columns[name])
            for name in names
        },
        differences={
            name: _estimates_apart(done, base, quantity, of.analysis.quantity)
            if name == "estimate"
            else mean_over_replicates(done.columns[name] - base.columns[name])
            for name in names
        },
        without_logarithm=left_out(done.columns["estimate"], quantity),
        patients_saved=_patients_saved(variant, done, base, of),
    )


_ANALYSED_BY: Final = ("analysis.test", "analysis.strata", "analysis.stratum_weighting")
"""Paths of how the primary effect is estimated, with those below them."""


def _patients_saved(variant: Variant, done: Replicates, base: Replicates, of: Study) -> Mean:
    """Return the share of patients that an analysis saves beside that of the base."""
    own, other = variant.scenario.analysis.quantity, of.analysis.quantity
    if (
        own != other
        or _compared(variant.scenario) != _compared(of)
        or not variant.changes
        or not all(path.startswith(_ANALYSED_BY) for path in variant.changes)
    ):
        return Mean(*(np.asarray(np.nan),) * 3)
    estimates = [part.columns["estimate"] for part in (done, base)]
    return variance_saved(*(map(logarithms, estimates) if own.is_ratio else estimates))


def _compared(study: Study) -> tuple[Any, ...]:
    """Return what makes effects of one name differ: a threshold, events, a horizon."""
    test, fields = getattr(study.analysis, "test", None), ("threshold", "events", "horizon_days")
    return tuple(getattr(test, name, None) for name in fields)


def _estimates_apart(done: Replicates, base: Replicates, own: Quantity, other: Quantity) -> Mean:
    """Return the mean paired difference of estimates; of two different quantities there is none."""
    estimates = [part.columns["estimate"] for part in (done, base)]
    if own.name != other.name:
        return mean_over_replicates(np.full_like(estimates[0], np.nan))
    changed, start = map(logarithms, estimates) if own.is_ratio else estimates
    return mean_over_replicates(changed - start)
