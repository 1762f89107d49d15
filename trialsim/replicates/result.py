"""Operating characteristics of one study, each with its Monte Carlo error."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trialsim.arrays import Floats
from trialsim.errors import RunError
from trialsim.replicates.deltas import PREFIX as OF_DELTAS
from trialsim.replicates.dose_finding.kept import PREFIX as OF_DOSES
from trialsim.replicates.dose_finding.result import DoseFindingResult, DosePlan, dose_plan_of
from trialsim.replicates.estimands import PREFIX as OF_ESTIMANDS
from trialsim.replicates.monitoring.looks import LooksResult
from trialsim.replicates.monitoring.monitored import OVER_LOOKS, PREFIX
from trialsim.replicates.monitoring.re_estimated import SizePlan, size_plan_of
from trialsim.replicates.monitoring.spread import plain, share_of
from trialsim.replicates.quantities import QUANTITIES
from trialsim.replicates.run import Failure, Replicates
from trialsim.replicates.secondary import PREFIX as OF_SECONDARY
from trialsim.replicates.secondary import SecondaryResult, secondary_of
from trialsim.replicates.true_effect import PREFIX as OF_TRUTH
from trialsim.replicates.true_effect import true_effect
from trialsim.scenario.plan.choices import Claim, Quantity
from trialsim.scenario.plan.claims import claim_name
from trialsim.scenario.programme import Programme, Study
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.estimands import Target, target_of
from trialsim.scenario.words.monitoring import conventions_in_words, monitoring_in_words
from trialsim.scenario.words.plan import plan_in_words
from trialsim.shown import Shown
from trialsim.stats.monte_carlo import (
    Mean,
    Proportion,
    Quantile,
    RatioOfMeans,
    coverage,
    geometric_mean,
    logarithms,
    mean_over_replicates,
    most_left_out,
    quantile_over_replicates,
    wilson_interval,
    without_logarithm,
)

if TYPE_CHECKING:
    from pandas import DataFrame


SIMULATED = "All cohorts are simulated; nothing here is evidence about any drug."


_SEEN = 3.0
"""Monte Carlo errors below no effect at which an effect is taken for a harmful one."""
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


@dataclass(frozen=True, slots=True, repr=False)
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
    estimand: Target
    """What `truth` is, and whether the analysis is for it."""
    averaged: str
    """What `treated_mean` and `control_mean` are means of, or that they are shares."""
    conventions: Mapping[str, str]
    true_effect: RatioOfMeans
    """The true effect, and by how much each replicate moves it."""
    columns: Mapping[str, Floats]
    """One number a replicate for each quantity, in order of replicates; NaN where it failed."""
    seconds: float
    confidence: float = 0.95
    recruitment_limit_days: float = math.inf
    """The limit at which recruitment stops; infinite where none stops it."""
    claim: Claim = "superiority"
    """What a rejection shows; beyond a margin, power is the chance of the claim."""
    dose_plan: DosePlan | None = None
    """The candidates and doses of a dose finding."""
    size_plan: SizePlan | None = None
    """What is planned of a number of patients that a look sets again."""

    @property
    def reached_limit(self) -> int:
        """Replicates whose recruitment lasted until its limit, most with too few patients."""
        return reaching(self.recruitment_limit_days, self.columns)

    @property
    def failed(self) -> int:
        """Replicates that could not be finished."""
        return len(self.failures)

    @property
    def favoured(self) -> Proportion:
        """Share of replicates that reject in favour of the treated, with Wilson's interval."""
        return share_of(self.columns["favoured"])

    @property
    def rejections(self) -> Proportion:
        """Share of replicates that reject the null hypothesis, in either direction."""
        return share_of(self.columns["rejected"])

    @property
    def wrong_direction(self) -> Proportion:
        """Share of replicates that reject in favour of the control."""
        return share_of(self.columns["rejected"] - self.columns["favoured"])

    @property
    def power(self) -> float:
        """Share of replicates that reject in favour of the treated."""
        return float(self.favoured.estimate)

    @property
    def shown(self) -> str:
        """What a replicate that counts in the power shows, such as `in favour of the treated`."""
        if self.claim == "superiority":
            return "in favour of the treated"
        return f"claims of {claim_name(self.claim)}"

    @property
    def mcse(self) -> float:
        """Monte Carlo standard error of the power; 0 at a power of 0 or 1: see `ci`."""
        return float(self.favoured.mcse)

    @property
    def ci(self) -> tuple[float, float]:
        """Wilson's 95% interval of the power, for the replicates' Monte Carlo error alone."""
        return float(self.favoured.low), float(self.favoured.high)

    @property
    def estimate(self) -> Mean:
        """The estimate over replicates; a ratio is averaged on the log scale."""
        return mean_of(self.columns["estimate"], self.quantity)

    @property
    def truth(self) -> Mean:
        """The true effect in the two populations with complete follow-up: the `estimand`.

        Pairs of patients are pooled over replicates, so that the bias of an estimator in small
        samples is no part of it.
        """
        return self.true_effect.mean

    @property
    def is_harmful(self) -> bool:
        """Whether the true effect is in favour of the control, beyond its Monte Carlo error.

        Where a margin is tested, that is no reason for a warning.
        """
        if self.claim != "superiority":
            return False
        away = self.truth.estimate - self.quantity.null
        return bool(away < -_SEEN * self.truth.mcse)

    @property
    def has_mean(self) -> bool:
        """Whether so few ratios are 0 or infinite that the mean of the others stands for all."""
        known = ~np.isnan(self.columns["estimate"])
        return self.without_logarithm <= most_left_out(int(known.sum()))

    @property
    def bias(self) -> Mean:
        """Mean of the estimate less the true effect; of a ratio, of their logarithms.

        It is a difference, and no bias, where the analysis is for another estimand. NaN where more
        ratios are 0 or infinite than a mean can leave out: see `median_bias`.
        """
        (truth, *_), influence = self.true_effect
        if not self.has_mean:
            return Mean(*(np.asarray(np.nan),) * 3)
        if self.quantity.is_ratio:
            truth, influence = np.log(truth), influence / truth
        estimates = self._on_scale("estimate")
        _, mcse, sd = mean_over_replicates(estimates - influence)  # paired, replicate by replicate
        return Mean(mean_over_replicates(estimates).estimate - truth, mcse, sd)

    @property
    def median_bias(self) -> Quantile:
        """Median of the estimates less the true effect; of a ratio, of their logarithms.

        All estimates count, ratios of 0 and infinity too. Its limits are those of the median, moved
        out by 1.96 standard errors of the true effect: estimates and truth come from the same
        patients, so they are rather too wide.
        """
        estimates, (truth, error, _) = self.columns["estimate"], self.truth
        with np.errstate(divide="ignore", invalid="ignore"):  # the logarithm of 0 is the lowest
            if self.quantity.is_ratio:
                estimates, error, truth = np.log(estimates), error / truth, np.log(truth)
            middle, low, high = (end - truth for end in quantile_over_replicates(estimates, 0.5))
        return Quantile(middle, low - 1.96 * error, high + 1.96 * error)

    @property
    def coverage(self) -> Proportion:
        """Share of intervals that hold the true effect, among those estimated, however large."""
        known = ~np.isnan(self.columns["estimate"])
        low, high = (np.where(known, self.columns[end], np.nan) for end in ("low", "high"))
        return coverage(low, high, self.truth.estimate)

    @property
    def without_estimate(self) -> int:
        """Finished replicates with nobody to analyse in an arm, or no maximum; none rejects."""
        finished = np.isfinite(self.columns["rejected"])
        return int((finished & np.isnan(self.columns["estimate"])).sum())

    @property
    def without_logarithm(self) -> int:
        """Replicates whose ratio is 0 or infinite: they have no part in its mean and its bias."""
        return left_out(self.columns["estimate"], self.quantity)

    @property
    def without_limits(self) -> int:
        """Replicates with an interval of all ratios, from 0 to infinity: it covers any effect."""
        if not self.quantity.is_ratio:
            return 0
        estimate, low, high = (self.columns[name] for name in ("estimate", "low", "high"))
        return int((~np.isnan(estimate) & (low == 0) & np.isposinf(high)).sum())

    @property
    def power_counting_failures(self) -> Proportion:
        """Share of all replicates that reject, those that failed counted as not rejecting.

        A trial that never recruits its patients finds nothing; beside it, the power and all other
        figures are those of trials that were finished.
        """
        return wilson_interval(np.nansum(self.columns["favoured"]), self.replicates)

    def _on_scale(self, column: str) -> Floats:
        """Return estimates on the scale on which they are averaged; NaN where that has no value."""
        values = self.columns[column]
        return logarithms(values) if self.quantity.is_ratio else values

    @property
    def besides(self) -> tuple[str, ...]:
        """What is kept beside of some studies: counts by arm of events that few have.

        Of a programme it is the heterogeneity, and the results of each trial; of a trial that names
        its procedure of randomisation, how balanced and how predictable that is; of a hierarchy,
        the shares of all pairs that each level decides.
        """
        known = {*QUANTITIES, *OVER_LOOKS}
        beside = (PREFIX, OF_DELTAS, OF_DOSES, OF_ESTIMANDS, OF_SECONDARY, OF_TRUTH)
        others = (name for name in self.columns if not name.startswith(beside))
        return tuple(name for name in others if name not in known)

    @property
    def looks(self) -> LooksResult | None:
        """What the replicates say of the looks at the data; None of a study without any."""
        if "stop" not in self.columns:
            return None
        return LooksResult(
            columns=self.columns,
            true_effect=self.true_effect,
            log_scale=self.quantity.is_ratio,
            is_target=self.estimand.is_target,
            size_plan=self.size_plan,
        )

    @property
    def dose_finding(self) -> DoseFindingResult | None:
        """What the replicates say of shapes and target dose; None where none is looked for."""
        return None if self.dose_plan is None else self.dose_plan.result(self.columns)

    @property
    def secondary(self) -> SecondaryResult | None:
        """The results of the secondary analyses; None where they were not requested."""
        return secondary_of(self.columns)

    def mean_of(self, quantity: str) -> Mean:
        """Return the mean of a quantity over replicates, its Monte Carlo error and its SD."""
        return mean_over_replicates(self.columns[quantity])

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        means = {name: plain(self.mean_of(name)) for name in (*_REPORTED, *self.besides)}
        return {
            "scenario": self.scenario,
            "digest": self.digest,
            "seed": self.seed,
            "replicates": self.replicates,
            "failed": self.failed,
            "failures": [failure._asdict() for failure in self.failures],
            "engine": self.engine,
            "quantity": self.quantity.name,
            **({} if self.claim == "superiority" else {"claim": self.claim}),
            "power": self.power,
            "mcse": self.mcse,
            "ci": list(self.ci),
            "wrong_direction": plain(self.wrong_direction),
            "rejections": plain(self.rejections),
            "power_counting_failures": plain(self.power_counting_failures),
            "reached_limit": self.reached_limit,
            "without_estimate": self.without_estimate,
            "without_logarithm": self.without_logarithm,
            "without_limits": self.without_limits,
            "estimate": {**plain(self.estimate), **self._spread()},
            "estimand": self.estimand.to_dict(),
            "truth": plain(self.truth),
            **self._beside_truth(),
            **means,
            **({} if self.looks is None else {"monitoring": self.looks.to_dict()}),
            **({} if self.dose_finding is None else {"dose_finding": self.dose_finding.to_dict()}),
            **({} if self.secondary is None else {"secondary": self.secondary.to_dict()}),
            "conventions": dict(self.conventions),
            "note": SIMULATED,
            "seconds": self.seconds,
        }

    def _beside_truth(self) -> dict[str, Any]:
        """Return bias and coverage, or only a difference where the plan is for another estimand.

        A mean that would leave out too many ratios is None; the median has all of them.
        """
        mean = plain(self.bias) if self.has_mean else None
        median = {name: float(value) for name, value in self.median_bias._asdict().items()}
        median = {"median": median.pop("estimate"), **median}
        if self.estimand.is_target:
            return {"bias": mean, "median_bias": median, "coverage": plain(self.coverage)}
        away = {"difference_from_truth": mean, "median_difference_from_truth": median}
        return {"bias": None, "coverage": None, **away}

    def to_frame(self) -> "DataFrame":
        """Return a row for each operating characteristic: quantity, value, mcse, low, high, sd."""
        from pandas import DataFrame

        shares = {"power": self.favoured, "wrong_direction": self.wrong_direction}
        named = {"estimate": self.estimate, "truth": self.truth}
        if self.estimand.is_target:
            shares["coverage"], named["bias"] = self.coverage, self.bias
        else:
            named["difference_from_truth"] = self.bias
        beside = "median_bias" if self.estimand.is_target else "median_difference_from_truth"
        if self.secondary is not None:
            shares |= self.secondary.shares()
        rows: list[dict[str, Any]] = [
            {"quantity": name, **plain(share)} for name, share in shares.items()
        ]
        named |= {name: self.mean_of(name) for name in (*_REPORTED, *self.besides)}
        rows += [{"quantity": name, **plain(mean)} for name, mean in named.items()]
        rows.append({"quantity": beside, **plain(self.median_bias)})
        return DataFrame(rows).rename(columns={"mean": "value"})

    def per_replicate(self) -> "DataFrame":
        """Return a row for each replicate, with all that is kept of it but for true values."""
        from pandas import DataFrame

        hidden = (OF_ESTIMANDS, OF_TRUTH)
        shown = {name: one for name, one in self.columns.items() if not name.startswith(hidden)}
        frame = DataFrame(shown)
        frame.insert(0, "replicate", np.arange(self.replicates))
        return frame

    def _spread(self) -> dict[str, float]:
        """Return the central 95% of the estimates: where single trials fall."""
        known = self.columns["estimate"][np.isfinite(self.columns["estimate"])]
        low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
        return {"quantile_2.5": float(low), "quantile_97.5": float(high)}


