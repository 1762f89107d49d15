"""The true value of each estimand of a study, and how near each analysis comes to each of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from trialsim.analysis.endpoint import cells_of
from trialsim.analysis.methods.registry import measurements, population_effect
from trialsim.analysis.potential import variable_of
from trialsim.analysis.truth import Populations
from trialsim.arrays import Floats
from trialsim.replicates.estimands import (
    ARMS,
    BOTH,
    Key,
    affected_of,
    analyses_of,
    events_of,
    found_by,
    histogram_of,
    patients_of,
    variables_of,
)
from trialsim.replicates.monitoring.spread import share_of
from trialsim.replicates.result import SIMULATED, mean_of
from trialsim.replicates.run import Failure
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import PRIMARY, Quantity
from trialsim.scenario.plan.estimands import EVENTS, Estimand
from trialsim.scenario.plan.handling import departures
from trialsim.scenario.plan.methods.mann_whitney import MannWhitney
from trialsim.scenario.plan.methods.means import Welch
from trialsim.scenario.plan.methods.proportional_odds import ProportionalOdds
from trialsim.scenario.plan.methods.registry import AnyMethod
from trialsim.scenario.plan.methods.responders import Responders
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.estimands import (
    OF_ALL_PAIRS,
    attributes_in_words,
    estimand_of,
    estimands_of,
    happening,
    may_happen,
    name_of_estimand,
    why_not_for,
)
from trialsim.shown import Shown
from trialsim.stats.monte_carlo import (
    Mean,
    Proportion,
    RatioOfMeans,
    coverage,
    logarithms,
    mean_over_replicates,
    ratio_of_means,
)

if TYPE_CHECKING:
    from pandas import DataFrame

INDIVIDUAL: Final = (
    "The probability that a patient does better on the drug than the same patient without it, "
    "ties counted half, is beyond any trial: nobody is in both arms. Here both are simulated, so "
    "it follows from how the study correlates them, which no data can show."
)


class Measure(NamedTuple):
    """A summary of the difference between arms, and a plan that has it."""

    label: str
    plan: AnalysisPlan


class Truth(NamedTuple):
    """The true value of an estimand by one measure."""

    estimand: str
    measure: str
    null: float
    value: Mean
    """NaN where it has none: a mean where some are below every score, or an empty stratum."""


class EventShare(NamedTuple):
    """The share of patients who would have an event by the visit if all were in an arm."""

    event: str
    treated: Mean
    control: Mean


class Analysed(NamedTuple):
    """What an analysis finds in the trials as they were run."""

    name: str
    estimand: str
    """The name of the estimand that it is for."""
    quantity: Quantity
    estimate: Mean
    power: Proportion
    without_estimate: int
    because: tuple[str, ...]
    """Why it cannot be for that estimand, as sentences; empty where it can."""


class Beside(NamedTuple):
    """An analysis beside an estimand: what it would be worth if it were for that one."""

    analysis: str
    estimand: str
    is_named: bool
    """Whether the analysis is for this estimand by its own word."""
    is_aligned: bool
    """Whether what it does about each kind of event is what the estimand says."""
    truth: Mean
    bias: Mean
    """Mean estimate less the true value, of a ratio of logarithms; paired, trial by trial."""
    rmse: Mean
    """Root of the mean squared distance from the true value."""
    coverage: Proportion
    """Share of the intervals that hold the true value."""
    power: Proportion

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON and tables; what has no value is None."""
        row: dict[str, Any] = {
            "analysis": self.analysis,
            "estimand": self.estimand,
            "is_named": self.is_named,
            "is_aligned": self.is_aligned,
        }
        for name in ("truth", "bias", "rmse", "coverage", "power"):
            found: Mean | Proportion = getattr(self, name)
            told = _mean(Mean(found.estimate, found.mcse, np.asarray(np.nan)))
            row |= {name: told["value"], f"{name}_mcse": told["mcse"]}
        return row


