"""Shares of patients at or beyond a threshold."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.choices import Measure, Plan, Quantity
from trialsim.scenario.plan.methods.base import AnalysisMethod, measured
from trialsim.scenario.validation.refusal import Finite, Violation


class Responders(AnalysisMethod):
    """Shares of patients at or beyond a threshold."""

    pools_imputations: ClassVar[bool] = True
    pooled_as: ClassVar[str] = "risk difference"
    can_be_monitored: ClassVar[bool] = True
    monitored_by_counts: ClassVar[bool] = True
    has_blinded_size: ClassVar[bool] = True

    method: Literal["responders"]
    threshold: Finite
    """Points of the score, or of its change, such as 2; who has it exactly responds."""

    def quantity(self, plan: Plan) -> Quantity:
        return Quantity("risk difference", 0.0)

    def mean_in_words(self, plan: Plan) -> str:
        return "responders"

    def estimate_in_words(self, plan: Plan) -> str:
        return (
            f"Risk difference: the share of patients on {plan.treated} whose {measured(plan)} is "
            f"{self.threshold} or better, less that on {plan.control}."
        )

    def test_in_words(self, plan: Plan) -> str:
        return (
            "Fisher's exact test, two-sided by adding the tables that are no more probable; it has "
            "no statistic. Whoever ranks below all others does not respond."
        )

    def ties_in_words(self, plan: Plan) -> str:
        return "Scores are not ranked, so ties have no part."

    def variance_in_words(self, plan: Plan) -> str:
        return "The test is exact and has no variance."

    def level_row(self, plan: Plan) -> str | None:
        return None if plan.missing == "multiple_imputation" else "responders"

    def interval_row(self, plan: Plan) -> str | None:
        return None if plan.missing == "multiple_imputation" else "responders, interval"

    def small_samples_in_words(self, plan: Plan) -> str:
        if plan.missing == "multiple_imputation":
            return super().small_samples_in_words(plan)
        return (
            f"{super().small_samples_in_words(plan)} Fisher's test is conservative and the "
            "interval is not, so that the interval can leave out 0 where the test does not reject."
        )

    def interval_in_words(self, plan: Plan) -> str:
        return "Newcombe's method 10 (1998), from two Wilson intervals"

    def outcome_violations(
        self, outcomes: Mapping[str, Outcome], plan: Plan
    ) -> Iterator[Violation]:
        if plan.endpoint in outcomes:
            yield from _unreached(self.threshold, outcomes[plan.endpoint], plan.measure)


def _unreached(threshold: float, outcome: Outcome, measure: Measure) -> Iterator[Violation]:
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
