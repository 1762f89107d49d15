"""The proportional odds model: its odds ratio, and the effect that it predicts for everybody."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from trialsim.scenario.plan.choices import Plan, Quantity
from trialsim.scenario.plan.methods.base import (
    AnalysisMethod,
    InfluenceVariance,
    influences_in_words,
    listed,
    measured,
    rates,
    unbalanced,
)
from trialsim.scenario.plan.methods.ranks import RankMethod
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.validation.refusal import Name, Rules, Violation

_GIVEN_ONE: Final = "proportional_odds, 1 covariate"


def _pooled_as_walds(test: "ProportionalOdds", missing: str) -> Iterator[Violation]:
    if test.interval != "wald" and missing == "multiple_imputation":
        rule = "must be wald with multiple_imputation, which pools standard errors"
        yield Violation("test.interval", rule, test.interval)


def _margin_by_wald(test: "ProportionalOdds", claim: str) -> Iterator[Violation]:
    if test.interval != "wald" and claim != "superiority":
        rule = f"must be wald with {claim}, which is tested by the standard error"
        yield Violation("test.interval", rule, test.interval)


class ProportionalOdds(AnalysisMethod):
    """One odds ratio for all cells of the scale."""

    omitted_defaults = ("covariates", "interval")
    conflicts: ClassVar[Rules] = (_pooled_as_walds, _margin_by_wald)
    tests_margins: ClassVar[bool] = True
    pools_imputations: ClassVar[bool] = True
    pooled_as: ClassVar[str] = "logarithm of the odds ratio"
    can_be_monitored: ClassVar[bool] = True
    statistic_is_z: ClassVar[bool] = True
    has_blinded_size: ClassVar[bool] = True

    method: Literal["proportional_odds"]
    covariates: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    """In the model besides the arm, each with a slope of its own on the log odds."""
    interval: Literal["wald", "profile"] = "wald"
    """Wald's, by the standard error, usually; or all odds ratios that the likelihood ratio test
    would not reject, finite at one end where the arms are separated."""

    def quantity(self, plan: Plan) -> Quantity:
        return Quantity("odds ratio", 1.0)

    def estimate_in_words(self, plan: Plan) -> str:
        return (
            f"Common odds ratio of a better {measured(plan)} on {plan.treated} against "
            f"{plan.control}, above any cell of the scale{self._given}."
        )

    def test_in_words(self, plan: Plan) -> str:
        return (
            f"Score test in the proportional odds model{self._given}, normal; it holds where the "
            "arms are separated and the odds ratio is 0 or infinite. Where the likelihood has no "
            "maximum for another reason there is no estimate, and the trial does not reject."
        )

    def ties_in_words(self, plan: Plan) -> str:
        return "Tied patients are in one cell of the model."

    def variance_in_words(self, plan: Plan) -> str:
        return "The test's variance is that of the null hypothesis, by the expected information."

    def level_row(self, plan: Plan) -> str | None:
        if len(self.covariates) > 1 or plan.missing == "multiple_imputation":
            return None
        return _GIVEN_ONE if self.covariates else "proportional_odds"

    def small_samples_in_words(self, plan: Plan) -> str:
        told = super().small_samples_in_words(plan)
        if len(self.covariates) < 2 or plan.claim != "superiority":
            return told
        return (
            f"{told} Given one covariate it rejects at 5% in {rates(_GIVEN_ONE)}, and given "
            "several it may more often: the test is asymptotic."
        )

    def interval_row(self, plan: Plan) -> str | None:
        told = not self.covariates and plan.missing != "multiple_imputation"
        return "proportional_odds, interval" if told and self.interval == "wald" else None

    def margin_row(self, plan: Plan) -> str | None:
        told = not self.covariates and plan.missing != "multiple_imputation"
        return "margin, odds ratio" if told else None

    def interval_in_words(self, plan: Plan) -> str:
        if self.interval == "profile":
            return (
                "by the profile likelihood, so that test and interval can disagree; without an end "
                "on one side where the arms are separated"
            )
        return (
            "Wald, on the log scale, by the observed information, so that test and interval can "
            "disagree; from 0 to infinity where the arms are separated"
        )

    @property
    def _given(self) -> str:
        return f", given {listed(self.covariates)}" if self.covariates else ""


class StandardisedMannWhitney(RankMethod):
    """The Mann-Whitney effect that a proportional odds model predicts, averaged over all patients.

    Model-assisted: the covariates make it precise, and the effect is marginal, that of all pairs of
    patients, as without covariates; not the odds ratio between patients who are alike.
    """

    omitted_defaults = ("variance",)
    pools_imputations: ClassVar[bool] = True
    why_not_monitored: ClassVar[str] = (
        "its estimates at two looks have the known law of z only where the model is true"
    )

    method: Literal["standardised_mann_whitney"]
    covariates: Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]
    """In the model besides the arm, such as [arat, age_years]."""
    variance: InfluenceVariance = "simple"
    """Of the effect, as under simple randomisation, usually; or that of the design, which keeps the
    arms in balance within its strata: smaller where strata tell."""

    def effect_in_words(self, plan: Plan) -> str:
        return (
            f"{super().effect_in_words(plan)}, a marginal effect, standardised over all patients "
            f"analysed (model-assisted: proportional odds given {listed(self.covariates)})"
        )

    def test_in_words(self, plan: Plan) -> str:
        return (
            "Student's t test of the standardised effect, not stratified. Where the likelihood has "
            "no maximum there is no estimate, and the trial does not reject."
        )

    def ties_in_words(self, plan: Plan) -> str:
        return "Tied patients are in one cell of the model; a tie counts one half."

    def variance_in_words(self, plan: Plan) -> str:
        return influences_in_words(self.variance)

    def effect_interval_in_words(self, plan: Plan) -> str:
        return "Student's t on the logit scale, with the test's variance"

    def level_row(self, plan: Plan) -> str | None:
        told = len(self.covariates) == 1 and plan.missing != "multiple_imputation"
        strata = ", 4 strata, design" if self.variance == "design" else ""
        return f"{self.method}{strata}" if told else None

    def design_violations(self, design: Design, plan: Plan) -> Iterator[Violation]:
        yield from unbalanced(self.variance, design)
