"""The methods that compare means: Student's and Welch's t tests, and analysis of covariance."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.choices import Plan, Quantity
from trialsim.scenario.plan.methods.base import (
    AnalysisMethod,
    listed,
    measured,
)
from trialsim.scenario.validation.refusal import Name, Violation


class MeanMethod(AnalysisMethod):
    """A method that needs a number from every patient: a rank below all others is none."""

    needs_numbers: ClassVar[bool] = True
    tests_margins: ClassVar[bool] = True
    pools_imputations: ClassVar[bool] = True
    pooled_as: ClassVar[str] = "difference of means"
    can_be_monitored: ClassVar[bool] = True
    has_blinded_size: ClassVar[bool] = True

    def quantity(self, plan: Plan) -> Quantity:
        return Quantity("mean difference", 0.0)

    def estimate_in_words(self, plan: Plan) -> str:
        return (
            f"Mean difference: {measured(plan)} on {plan.treated} less that on {plan.control}, in "
            "points towards the better end of the scale."
        )

    def pooled_in_words(self, plan: Plan) -> str:
        return self.test_in_words(plan)

    def ties_in_words(self, plan: Plan) -> str:
        return "Scores are not ranked, so ties have no part."

    def interval_in_words(self, plan: Plan) -> str:
        return "Student's t"


class _TwoMeans(MeanMethod):
    """A comparison of two means as they are."""

    has_joint_law: ClassVar[bool] = True

    method: str

    def level_row(self, plan: Plan) -> str | None:
        return None if plan.missing == "multiple_imputation" else self.method

    def margin_row(self, plan: Plan) -> str | None:
        told = plan.missing != "multiple_imputation"
        return f"margin, mean difference, {self.method}" if told else None


class TTest(_TwoMeans):
    """Student's t test."""

    method: Literal["t_test"]

    def test_in_words(self, plan: Plan) -> str:
        return "Student's t test, one variance for both arms."

    def variance_in_words(self, plan: Plan) -> str:
        return "One variance for both arms, from within them."


class Welch(_TwoMeans):
    """Welch's t test."""

    method: Literal["welch"]

    def test_in_words(self, plan: Plan) -> str:
        return "Welch's t test, a variance for each arm."

    def variance_in_words(self, plan: Plan) -> str:
        return "A variance for each arm."

    def interval_in_words(self, plan: Plan) -> str:
        return "Student's t with Satterthwaite's degrees of freedom"


class Ancova(MeanMethod):
    """Least squares of the score on arm, baseline score and other covariates."""

    omitted_defaults = ("covariates", "slopes")
    has_joint_law: ClassVar[bool] = True

    method: Literal["ancova"]
    covariates: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    """Others than the baseline score, which always is one, such as [age_years, nihss]."""
    slopes: Literal["common", "by_arm"] = "common"
    """One slope of each covariate for both arms, usually; or each arm's own, with a variance that
    needs no model to be true and respects stratified randomisation by these covariates."""

    @property
    def adjusts_for_baseline(self) -> bool:
        return True

    def estimate_in_words(self, plan: Plan) -> str:
        told = super().estimate_in_words(plan)
        if self.slopes == "common":
            return told
        return f"{told[:-1]}, standardised over all patients analysed (a marginal effect)."

    def test_in_words(self, plan: Plan) -> str:
        given = listed(["arm", "baseline score", *self.covariates])
        slopes = {
            "common": "one slope for both arms",
            "by_arm": "slopes of each arm's own (ANHECOVA, Ye et al. 2023)",
        }[self.slopes]
        return f"Analysis of covariance: least squares on {given}, {slopes}, Student's t."

    def level_row(self, plan: Plan) -> str | None:
        if plan.missing == "multiple_imputation" or self.covariates:
            return None
        return self.method if self.slopes == "common" else "ancova, by arm"

    def variance_in_words(self, plan: Plan) -> str:
        if self.slopes == "by_arm":
            return (
                "A residual variance for each arm, and that of the covariates where slopes differ: "
                "right under simple, blocked and stratified randomisation, if patients were "
                "stratified by these covariates."
            )
        return f"One residual variance for both arms, after {self._given}."

    def outcome_violations(
        self, outcomes: Mapping[str, Outcome], plan: Plan
    ) -> Iterator[Violation]:
        if plan.endpoint in outcomes and outcomes[plan.endpoint].baseline is None:
            rule = f"cannot be ancova: {plan.endpoint} is not measured at baseline"
            yield Violation("test", rule, self.method)

    @property
    def _given(self) -> str:
        return "the baseline score" + "".join(f", {name}" for name in self.covariates)
