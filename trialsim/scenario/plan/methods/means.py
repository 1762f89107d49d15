"""The methods that compare means: Student's and Welch's t tests, and analysis of covariance."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.choices import Plan, Quantity
from trialsim.scenario.plan.methods.base import AnalysisMethod, measured
from trialsim.scenario.validation.refusal import Violation


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


class TTest(MeanMethod):
    """Student's t test."""

    has_joint_law: ClassVar[bool] = True

    method: Literal["t_test"]

    def test_in_words(self, plan: Plan) -> str:
        return "Student's t test, one variance for both arms."

    def level_row(self, plan: Plan) -> str | None:
        return None if plan.missing == "multiple_imputation" else self.method

    def margin_row(self, plan: Plan) -> str | None:
        told = plan.missing != "multiple_imputation"
        return f"margin, mean difference, {self.method}" if told else None

    def variance_in_words(self, plan: Plan) -> str:
        return "One variance for both arms, from within them."


class Welch(MeanMethod):
    """Welch's t test."""

    has_joint_law: ClassVar[bool] = True

    method: Literal["welch"]

    def test_in_words(self, plan: Plan) -> str:
        return "Welch's t test, a variance for each arm."

    def level_row(self, plan: Plan) -> str | None:
        return None if plan.missing == "multiple_imputation" else self.method

    def margin_row(self, plan: Plan) -> str | None:
        told = plan.missing != "multiple_imputation"
        return f"margin, mean difference, {self.method}" if told else None

    def variance_in_words(self, plan: Plan) -> str:
        return "A variance for each arm."

    def interval_in_words(self, plan: Plan) -> str:
        return "Student's t with Satterthwaite's degrees of freedom"


class Ancova(MeanMethod):
    """Least squares of the score on arm and baseline score."""

    has_joint_law: ClassVar[bool] = True

    method: Literal["ancova"]

    @property
    def adjusts_for_baseline(self) -> bool:
        return True

    def test_in_words(self, plan: Plan) -> str:
        return (
            "Analysis of covariance: least squares on arm and baseline score, one slope for both "
            "arms, Student's t."
        )

    def level_row(self, plan: Plan) -> str | None:
        return None if plan.missing == "multiple_imputation" else self.method

    def variance_in_words(self, plan: Plan) -> str:
        return "One residual variance for both arms, after the baseline score."

    def outcome_violations(
        self, outcomes: Mapping[str, Outcome], plan: Plan
    ) -> Iterator[Violation]:
        if plan.endpoint in outcomes and outcomes[plan.endpoint].baseline is None:
            rule = f"cannot be ancova: {plan.endpoint} is not measured at baseline"
            yield Violation("test", rule, self.method)
