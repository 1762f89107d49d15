"""Operating characteristics of one study, each with its Monte Carlo error."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trialsim.arrays import Floats
from trialsim.errors import RunError
from trialsim.replicates.quantities import QUANTITIES
from trialsim.replicates.run import Failure, Replicates
from trialsim.scenario.plan.choices import Quantity
from trialsim.scenario.programme import Study
from trialsim.scenario.words.description import plan_in_words
from trialsim.shown import Shown
from trialsim.stats.monte_carlo import (
    Mean,
    Proportion,
    coverage,
    mean_over_replicates,
    wilson_interval,
)

if TYPE_CHECKING:
    from pandas import DataFrame


SIMULATED = "All cohorts are simulated; nothing here is evidence about any drug."


_REPORTED = (
    "treated_mean",
    "control_mean",
    "treated_analysed",
    "control_analysed",
    "screened",
    "recruitment_days",
    "duration_days",
    "infusions_given",
    "discontinued",
    "withdrawn",
    "died",
)


@dataclass(frozen=True, slots=True)
class PowerResult(Shown):
    """What the replicates of one scenario say; failed replicates are counted and left out."""

    scenario: str
    digest: str
    seed: int
    replicates: int
    failures: tuple[Failure, ...]
    engine: str
    quantity: Quantity
    """What each replicate estimates."""
    conventions: Mapping[str, str]
    columns: Mapping[str, Floats]
    """One number a replicate for each quantity, in order of replicates; NaN where it failed."""
    seconds: float
    confidence: float = 0.95

    @property
    def failed(self) -> int:
        """Replicates that could not be finished."""
        return len(self.failures)

    @property
    def rejections(self) -> Proportion:
        """Share of replicates that reject the null hypothesis, with Wilson's interval."""
        rejected = self.columns["rejected"]
        return wilson_interval(np.nansum(rejected), np.isfinite(rejected).sum())

    @property
    def power(self) -> float:
        """Share of replicates that reject the null hypothesis."""
        return float(self.rejections.estimate)

    @property
    def mcse(self) -> float:
        """Monte Carlo standard error of the power."""
        return float(self.rejections.mcse)

    @property
    def ci(self) -> tuple[float, float]:
        """Wilson's 95% interval of the power, for the replicates' Monte Carlo error alone."""
        return float(self.rejections.low), float(self.rejections.high)

    @property
    def estimate(self) -> Mean:
        """The estimate over replicates; a ratio is averaged on the log scale."""
        return self._from_scale(mean_over_replicates(self._on_scale("estimate")))

    @property
    def truth(self) -> Mean:
        """The treatment-policy estimand: the mean effect had nobody's score been missed.

        A ratio is averaged on the log scale, which leaves out the replicates in which it is 0 or
        infinite.
        """
        return self._from_scale(mean_over_replicates(self._on_scale("complete_estimate")))

    @property
    def bias(self) -> Mean:
        """Mean of the estimate less what it would have been had nobody's score been missed.

        Of a ratio it is the bias of the logarithm.
        """
        return mean_over_replicates(
            self._on_scale("estimate") - self._on_scale("complete_estimate")
        )

    @property
    def coverage(self) -> Proportion:
        """Share of intervals that hold the treatment-policy estimand, among those estimated."""
        known = np.isfinite(self.columns["estimate"])
        low, high = (np.where(known, self.columns[end], np.nan) for end in ("low", "high"))
        return coverage(low, high, self.truth.estimate)

    @property
    def without_estimate(self) -> int:
        """Finished replicates with nobody to analyse in an arm; none of them rejects."""
        finished = np.isfinite(self.columns["rejected"])
        return int((finished & np.isnan(self.columns["estimate"])).sum())

    @property
    def power_counting_failures(self) -> Proportion:
        """Share of all replicates that reject, those that failed counted as not rejecting.

        A trial that never recruits its patients finds nothing; beside it, the power and all other
        figures are those of trials that were finished.
        """
        return wilson_interval(np.nansum(self.columns["rejected"]), self.replicates)

    def _on_scale(self, column: str) -> Floats:
        """Return estimates on the scale on which they are averaged; NaN where that has no value."""
        values = self.columns[column]
        if not self.quantity.is_ratio:
            return values
        known = np.isfinite(values) & (values > 0)
        return np.where(known, np.log(np.where(known, values, 1.0)), np.nan)

    def _from_scale(self, mean: Mean) -> Mean:
        """Return a mean in the estimate's own unit, its errors by the delta method."""
        if not self.quantity.is_ratio:
            return mean
        ratio = np.exp(mean.estimate)
        return Mean(ratio, ratio * mean.mcse, ratio * mean.sd)

    @property
    def of_programmes(self) -> tuple[str, ...]:
        """What is kept beside of a programme: its heterogeneity, and results of each trial."""
        return tuple(name for name in self.columns if name not in QUANTITIES)

    def mean_of(self, quantity: str) -> Mean:
        """Return the mean of a quantity over replicates, its Monte Carlo error and its SD."""
        return mean_over_replicates(self.columns[quantity])

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        means = {name: _plain(self.mean_of(name)) for name in (*_REPORTED, *self.of_programmes)}
        return {
            "scenario": self.scenario,
            "digest": self.digest,
            "seed": self.seed,
            "replicates": self.replicates,
            "failed": self.failed,
            "failures": [failure._asdict() for failure in self.failures],
            "engine": self.engine,
            "quantity": self.quantity.name,
            "power": self.power,
            "mcse": self.mcse,
            "ci": list(self.ci),
            "power_counting_failures": _plain(self.power_counting_failures),
            "without_estimate": self.without_estimate,
            "estimate": {**_plain(self.estimate), **self._spread()},
            "truth": _plain(self.truth),
            "bias": _plain(self.bias),
            "coverage": _plain(self.coverage),
            **means,
            "conventions": dict(self.conventions),
            "note": SIMULATED,
            "seconds": self.seconds,
        }

    def to_frame(self) -> "DataFrame":
        """Return a row for each operating characteristic: quantity, value, mcse, low, high, sd."""
        from pandas import DataFrame

        rows: list[dict[str, Any]] = [{"quantity": "power", **_plain(self.rejections)}]
        rows += [{"quantity": "coverage", **_plain(self.coverage)}]
        named = {"estimate": self.estimate, "truth": self.truth, "bias": self.bias}
        named |= {name: self.mean_of(name) for name in (*_REPORTED, *self.of_programmes)}
        rows += [{"quantity": name, **_plain(mean)} for name, mean in named.items()]
        return DataFrame(rows).rename(columns={"mean": "value"})

    def per_replicate(self) -> "DataFrame":
        """Return a row for each replicate, with every number kept of it."""
        from pandas import DataFrame

        frame = DataFrame(dict(self.columns))
        frame.insert(0, "replicate", np.arange(self.replicates))
        return frame

    def _spread(self) -> dict[str, float]:
        """Return the central 95% of the estimates: where single trials fall."""
        known = self.columns["estimate"][np.isfinite(self.columns["estimate"])]
        low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
        return {"quantile_2.5": float(low), "quantile_97.5": float(high)}


def summarised(
    scenario: Study, seed: int, engine: str, done: Replicates, seconds: float
) -> PowerResult:
    """Return the result of replicates that have been run.

    Raises
    ------
    RunError
        If every replicate failed.
    """
    count = len(done.columns["estimate"])
    if len(done.failures) == count:
        first = done.failures[0]
        raise RunError(
            f"all {count:,} replicates failed; replicate {first.replicate} of seed {seed}: "
            f"{first.reason}"
        )
    return PowerResult(
        scenario=scenario.name,
        digest=scenario.digest,
        seed=seed,
        replicates=count,
        failures=done.failures,
        engine=engine,
        quantity=scenario.analysis.quantity,
        conventions=plan_in_words(scenario.analysis),
        columns=done.columns,
        seconds=seconds,
    )


def _plain(summary: Mean | Proportion) -> dict[str, float]:
    """Return a summary as numbers by name; the estimate itself is the mean."""
    numbers = {name: float(value) for name, value in summary._asdict().items()}
    return {"mean": numbers.pop("estimate"), **numbers}