@dataclass(frozen=True, repr=False)
class Estimands(Shown):
    """The replicates of a study, and what they say of its estimands."""

    study: Scenario
    seed: int
    failures: tuple[Failure, ...]
    engine: str
    columns: Mapping[str, Floats]
    """What is kept of each replicate; see `estimand_names`."""
    seconds: float

    @property
    def scenario(self) -> str:
        """The name of the study."""
        return self.study.name

    @property
    def digest(self) -> str:
        """The digest of the study."""
        return self.study.digest

    @property
    def replicates(self) -> int:
        """Trials simulated, those that failed among them."""
        return len(self.columns["estimate"])

    @property
    def failed(self) -> int:
        """Trials that could not be finished."""
        return len(self.failures)

    @property
    def named(self) -> Mapping[str, Estimand]:
        """The estimands by name."""
        return estimands_of(self.study)

    @property
    def left_out(self) -> dict[str, str]:
        """Why each analysis that has no row in the matrix has none, by its name."""
        plans = {PRIMARY: self.study.analysis, **self.study.analysis.further}
        whys = {name: plan.test.why_no_population_effect(plan) for name, plan in plans.items()}
        return {name: why for name, why in whys.items() if why is not None}

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The measures by which the primary variable is summarised."""
        plan = self.study.analysis
        named: list[tuple[str, Any, AnyMethod]] = [
            ("Mann-Whitney effect", "mann_whitney", MannWhitney(method="mann_whitney")),
            ("win odds", "win_odds", MannWhitney(method="mann_whitney")),
            ("mean difference", "mann_whitney", Welch(method="welch")),
            ("odds ratio", "mann_whitney", ProportionalOdds(method="proportional_odds")),
        ]
        for one in self._responders():
            what = one.quantity(plan).name
            named.append((f"{what}, {one.threshold:g} or better", "mann_whitney", one))
        return tuple(
            Measure(label, plan.model_copy(update={"effect": effect, "test": test}))
            for label, effect, test in named
        )

    @cached_property
    def truths(self) -> tuple[Truth, ...]:
        """The true value of each estimand by each measure, over all pairs of patients."""
        return tuple(
            Truth(name, one.label, one.plan.quantity.null, self.truth_of(one.plan, name).mean)
            for name in self.named
            for one in self.measures
        )

    def truth_of(self, plan: AnalysisPlan, estimand: str) -> RatioOfMeans:
        """Return the true value of an estimand as a plan summarises it, and its influences."""
        return population_effect([self._populations(one, estimand) for one in measurements(plan)])

    def _populations(self, plan: AnalysisPlan, estimand: str) -> Populations:
        key = Key(list(variables_of(self.study)).index(variable_of(plan)), estimand)
        outcome = self.study.outcomes[plan.endpoint]
        cells = cells_of(outcome, plan)
        arms = (histogram_of(self.columns, key, arm, cells) for arm in ARMS)
        return Populations(plan, outcome, *arms)

    @property
    def individual(self) -> dict[str, Mean]:
        """By estimand, P(better on the drug than the same patient without it), ties half."""
        return {name: self._share(name, "better", "compared") for name in self.named}

    @property
    def population(self) -> dict[str, Mean]:
        """By estimand, the share of the randomised who are of its population (its stratum)."""
        everybody = events_of(self.columns, EVENTS[0], ARMS[0])[1]
        return {
            name: ratio_of_means(self._patients(name)["population"], everybody).mean
            for name in self.named
        }

    @property
    def valueless(self) -> dict[str, Mean]:
        """By estimand, the share of its population without a value, a patient in an arm each.

        While on treatment, of an outcome that is not measured at baseline, these are patients whose
        event comes before the first visit; they are left out.
        """
        found = {}
        for name in self.named:
            patients = self._patients(name)
            found[name] = ratio_of_means(patients["valueless"], 2 * patients["population"]).mean
        return found

    @property
    def events(self) -> tuple[EventShare, ...]:
        """The share of patients with each event by the primary visit, were all in one arm."""
        return tuple(
            EventShare(
                event,
                *(ratio_of_means(*events_of(self.columns, event, arm)).mean for arm in ARMS),
            )
            for event in (*happening(self.study), BOTH)
        )

    @property
    def affected(self) -> Mean:
        """Share of those alive at the primary visit without a score there, or after an event."""
        return ratio_of_means(*affected_of(self.columns)).mean

    @cached_property
    def analysed(self) -> tuple[Analysed, ...]:
        """What each analysis finds in the trials as they were run."""
        return tuple(self._analysed(name, plan) for name, plan in analyses_of(self.study).items())

    @cached_property
    def matrix(self) -> tuple[Beside, ...]:
        """Each analysis beside each estimand, over the same trials."""
        return tuple(
            self._beside(one, plan, estimand)
            for one, plan in zip(self.analysed, analyses_of(self.study).values(), strict=True)
            for estimand in self.named
        )

    def to_frame(self) -> "DataFrame":
        """Return the matrix: a row for each analysis and estimand."""
        from pandas import DataFrame

        return DataFrame([one.to_dict() for one in self.matrix])

    def truth_frame(self) -> "DataFrame":
        """Return a row for each estimand and measure: its true value and Monte Carlo error."""
        from pandas import DataFrame

        rows = [{**one._asdict(), "mcse": float(one.value.mcse)} for one in self.truths]
        return DataFrame([{**row, "value": float(row["value"].estimate)} for row in rows])

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON; what has no value is null."""
        about = ("scenario", "digest", "seed", "replicates", "failed", "engine")
        return {
            **{name: getattr(self, name) for name in about},
            "estimands": [self._told(name) for name in self.named],
            "events": [
                {"event": one.event, "treated": _mean(one.treated), "control": _mean(one.control)}
                for one in self.events
            ],
            "affected": _mean(self.affected),
            "analyses": [
                {**_told_of(one), "attributes": self._attributes(one.name)} for one in self.analysed
            ],
            "matrix": [one.to_dict() for one in self.matrix],
            "left_out": [
                {"name": name, "why": why, "attributes": self._attributes(name)}
                for name, why in self.left_out.items()
            ],
            "truth": OF_ALL_PAIRS,
            "individual": INDIVIDUAL,
            "note": SIMULATED,
            "seconds": self.seconds,
        }

    def _attributes(self, analysis: str) -> dict[str, str]:
        """Return the five attributes of an analysis."""
        plan = {PRIMARY: self.study.analysis, **self.study.analysis.further}[analysis]
        return attributes_in_words(self.study, plan, estimand_of(self.study, plan))

    def _told(self, name: str) -> dict[str, Any]:
        estimand, plan = self.named[name], self.study.analysis
        return {
            "name": name,
            "attributes": attributes_in_words(self.study, plan, estimand),
            "values": [
                {"measure": one.measure, **_mean(one.value)}
                for one in self.truths
                if one.estimand == name
            ],
            "better_than_the_same_patient": _mean(self.individual[name]),
            "population": _mean(self.population[name]),
            "without_value": _mean(self.valueless[name]),
        }

    def _responders(self) -> Iterator[Responders]:
        """Yield the different choices of responders that analyses of the primary variable make."""
        variable, found = variable_of(self.study.analysis), []
        for plan in analyses_of(self.study).values():
            test = plan.test
            if isinstance(test, Responders) and variable_of(plan) == variable and test not in found:
                found.append(test)
                yield test

    def _patients(self, name: str) -> dict[str, Floats]:
        return patients_of(self.columns, Key(0, name))

    def _share(self, name: str, over: str, under: str) -> Mean:
        patients = self._patients(name)
        return ratio_of_means(patients[over], patients[under]).mean

    def _analysed(self, name: str, plan: AnalysisPlan) -> Analysed:
        found = found_by(self.columns, name)
        unknown = np.isfinite(found["rejected"]) & np.isnan(found["estimate"])
        return Analysed(
            name,
            name_of_estimand(plan),
            plan.quantity,
            mean_of(found["estimate"], plan.quantity),
            share_of(found["favoured"]),
            int(unknown.sum()),
            why_not_for(self.study, plan, self.named),
        )

    def _beside(self, analysed: Analysed, plan: AnalysisPlan, estimand: str) -> Beside:
        truth, found = self.truth_of(plan, estimand), found_by(self.columns, analysed.name)
        bias, rmse = _distances(found["estimate"], truth, plan.quantity.is_ratio)
        known = np.isfinite(found["estimate"]) & np.isfinite(truth.mean.estimate)
        low, high = (np.where(known, found[end], np.nan) for end in ("low", "high"))
        departing = departures(plan, self.named[estimand], may_happen(self.study))
        return Beside(
            analysed.name,
            estimand,
            analysed.estimand == estimand,
            next(departing, None) is None,
            truth.mean,
            bias,
            rmse,
            coverage(low, high, truth.mean.estimate),
            analysed.power,
        )


