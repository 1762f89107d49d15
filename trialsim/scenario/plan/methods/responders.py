"""Shares of patients at or beyond a threshold."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.choices import QUANTITIES, STRATA, Plan, Quantity
from trialsim.scenario.plan.methods.base import (
    AnalysisMethod,
    InfluenceVariance,
    influences_in_words,
    listed,
    measured,
    unbalanced,
)
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.validation.refusal import Finite, Name, Rules, Violation
from trialsim.stats.means_and_proportions.two_shares import IntervalOfShares, Measure


def _within_sites(test: "Responders", strata: str, stratum_weighting: str) -> Iterator[Violation]:
    if strata == "none":
        return
    if test.interval != "newcombe":
        rule = "must be left at newcombe with strata, which have an interval of their own"
        yield Violation("test.interval", rule, test.interval)
    if stratum_weighting != "mantel-haenszel":
        rule = "must be mantel-haenszel with responders in strata"
        yield Violation("stratum_weighting", rule, stratum_weighting)


def _standardised_alone(test: "Responders", strata: str, missing: str) -> Iterator[Violation]:
    """Refuse what has no part where a model given covariates is standardised."""
    if not test.covariates:
        if test.variance != "simple":
            rule = "must be left at simple without covariates, by which an effect is standardised"
            yield Violation("test.variance", rule, test.variance)
        return
    rule = "must be left at {} with covariates, by which a risk difference is standardised"
    for field, value, usual in (
        ("test.effect", test.effect, "risk_difference"),
        ("test.interval", test.interval, "newcombe"),
        ("strata", strata, "none"),
    ):
        if value != usual:
            yield Violation(field, rule.format(usual), value)
    if missing == "multiple_imputation":
        rule = "cannot be multiple_imputation with responders given covariates: use locf"
        yield Violation("missing", rule, missing)


def _pooled_as_a_difference(test: "Responders", missing: str) -> Iterator[Violation]:
    if missing == "multiple_imputation":
        for field, usual in (("effect", "risk_difference"), ("interval", "newcombe")):
            if getattr(test, field) != usual:
                rule = f"must be left at {usual} with multiple_imputation, which pools differences"
                yield Violation(f"test.{field}", rule, getattr(test, field))


class Responders(AnalysisMethod):
    """Shares of patients at or beyond a threshold."""

    omitted_defaults = ("effect", "interval", "covariates", "variance")
    conflicts: ClassVar[Rules] = (_within_sites, _pooled_as_a_difference, _standardised_alone)
    takes_strata: ClassVar[bool] = True
    pools_imputations: ClassVar[bool] = True
    tests_margins: ClassVar[bool] = True
    pooled_as: ClassVar[str] = "risk difference"
    can_be_monitored: ClassVar[bool] = True
    monitored_by_counts: ClassVar[bool] = True
    has_blinded_size: ClassVar[bool] = True

    method: Literal["responders"]
    threshold: Finite
    """Points of the score, or of its change, such as 2; who has it exactly responds."""
    effect: Measure = "risk_difference"
    """Whether shares are subtracted, usually, or divided: risk_ratio; or their odds: odds_ratio."""
    interval: IntervalOfShares = "newcombe"
    """Newcombe's from two Wilson intervals, beside Fisher's exact test, usually; or that of
    Miettinen and Nurminen, beside their score test."""
    covariates: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    """In a logistic model whose predictions for all patients are averaged in each arm, so that the
    risk difference stays that of two populations; such as [arat, age_years], usually none."""
    variance: InfluenceVariance = "simple"
    """Of the effect given covariates, as under simple randomisation, usually; or that of the
    design, which keeps the arms in balance within its strata: smaller where strata tell."""

    def quantity(self, plan: Plan) -> Quantity:
        return QUANTITIES[self.effect]

    def why_no_population_effect(self, plan: Plan) -> str | None:
        if self.effect == "odds_ratio" and plan.strata != "none":
            return "a common odds ratio of strata, which is not that of all patients together"
        return None

    def mean_in_words(self, plan: Plan) -> str:
        return "responders"

    def estimate_in_words(self, plan: Plan) -> str:
        name, share, joined = {
            "risk_difference": ("Risk difference", "share", "less"),
            "risk_ratio": ("Risk ratio", "share", "over"),
            "odds_ratio": ("Odds ratio", "odds", "over"),
        }[self.effect]
        within = ""
        if plan.strata != "none":
            weighted = "common to all" if self.effect == "odds_ratio" else "weighted by m n / N"
            within = f", within each {STRATA[plan.strata]}, {weighted}"
        if self.covariates:
            within = (
                ", a marginal effect, standardised over all patients analysed (model-assisted: "
                f"logistic regression given {listed(self.covariates)})"
            )
        return (
            f"{name}: the {share} of patients on {plan.treated} whose {measured(plan)} is "
            f"{self.threshold} or better, {joined} that on {plan.control}{within}."
        )

    def test_in_words(self, plan: Plan) -> str:
        below = "Whoever ranks below all others does not respond."
        if self.covariates:
            return (
                "Student's t test of the standardised difference, not stratified. Where the "
                "likelihood has no maximum there is no estimate, and the trial does not reject. "
                f"{below}"
            )
        if plan.strata != "none":
            return (
                f"Cochran-Mantel-Haenszel test stratified by {STRATA[plan.strata]}, asymptotic, "
                f"without continuity correction. {below}"
            )
        if self.interval == "miettinen-nurminen":
            return f"Score test of Miettinen and Nurminen (1985), asymptotic. {below}"
        return (
            "Fisher's exact test, two-sided by adding the tables that are no more probable; it has "
            f"no statistic. {below}"
        )

    def ties_in_words(self, plan: Plan) -> str:
        return "Scores are not ranked, so ties have no part."

    def variance_in_words(self, plan: Plan) -> str:
        if self.covariates:
            return influences_in_words(self.variance)
        if plan.strata != "none":
            within = f"in each {STRATA[plan.strata]}, given margins"
            return f"The test's variance is that of the null hypothesis {within}."
        if self.interval == "miettinen-nurminen":
            return "The test's variance is that of the null hypothesis, times N / (N - 1)."
        return "The test is exact and has no variance."

    def level_row(self, plan: Plan) -> str | None:
        if plan.missing == "multiple_imputation":
            return None
        if self.covariates:
            if len(self.covariates) > 1:
                return None
            strata = ", 4 strata, design" if self.variance == "design" else ""
            return f"responders, standardised{strata}"
        if plan.strata != "none":
            return "responders, 12 sites" if plan.strata == "site" else None
        score = self.interval == "miettinen-nurminen"
        return "responders, score test" if score else "responders"

    def interval_row(self, plan: Plan) -> str | None:
        told = plan.missing != "multiple_imputation" and plan.strata == "none"
        usual = self.effect == "risk_difference" and self.interval == "newcombe"
        usual &= not self.covariates
        return "responders, interval" if told and usual else None

    def margin_row(self, plan: Plan) -> str | None:
        if plan.missing == "multiple_imputation" or plan.strata != "none" or self.covariates:
            return None
        return f"margin, {self.quantity(plan).name}, {self.interval}"

    def small_samples_in_words(self, plan: Plan) -> str:
        told = super().small_samples_in_words(plan)
        exact = self.interval == "newcombe" and plan.strata == "none" and not self.covariates
        if plan.missing == "multiple_imputation" or plan.claim != "superiority" or not exact:
            return told
        return (
            f"{told} Fisher's test is conservative and the "
            f"interval is not, so that the interval can leave out {self.quantity(plan).null:g} "
            "where the test does not reject."
        )

    def interval_in_words(self, plan: Plan) -> str:
        if self.covariates:
            return "Student's t, with the test's variance"
        if plan.strata != "none":
            if self.effect == "odds_ratio":
                return (
                    "normal on the log scale, with the variance of Robins, Breslow and Greenland "
                    "(1986)"
                )
            scale = " on the log scale" if self.effect == "risk_ratio" else ""
            return f"normal{scale}, with the variance of Greenland and Robins (1985)"
        if self.interval == "miettinen-nurminen":
            return (
                "Miettinen and Nurminen's score method (1985), with the variance under each value "
                "that is tested"
            )
        if self.effect == "risk_ratio":
            return "Newcombe's from two Wilson intervals, for a ratio (Donner and Zou 2012)"
        if self.effect == "odds_ratio":
            return (
                "Fagerland and Newcombe's (2013) by the inverse hyperbolic sine, with up to 0.45 "
                "patients more in each cell of the table"
            )
        return "Newcombe's method 10 (1998), from two Wilson intervals"

    def design_violations(self, design: Design, plan: Plan) -> Iterator[Violation]:
        yield from unbalanced(self.variance, design)

    def outcome_violations(
        self, outcomes: Mapping[str, Outcome], plan: Plan
    ) -> Iterator[Violation]:
        if plan.endpoint in outcomes:
            yield from unreached(self.threshold, outcomes[plan.endpoint], plan.measure)


def unreached(threshold: float, outcome: Outcome, measure: str) -> Iterator[Violation]:
    """Refuse a threshold that nobody or everybody reaches."""
    if not outcome.keeps_its_rules:
        return
    low, high, step = outcome.low, outcome.high, outcome.step
    if measure == "change":
        low, high = low - high, high - low
    lowest, highest = (low + step, high) if outcome.sign > 0 else (low, high - step)
    if not lowest <= threshold <= highest:
        rule = f"must lie between {lowest:g} and {highest:g}, or all patients or none respond"
        yield Violation("test.threshold", rule, threshold)
