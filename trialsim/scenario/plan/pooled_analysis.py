"""How the results of several trials become one: the effect that each gives, and their weights."""

from collections.abc import Iterator
from typing import Any, Final, Literal, TypeAlias

from trialsim.distributions import OpenProbability
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import QUANTITIES, SIDES, Alternative, Level, Quantity
from trialsim.scenario.validation.refusal import CheckedModel, Violation
from trialsim.stats.meta_analysis import Reference, Tau2Method

Pooled: TypeAlias = Literal[
    "mann_whitney", "win_odds", "standardised_difference", "mean_difference"
]
Pooling: TypeAlias = Literal["fixed", "random", "wei_lachin"]
RANKS: Final = ("mann_whitney", "win_odds")
"""The measures that a rank below everybody's has a part in."""


def _random_effects_are_told(
    pooling: Pooling, heterogeneity: object, reference: object
) -> Iterator[Violation]:
    for name, value in {"heterogeneity": heterogeneity, "reference": reference}.items():
        if (pooling == "random") != (value is not None):
            yield Violation(name, "must be given with pooling: random, and only with it", value)


def _variance_of_ranks(measure: Pooled, variance: object) -> Iterator[Violation]:
    if (measure in RANKS) != (variance is not None):
        rule = "must be given for mann_whitney and win_odds, and only for them"
        yield Violation("variance", rule, variance)


class PooledAnalysis(CheckedModel):
    """The plan by which the trials of a programme are pooled in every replicate.

    Each trial's own plan says what is analysed of its patients: endpoint, visit, analysis set,
    missing scores, deaths. This one says which effect is taken from each, and its weight.
    """

    rules = (_random_effects_are_told, _variance_of_ranks)

    measure: Pooled
    """The effect of each trial; win odds are pooled as logarithms."""
    variance: Literal["null_variance", "placement"] | None = None
    """Of a Mann-Whitney effect: as if the arms did not differ, or from the placements."""
    pooling: Pooling
    """By inverse variance; the same with the variance between trials; or all trials alike."""
    heterogeneity: Tau2Method | None = None
    """How the variance between trials is estimated."""
    reference: Reference | None = None
    """What the interval of random effects is read off."""
    alternative: Alternative
    """Greater: the treated are better."""
    alpha: Level
    """The level of the pooled test, such as 0.05."""
    confidence: OpenProbability
    """Coverage of the pooled confidence interval, such as 0.95."""

    @property
    def quantity(self) -> Quantity:
        """What the pooled analysis estimates."""
        return QUANTITIES[self.measure]


def pooling_violations(plan: AnalysisPlan, pooled: PooledAnalysis) -> Iterator[Violation]:
    """Yield what in a trial's own plan its effect cannot be taken with."""
    if plan.strata != "none":
        yield Violation("strata", "must be none in a trial that is pooled", plan.strata)
    if plan.missing == "multiple_imputation":
        rule = "cannot be multiple_imputation in a trial that is pooled: use locf"
        yield Violation("missing", rule, plan.missing)
    if plan.claim != "superiority":
        rule = "must be superiority in a trial that is pooled, which is tested without a margin"
        yield Violation("claim", rule, plan.claim)
    if pooled.measure in RANKS:
        return
    if plan.death == "worst_rank":
        rule = f"must be as_missing for a {pooled.measure}: a rank below all is no number"
        yield Violation("death", rule, plan.death)
    for kind in plan.kinds_under("composite"):
        if kind in plan.intercurrent:
            rule = (
                f"cannot be composite for a {pooled.measure}, which needs a number: use "
                "while_on_treatment or hypothetical"
            )
            yield Violation(f"intercurrent.{kind}", rule, "composite")
    if plan.missing == "worst_rank":
        rule = f"cannot be worst_rank for a {pooled.measure}, which needs a number: use locf"
        yield Violation("missing", rule, plan.missing)


def pooling_in_words(pooled: PooledAnalysis) -> dict[str, str]:
    """Return each convention of pooling by name, as a sentence or more."""
    quantity = pooled.quantity
    return {
        "estimate": f"The pooled {quantity.name}: {_MEASURES[pooled.measure]}",
        "direction": f"Values above {quantity.null:g} favour treatment.",
        "pooling": _POOLING[pooled.pooling],
        **_heterogeneity(pooled),
        "alternative": SIDES[pooled.alternative],
        "alpha": f"The null hypothesis is rejected when the p-value is at most {pooled.alpha:g}.",
        "interval": f"{100 * pooled.confidence:.12g}%, two-sided, {_ends(pooled)}.",
        "trials": "Each trial has random numbers of its own; its plan says what is analysed of it.",
        "small_samples": "Level and coverage with few trials depend on the pooling and were not "
        "measured; coverage above is of this programme.",
        "counts": "Patients analysed, screened, infusions and events are sums over the trials; "
        "recruitment and duration are those of the longest trial, as if all began on one day.",
    }


def _heterogeneity(pooled: PooledAnalysis) -> dict[str, Any]:
    if pooled.pooling != "random":
        return {}
    how = f"The variance between trials is estimated by {pooled.heterogeneity}"
    return {"heterogeneity": f"{how}, the interval is read off {pooled.reference}."}


def _ends(pooled: PooledAnalysis) -> str:
    if pooled.variance is None:
        return "with each trial's large-sample variance"
    return {
        "null_variance": "with each trial's variance when its arms do not differ, corrected "
        "for ties",
        "placement": "with each trial's variance of the placements",
    }[pooled.variance]


_MEASURES: Final = {
    "mann_whitney": "P(treated better) + P(tie) / 2 of each trial.",
    "win_odds": "the odds of the Mann-Whitney effect of each trial, pooled as logarithms.",
    "standardised_difference": "Hedges' g of each trial, its difference of means over its SD.",
    "mean_difference": "the difference of means of each trial, in points.",
}
_POOLING: Final = {
    "fixed": "Weights are inverse variances, as if all trials had one effect.",
    "random": "Weights are inverse variances, that between the trials added to each.",
    "wei_lachin": "All trials weigh alike (Wei-Lachin, maximin-efficient robust).",
}
