"""The proportional odds model."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from trialsim.scenario.patients.population import Population
from trialsim.scenario.plan.choices import Plan, Quantity
from trialsim.scenario.plan.methods.base import (
    AnalysisMethod,
    covariate_violations,
    listed,
    measured,
)
from trialsim.scenario.validation.refusal import Name, Violation


class ProportionalOdds(AnalysisMethod):
    """One odds ratio for all cells of the scale."""

    omitted_defaults = ("covariates",)
    pools_imputations: ClassVar[bool] = True
    pooled_as: ClassVar[str] = "logarithm of the odds ratio"
    can_be_monitored: ClassVar[bool] = True
    statistic_is_z: ClassVar[bool] = True
    has_blinded_size: ClassVar[bool] = True

    method: Literal["proportional_odds"]
    covariates: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    """In the model besides the arm, each with a slope of its own on the log odds."""

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
            "arms are separated and the odds ratio is 0 or infinite."
        )

    def ties_in_words(self, plan: Plan) -> str:
        return "Tied patients are in one cell of the model."

    def variance_in_words(self, plan: Plan) -> str:
        return "The test's variance is that of the null hypothesis, by the expected information."

    def level_row(self, plan: Plan) -> str | None:
        told = not self.covariates and plan.missing != "multiple_imputation"
        return "proportional_odds" if told else None

    def interval_row(self, plan: Plan) -> str | None:
        told = not self.covariates and plan.missing != "multiple_imputation"
        return "proportional_odds, interval" if told else None

    def interval_in_words(self, plan: Plan) -> str:
        return (
            "Wald, on the log scale, by the observed information, so that test and interval can "
            "disagree; from 0 to infinity where the arms are separated"
        )

    @property
    def is_slow(self) -> bool:
        return bool(self.covariates)

    def population_violations(self, population: Population) -> Iterator[Violation]:
        yield from covariate_violations(self.covariates, population)

    @property
    def _given(self) -> str:
        return f", given {listed(self.covariates)}" if self.covariates else ""