def _distances(estimates: Floats, truth: RatioOfMeans, is_ratio: bool) -> tuple[Mean, Mean]:
    """Return bias and root mean squared error, with the errors that truth and estimates share."""
    (true, *_), influence = truth
    if is_ratio:
        estimates, influence, true = logarithms(estimates), influence / true, np.log(true)
    away = estimates - true
    centre = mean_over_replicates(away).estimate
    _, mcse, sd = mean_over_replicates(estimates - influence)
    squares = away**2
    mean = mean_over_replicates(squares).estimate
    moved = mean_over_replicates(squares - 2 * centre * influence)
    root = np.sqrt(mean)
    slope = 1 / (2 * root) if root > 0 else np.nan
    return Mean(centre, mcse, sd), Mean(root, slope * moved.mcse, slope * moved.sd)


def _mean(found: Mean) -> dict[str, float | None]:
    numbers = {"value": float(found.estimate), "mcse": float(found.mcse)}
    return {name: one if np.isfinite(one) else None for name, one in numbers.items()}


def _told_of(one: Analysed) -> dict[str, Any]:
    return {
        "name": one.name,
        "estimand": one.estimand,
        "quantity": one.quantity.name,
        "estimate": _mean(one.estimate),
        "power": {"value": float(one.power.estimate), "mcse": float(one.power.mcse)},
        "without_estimate": one.without_estimate,
        "because": list(one.because),
    }
