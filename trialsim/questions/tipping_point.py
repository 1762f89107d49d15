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
from trialsim.replicates.deltas import FOUND, Deltas, by_delta
from trialsim.replicates.monitoring.spread import share_of
from trialsim.replicates.parallel import Progress
from trialsim.replicates.result import (
    SIMULATED,
    check_finished,
    mean_of,
    summarised,
)
from trialsim.replicates.run import BATCH, Failure, Replicates, summary_of_deltas
from trialsim.runs.manifest import DELTAS as OF_DELTAS
from trialsim.runs.manifest import TOLERANCE
from trialsim.runs.runner import Runner
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.plan.choices import Quantity
from trialsim.scenario.plan.imputation import AT_RANDOM, DeltaScale, whose_scores_shift
from trialsim.scenario.programme import Study, single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.description import plan_in_words
from trialsim.scenario.words.labels import in_words
from trialsim.scenario.words.values import counted
from trialsim.shown import Shown
from trialsim.stats.monte_carlo import (
    Mean,
    Proportion,
    Quantile,
    quantile_over_replicates,
    wilson_interval,
)
from trialsim.trial.trial import Engine

if TYPE_CHECKING:
    from pandas import DataFrame

DELTAS: Final = (0.0, -2.0, -4.0, -6.0, -8.0, -10.0, -15.0, -20.0)
"""Points by which imputed scores are better, in the order in which they are tried."""
REPLICATES: Final = 1_000
QUARTERS: Final = (0.25, 0.5, 0.75)
"""Shares of the conclusions that have changed by the quartiles of the tipping point."""
SEARCH: Final = (
    "Between the deltas shown, each trial's tipping point is sought by bisection on the same "
    "imputations: it rejects at one delta and no longer at another, {tolerance} away. Where a "
    "conclusion comes and goes, it is the first change along the deltas shown that is sought."
)
MOST_WIDTHS: Final = 10
"""Of the scale, that a delta may be: far beyond what moves every score to an end."""
FINEST: Final = 0.1
"""Of a step of the scale: the tolerance of deltas on the latent scale."""


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
    tolerance: float
    """In points; within it the tipping point of each trial is known."""
    scale: DeltaScale
    """What the deltas are added to: the imputed score in points, or the latent score."""
    whose: str
    """In which arm, and after which event, in words."""
    columns: Mapping[str, Floats]
    """Of each delta estimate, low, high, p_value and favoured, shape (delta, replicate).

    The deltas before and at the tipping point of each replicate, as found, shape (replicate,).
    """
    conventions: Mapping[str, str]
    seconds: float

    @property
    def failed(self) -> int:
        """Replicates that could not be finished."""
        return len(self.failures)

    @property
    def tipping(self) -> Floats:
        """The delta at which each replicate no longer rejects in favour of the treated.

        At the delta `before` it, at most the tolerance away, it still does. Infinite, with the sign
        of the deltas, where it rejects at all that were tried; NaN where it does not at the first,
        and has no conclusion to change, or failed.
        """
        favoured = self.columns["favoured"]
        beyond = self._towards * np.inf
        return np.where((favoured == 1).all(axis=0), beyond, self.columns["tipping"])

    @property
    def before(self) -> Floats:
        """The delta next to the one that tips each replicate; NaN where none does."""
        return self.columns["before"]

    @property
    def never(self) -> Proportion:
        """Share of the conclusions at the first delta that no delta tried has changed."""
        tipping = self.tipping
        return wilson_interval(np.isinf(tipping).sum(), (~np.isnan(tipping)).sum())

    @property
    def regained(self) -> int:
        """Replicates that reject again at a delta beyond one at which they do not."""
        favoured = self.columns["favoured"][:, ~np.isnan(self.tipping)] == 1
        return int(np.count_nonzero((favoured[1:] & ~favoured[:-1]).any(axis=0)))

    @property
    def quartiles(self) -> dict[float, Quantile]:
        """By the share of the conclusions that have changed by it, the delta and its limits.

        Infinite where fewer have changed at all the deltas tried. The limits, nearer to the first
        delta and farther from it, are of order statistics and hold it with a confidence of 95%.
        """
        first, away = self.deltas[0], np.abs(self.tipping - self.deltas[0])
        found = {}
        for share in QUARTERS:
            ends = quantile_over_replicates(away, share)
            nearest = np.maximum(ends.low, 0.0)
            told = ends._replace(low=nearest)
            found[share] = Quantile(*(first + self._towards * one for one in told))
        return found

    @property
    def _towards(self) -> float:
        return float(np.sign(self.deltas[-1] - self.deltas[0]))

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

    @property
    def search(self) -> str:
        """How tipping points were sought, in words."""
        return SEARCH.format(tolerance=counted(self.tolerance, "points"))

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
            "tolerance": self.tolerance,
            "delta_scale": self.scale,
            "whose": self.whose,
            "conclusions": int(np.count_nonzero(~np.isnan(tipping))),
            "never_tipped": int(np.count_nonzero(beyond)),
            "never": {name: float(one) for name, one in self.never._asdict().items()},
            "regained": self.regained,
            "quartiles": [
                {"share": share, **{name: float(one) for name, one in ends._asdict().items()}}
                for share, ends in self.quartiles.items()
            ],
            "tipping": [None if not np.isfinite(one) else float(one) for one in tipping],
            "before": [None if np.isnan(one) else float(one) for one in self.before],
            "search": self.search,
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
    progress: Progress | bool | None = None,
    out: str | Path | None = None,
    scheduler: str | None = None,
    tolerance: float | None = None,
) -> TippingPoint:
    """Find the delta at which trials no longer reject in favour of the treated.

    The plan must impute missing scores several times; every delta, in place of its own, is added to
    the same imputed scores, so that what changes is the delta alone. Between the two deltas given
    at which a trial's conclusion changes, the change is sought by bisection.

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
    tolerance
        In points, how near to the change of each conclusion others are tried: multiples of it. None
        for a step of the scale, a tenth of it where `delta_scale` of the plan is latent.

    Raises
    ------
    InputError
        If the plan imputes nothing, the deltas neither rise nor fall, the tolerance is smaller than
        what changes a score, a number is out of range, or the directory is that of another run.
    RunError
        If recruitment can never finish, or every replicate failed.
    """
    runner = Runner(seed, n_jobs, engine, batch, progress, scheduler).checked_for(replicates)
    study = load_study(scenario)
    return tipping_point_by(runner, study, tuple(deltas), replicates, out, tolerance)