def check_finished(done: Replicates, seed: int) -> None:
    """Refuse replicates of which none was finished.

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


def summarised(
    scenario: Study, seed: int, engine: str, done: Replicates, seconds: float
) -> PowerResult:
    """Return the result of replicates that have been run.

    Raises
    ------
    RunError
        If every replicate failed.
    """
    check_finished(done, seed)
    return PowerResult(
        scenario=scenario.name,
        digest=scenario.digest,
        seed=seed,
        replicates=len(done.columns["estimate"]),
        failures=done.failures,
        engine=engine,
        quantity=scenario.analysis.quantity,
        estimand=target_of(scenario),
        averaged=_averaged(scenario),
        conventions=conventions_of(scenario),
        true_effect=true_effect(scenario, done.columns),
        columns=done.columns,
        seconds=seconds,
        recruitment_limit_days=limit_that_stops(scenario),
        claim="superiority" if isinstance(scenario, Programme) else scenario.analysis.claim,
        dose_plan=dose_plan_of(scenario),
        size_plan=size_plan_of(scenario) if isinstance(scenario, Scenario) else None,
    )


def reaching(limit_days: float, columns: Mapping[str, Floats]) -> int:
    """Return in how many replicates recruitment lasted until a limit, infinite for none."""
    if math.isinf(limit_days):
        return 0
    return int(np.sum(columns["recruitment_days"] >= limit_days))


def limit_that_stops(study: Study) -> float:
    """Return the days at which recruitment stops; infinite where no limit stops a trial."""
    if isinstance(study, Programme) or study.operations.at_limit == "fail":
        return math.inf
    return study.operations.recruitment_limit_days


def _averaged(study: Study) -> str:
    return "mean score" if isinstance(study, Programme) else study.analysis.averaged


def mean_of(estimates: Floats, quantity: Quantity) -> Mean:
    """Return the mean of estimates over replicates; ratios are averaged on the log scale."""
    return geometric_mean(estimates) if quantity.is_ratio else mean_over_replicates(estimates)


def left_out(estimates: Floats, quantity: Quantity) -> int:
    """Return how many estimates have no part in their mean: ratios of 0 or infinity."""
    return without_logarithm(estimates) if quantity.is_ratio else 0


def of_wrong_direction(share: Proportion) -> dict[str, Any]:
    """Return the rejections in favour of the control, for JSON."""
    return {
        "wrong_direction": float(share.estimate),
        "wrong_direction_mcse": float(share.mcse),
        "wrong_direction_ci": [float(share.low), float(share.high)],
    }


def conventions_of(study: Study) -> Mapping[str, str]:
    """Return every convention of a study's analysis by name, and those of its looks."""
    if isinstance(study, Programme):
        return plan_in_words(study.analysis)
    looks = monitoring_in_words(study)
    return {
        **conventions_in_words(study),
        **{f"monitoring_{name}": words for name, words in looks.items()},
    }
