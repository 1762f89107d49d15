"""The proportional odds model."""

from typing import ClassVar, Literal

from trialsim.scenario.plan.choices import Plan, Quantity
from trialsim.scenario.plan.methods.base import AnalysisMethod, measured


class ProportionalOdds(AnalysisMethod):
    """One odds ratio for all cells of the scale; too slow for many thousand trials."""

    can_be_monitored: ClassVar[bool] = True
    has_blinded_size: ClassVar[bool] = True

    method: Literal["proportional_odds"]

    def quantity(self, plan: Plan) -> Quantity:
        return Quantity("odds ratio", 1.0)

    def estimate_in_words(self, plan: Plan) -> str:
        return (
            f"Common odds ratio of a better {measured(plan)} on {plan.treated} against "
            f"{plan.control}, above any cell of the scale."
        )

    def test_in_words(self, plan: Plan) -> str:
        return "Wald's test in the proportional odds model."

    def ties_in_words(self, plan: Plan) -> str:
        return "Tied patients are in one cell of the model."

    def variance_in_words(self, plan: Plan) -> str:
        return "The test's variance is that of maximum likelihood."

    def interval_in_words(self, plan: Plan) -> str:
        return "Wald, on the log scale"

    def speed_in_words(self) -> str:
        return (
            "Slow, so think before thousands of replicates: a fit by statsmodels, 20 ms to a "
            "second a trial, twice for the power."
        )