def tipping_point_by(
    runner: Runner,
    study: Study,
    deltas: tuple[float, ...],
    replicates: int,
    out: str | Path | None = None,
    tolerance: float | None = None,
) -> TippingPoint:
    """Return the tipping points of a study as a runner gives them, kept in a directory if told.

    Raises
    ------
    InputError
        If the plan imputes nothing, the deltas neither rise nor fall, the tolerance is smaller than
        what changes a score, or the directory is that of another run.
    """
    scenario, began = single_trial(study), time.perf_counter()
    plan, imputation = scenario.analysis, scenario.analysis.imputation or AT_RANDOM
    near = _finest(scenario) if tolerance is None else float(tolerance)
    problems = [*_problems(scenario, deltas), *_not_near(scenario, near)]
    if problems:
        raise InputError(problems)
    sought = Deltas(tuple(float(one) for one in deltas), near)
    runner.check(scenario)
    inputs = {OF_DELTAS: list(sought.tried), TOLERANCE: near}
    runner = runner.keeping(out, scenario, inputs=inputs)
    used = chosen_engine(scenario, runner.engine)
    done = _run(runner, scenario, sought, replicates)
    return TippingPoint(
        scenario=scenario.name,
        digest=scenario.digest,
        seed=runner.seed,
        replicates=replicates,
        failures=done.failures,
        engine=used,
        quantity=plan.quantity,
        deltas=sought.tried,
        tolerance=near,
        scale=imputation.delta_scale,
        whose=whose_scores_shift(imputation, in_words(plan.treated)),
        columns=by_delta(done.columns, sought.tried),
        conventions=plan_in_words(plan, scenario.outcomes),
        seconds=time.perf_counter() - began,
    )


def _run(runner: Runner, scenario: Scenario, deltas: Deltas, replicates: int) -> Replicates:
    """Return what is found under each delta; beside it a directory keeps the trial as planned."""
    apart = runner.directory is None  # a directory knows what it keeps
    began = time.perf_counter()
    with runner.logged():
        done = runner.run(scenario, range(replicates), summary_of_deltas(deltas) if apart else None)
        first = by_delta(done.columns, deltas.tried)["estimate"][0]
        check_finished(done._replace(columns={"estimate": first}), runner.seed)
        if not apart:
            used, seconds = chosen_engine(scenario, runner.engine), time.perf_counter() - began
            runner.write_summary(summarised(scenario, runner.seed, used, done, seconds))
    return done


def _problems(scenario: Scenario, deltas: tuple[float, ...]) -> Iterator[Problem]:
    """Yield what of the study or the deltas has no tipping point."""
    plan = scenario.analysis
    if plan.missing != "multiple_imputation":
        rule = f"must be multiple_imputation for a tipping point, as by {_imputing(scenario)}"
        yield Problem("analysis.missing", rule, plan.missing)
    told = ",".join(f"{one:g}" for one in deltas)
    steps = np.diff(np.asarray(deltas, float))
    outcome = scenario.outcomes[plan.endpoint]
    most = MOST_WIDTHS * (outcome.high - outcome.low)
    if not np.isfinite(deltas).all():
        yield Problem("deltas", "must be numbers", told)
    elif np.abs(deltas).max(initial=0.0) > most:
        rule = f"must lie within -{most:g} and {most:g}, {MOST_WIDTHS} times the scale"
        yield Problem("deltas", rule, told)
    elif len(deltas) < 2 or not ((steps > 0).all() or (steps < 0).all()):
        yield Problem("deltas", "must be two or more, rising or falling", told)


def _imputing(scenario: Scenario) -> str:
    """Return the options of the command line under which a study imputes."""
    secondary = scenario.analysis.further.items()
    imputing = [name for name, plan in secondary if plan.missing == "multiple_imputation"]
    ways = [f"--analysis {name}" for name in imputing]
    return " or ".join([*ways, "--set analysis.missing=multiple_imputation"])


def _finest(scenario: Scenario) -> float:
    """Return the least tolerance of a study: a smaller delta in points changes no score."""
    plan = scenario.analysis
    step = scenario.outcomes[plan.endpoint].step
    on_latent = (plan.imputation or AT_RANDOM).delta_scale == "latent"
    return step * FINEST if on_latent else step


def _not_near(scenario: Scenario, tolerance: float) -> Iterator[Problem]:
    """Yield why nothing can be sought to within a tolerance."""
    least = _finest(scenario)
    if not least <= tolerance < np.inf:
        rule = f"must be {least:g} points or more: smaller ones tell no further trials apart"
        yield Problem("tolerance", rule, f"{tolerance:g}")
