"""By how much worse than imputed patients who left must have been for the conclusion to change."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from trialsim.arrays import Floats
from trialsim.errors import InputError, Problem
from trialsim.replicates.checks import chosen_engine
from trialsim.replicates.deltas import FOUND, by_delta
from trialsim.replicates.parallel import Progress
from trialsim.replicates.result import (
    SIMULATED,
    check_finished,
    mean_of,
    share_of,
    summarised,
)
from trialsim.replicates.run import BATCH, Failure, Replicates, summary_of_deltas
from trialsim.runs.manifest import DELTAS as OF_DELTAS
from trialsim.runs.runner import Runner, not_enough
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.plan.choices import Quantity
from trialsim.scenario.programme import Study, single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.description import plan_in_words
from trialsim.shown import Shown
from trialsim.stats.monte_carlo import Mean, Proportion, wilson_interval
from trialsim.trial.trial import Engine

if TYPE_CHECKING:
    from pandas import DataFrame

DELTAS: Final = (0.0, -2.0, -4.0, -6.0, -8.0, -10.0, -15.0, -20.0)
"""Points by which imputed scores are better, in the order in which they are tried."""
REPLICATES: Final = 1_000
GRID: Final = (
    "Only the deltas shown were tried: what changes a conclusion lies between the delta "
    "tried before the one at which it has changed and this one."
)


@dataclass(frozen=True, slots=True, repr=False)
class TippingPoint(Shown):
    """Trials analysed under one delta after another, on the same imputations."""

    scenario: str
    digest: str
    seed: int
    replicates: int
    failures: tuple[Failure, ...]
    engine: str
    quantity: Quantity
    deltas: tuple[float, ...]
    """Points by which scores imputed after the event are better, in order from the first."""
    columns: Mapping[str, Floats]
    """Of each delta estimate, low, high, p_value and favoured, shape (delta, replicate)."""
    conventions: Mapping[str, str]
    seconds: float

    @property
    def failed(self) -> int:
        """Replicates that could not be finished."""
        return len(self.failures)

    @property
    def tipping(self) -> Floats:
        """The first delta tried at which each replicate no longer rejects in favour of the treated.

        What changes its conclusion lies between the delta tried before (`before`) and this one.
        Infinite, with the sign of the deltas, where it rejects at all of them; NaN where it does
        not at the first, and has no conclusion to change, or failed.
        """
        favoured = self.columns["favoured"]
        lost = favoured != 1
        first = np.asarray(self.deltas)[lost.argmax(axis=0)]
        beyond = np.sign(self.deltas[-1] - self.deltas[0]) * np.inf
        concluded = favoured[0] == 1
        return np.where(concluded, np.where(lost.any(axis=0), first, beyond), np.nan)

    @property
    def before(self) -> Floats:
        """The delta tried before the one that tips each replicate; NaN where none does."""
        earlier = dict(zip(self.deltas[1:], self.deltas, strict=False))
        return np.array([earlier.get(float(one), np.nan) for one in self.tipping])

    @property
    def power(self) -> tuple[Proportion, ...]:
        """Share of replicates that reject in favour of the treated, at each delta."""
        return tuple(share_of(one) for one in self.columns["favoured"])

    @property
    def estimates(self) -> tuple[Mean, ...]:
        """The estimate over replicates at each delta."""
        return tuple(mean_of(one, self.quantity) for one in self.columns["estimate"])

    @property
    def tipped(self) -> tuple[Proportion, ...]:
        """Share of the conclusions at the first delta that have changed by each delta."""
        tipping = self.tipping
        concluded = ~np.isnan(tipping)
        away = np.abs(tipping[concluded] - self.deltas[0])
        reached = [np.count_nonzero(away <= abs(one - self.deltas[0])) for one in self.deltas]
        many = np.count_nonzero(concluded)
        return tuple(wilson_interval(np.asarray(one), np.asarray(many)) for one in reached)

    def to_frame(self) -> "DataFrame":
        """Return a row for each delta: power, mean estimate and share tipped, with their errors.

        Of one trial, its estimate, interval and p-value, and whether it rejects.
        """
        from pandas import DataFrame

        if self.replicates == 1:
            alone = {name: self.columns[name][:, 0] for name in FOUND}
            return DataFrame({"delta": self.deltas, **alone})
        rows = []
        parts = zip(self.deltas, self.power, self.estimates, self.tipped, strict=True)
        for delta, power, estimate, tipped in parts:
            row: dict[str, float] = {"delta": delta}
            for name, share in (("power", power), ("tipped", tipped)):
                row |= {name: float(share.estimate), f"{name}_mcse": float(share.mcse)}
                row |= {f"{name}_low": float(share.low), f"{name}_high": float(share.high)}
            row |= {"estimate": float(estimate.estimate), "estimate_mcse": float(estimate.mcse)}
            rows.append(row)
        return DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON; no tipping point is null."""
        about = ("scenario", "digest", "seed", "replicates", "failed", "engine")
        tipping = self.tipping
        beyond = np.isinf(tipping)
        return {
            **{name: getattr(self, name) for name in about},
            "quantity": self.quantity.name,
            "rows": self.to_frame().to_dict("records"),
            "conclusions": int(np.count_nonzero(~np.isnan(tipping))),
            "never_tipped": int(np.count_nonzero(beyond)),
            "tipping": [None if not np.isfinite(one) else float(one) for one in tipping],
            "before": [None if np.isnan(one) else float(one) for one in self.before],
            "grid": GRID,
            "conventions": dict(self.conventions),
            "note": SIMULATED,
            "seconds": self.seconds,
        }


