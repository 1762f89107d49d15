"""What the methods that estimate a Mann-Whitney effect have in common."""

from typing import ClassVar, Final

from trialsim.scenario.plan.choices import (
    QUANTITIES,
    STRATA,
    Effect,
    Interval,
    Plan,
    Quantity,
    StratumWeighting,
)
from trialsim.scenario.plan.methods.base import AnalysisMethod, measure_in_words

PLACEMENTS: Final = "The test's variance is that of the placements, under any hypothesis"


def stratified(plan: Plan) -> str:
    """Return by what a test is stratified, as a phrase."""
    return "not stratified" if plan.strata == "none" else f"stratified by {STRATA[plan.strata]}"


def within_strata(plan: Plan) -> str:
    """Return within what patients are compared, as a phrase; empty where all are together."""
    if plan.strata == "none":
        return ""
    return f", within each {STRATA[plan.strata]}, {_WEIGHTS[plan.stratum_weighting]}"


class RankMethod(AnalysisMethod):
    """A method whose effect is a Mann-Whitney effect, on whichever scale the plan reports it."""

    has_effect_scales: ClassVar[bool] = True
    tests_margins: ClassVar[bool] = True
    pooled_as: ClassVar[str] = "logit of the Mann-Whitney effect"

    def quantity(self, plan: Plan) -> Quantity:
        return QUANTITIES[plan.effect]

    def estimate_in_words(self, plan: Plan) -> str:
        return f"{_EFFECTS[plan.effect]}{self.effect_in_words(plan)}."

    def effect_in_words(self, plan: Plan) -> str:
        """Return the Mann-Whitney effect that is estimated, without a full stop."""
        return (
            f"the probability that a patient on {plan.treated} has a better {plan.endpoint} "
            f"{measure_in_words(plan)} at {plan.visit} than one on {plan.control}, ties counted "
            f"half{within_strata(plan)}"
        )

    def ties_in_words(self, plan: Plan) -> str:
        if plan.effect == "win_ratio":
            return "Tied pairs count in the test one half, and not at all in the win ratio."
        return "Tied patients share the mean of their ranks (midranks); a tie counts one half."

    def interval_in_words(self, plan: Plan) -> str:
        if plan.effect == "win_ratio":
            return "normal on the log scale (Bebu and Lachin 2016)"
        method = self.effect_interval_in_words(plan)
        if plan.effect != "mann_whitney":
            method += "; made for the Mann-Whitney effect and carried over"
        return method

    def effect_interval_in_words(self, plan: Plan) -> str:
        """Return how the interval of the Mann-Whitney effect itself is made."""
        if plan.strata != "none":
            return f"normal, with the variance of the placements in each {STRATA[plan.strata]}"
        return _INTERVALS[plan.interval]


class SampleRankMethod(RankMethod):
    """A rank method of two unadjusted samples, which also has a win ratio."""

    has_win_ratio: ClassVar[bool] = True

    def interval_row(self, plan: Plan) -> str | None:
        return f"interval {plan.interval}, effect 0.71" if _is_plain(plan) else None

    def margin_row(self, plan: Plan) -> str | None:
        return f"margin, Mann-Whitney effect, {plan.interval}" if _is_plain(plan) else None


def _is_plain(plan: Plan) -> bool:
    """Return whether one effect is estimated, of whole samples as they are."""
    imputed = plan.missing == "multiple_imputation"
    return plan.effect != "win_ratio" and plan.strata == "none" and not imputed


_EFFECTS: Final[dict[Effect, str]] = {
    "mann_whitney": "Mann-Whitney effect: ",
    "win_odds": "Win odds, effect / (1 - effect) of the Mann-Whitney effect: ",
    "win_ratio": "Win ratio, pairs won over pairs lost by the treated, ties left out; tested by "
    "the Mann-Whitney effect: ",
    "net_benefit": "Net benefit, 2 effect - 1 of the Mann-Whitney effect: ",
}
_INTERVALS: Final[dict[Interval, str]] = {
    "null_variance": "normal, with the tie-corrected variance that holds when the arms do not "
    "differ",
    "delong": "normal, with the variance of the placements (DeLong 1988)",
    "brunner-munzel": "Student's t with Satterthwaite's degrees of freedom and the variance of "
    "the placements (Brunner and Munzel 2000)",
    "logit": "normal on the logit scale, with the variance of the placements",
    "newcombe": "Newcombe's method 5 (2006), a score interval that takes no account of ties",
}
_WEIGHTS: Final[dict[StratumWeighting, str]] = {
    "van-elteren": "weighted as van Elteren weights",
    "mantel-haenszel": "weighted by m n / N of its patients (Mantel-Haenszel)",
    "pairs": "weighted by its pairs of patients",
    "patients": "weighted by its patients",
    "equal": "all weighted alike",
    "inverse-variance": "weighted by the inverse of its variance when the arms do not differ",
}