def tipping_point(
    scenario: Study | str | Path,
    deltas: Sequence[float] = DELTAS,
    replicates: int = REPLICATES,
    seed: int = 2016,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | None = None,
    out: str | Path | None = None,
    scheduler: str | None = None,
) -> TippingPoint:
    """Find between which deltas of those tried trials no longer reject in favour of the treated.

    The plan must impute missing scores several times; every delta, in place of its own, is added to
    the same imputed scores, so that what changes is the delta alone.

    >>> import trialsim as ts
    >>> plan = {"analysis.missing": "multiple_imputation", "analysis.imputations": 3}
    >>> found = ts.tipping_point(ts.load("cars1").replace(plan), (0, -20, -57), 32, n_jobs=1)
    >>> [bool(one.estimate >= other.estimate) for one, other in zip(found.power, found.power[1:])]
    [True, True]

    Parameters
    ----------
    deltas
        Points by which scores imputed after the event are better, rising or falling.
    out
        A directory that keeps the run, from which the same call continues.

    Raises
    ------
    InputError
        If the plan imputes nothing, the deltas neither rise nor fall, a number is out of range, or
        the directory is that of another run.
    RunError
        If recruitment can never finish, or every replicate failed.
    """
    runner = Runner(seed, n_jobs, engine, batch, progress, scheduler)
    wrong = [*runner.problems(), *not_enough("replicates", replicates)]
    if wrong:
        raise InputError(wrong)
    return tipping_point_by(runner, load_study(scenario), tuple(deltas), replicates, out)


def tipping_point_by(
    runner: Runner,
    study: Study,
    deltas: tuple[float, ...],
    replicates: int,
    out: str | Path | None = None,
) -> TippingPoint:
    """Return the tipping points of a study as a runner gives them, kept in a directory if told.

    Raises
    ------
    InputError
        If the plan imputes nothing, the deltas neither rise nor fall, or the directory is that of
        another run.
    """
    scenario, began = single_trial(study), time.perf_counter()
    problems = list(_problems(scenario, deltas))
    if problems:
        raise InputError(problems)
    deltas = tuple(float(one) for one in deltas)
    runner.check(scenario)
    runner = runner.keeping(out, scenario, inputs={OF_DELTAS: list(deltas)})
    used = chosen_engine(scenario, runner.engine)
    done = _run(runner, scenario, deltas, replicates)
    return TippingPoint(
        scenario=scenario.name,
        digest=scenario.digest,
        seed=runner.seed,
        replicates=replicates,
        failures=done.failures,
        engine=used,
        quantity=scenario.analysis.quantity,
        deltas=deltas,
        columns=by_delta(done.columns, deltas),
        conventions=plan_in_words(scenario.analysis, scenario.outcomes),
        seconds=time.perf_counter() - began,
    )


def _run(
    runner: Runner, scenario: Scenario, deltas: tuple[float, ...], replicates: int
) -> Replicates:
    """Return what is found under each delta; beside it a directory keeps the trial as planned."""
    apart = runner.directory is None  # a directory knows what it keeps
    began = time.perf_counter()
    with runner.logged():
        done = runner.run(scenario, range(replicates), summary_of_deltas(deltas) if apart else None)
        first = by_delta(done.columns, deltas)["estimate"][0]
        check_finished(done._replace(columns={"estimate": first}), runner.seed)
        if not apart:
            used, seconds = chosen_engine(scenario, runner.engine), time.perf_counter() - began
            runner.write_summary(summarised(scenario, runner.seed, used, done, seconds))
    return done


def _problems(scenario: Scenario, deltas: tuple[float, ...]) -> Iterator[Problem]:
    """Yield what of the study or the deltas has no tipping point."""
    plan = scenario.analysis
    if plan.missing != "multiple_imputation":
        rule = "must be multiple_imputation for a tipping point"
        yield Problem("analysis.missing", rule, plan.missing)
    told = ",".join(f"{one:g}" for one in deltas)
    steps = np.diff(np.asarray(deltas, float))
    if not np.isfinite(deltas).all():
        yield Problem("deltas", "must be numbers", told)
    elif len(deltas) < 2 or not ((steps > 0).all() or (steps < 0).all()):
        yield Problem("deltas", "must be two or more, rising or falling", told)
