"""The log-rank test, with Cox's hazard ratio."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from trialsim.scenario.plan.choices import STRATA, Plan, Quantity
from trialsim.scenario.plan.methods.time_to_event.events import EventMethod
from trialsim.scenario.validation.refusal import Rules, Violation
from trialsim.stats.time_to_event.hazard_ratio import Ties


def _strata_have_no_weights(test: "LogRank", stratum_weighting: str) -> Iterator[Violation]:
    if stratum_weighting != "van-elteren":
        rule = "must be left at van-elteren with log_rank, which adds strata up without weights"
        yield Violation("stratum_weighting", rule, stratum_weighting)


class LogRank(EventMethod):
    """The log-rank test, and the hazard ratio of a Cox model of the arm alone."""

    omitted_defaults = (*EventMethod.omitted_defaults, "ties")
    conflicts: ClassVar[Rules] = (*EventMethod.conflicts, _strata_have_no_weights)
    takes_strata: ClassVar[bool] = True

    method: Literal["log_rank"]
    ties: Ties = "efron"
    """Of events on one day in the likelihood of the hazard ratio; the test itself needs no rule.
    Usually efron: with breslow the ratio comes out nearer to 1 where many are tied."""

    def quantity(self, plan: Plan) -> Quantity:
        return Quantity(f"hazard ratio{'' if self.recovers else ', control to treated'}", 1.0)

    def estimate_in_words(self, plan: Plan) -> str:
        first, second = plan.treated, plan.control
        inverse = ""
        if not self.recovers:
            first, second = second, first
            inverse = ", above 1 where treatment is better: the inverse of the usual one"
        strata = ""
        if plan.strata != "none":
            strata = f", each {STRATA[plan.strata]} with a baseline hazard of its own"
        return (
            f"Hazard ratio of {first} to {second}{inverse}: {self.time_in_words(plan)}; Cox's "
            f"partial likelihood{strata}. Where hazards are not proportional it depends on the "
            "follow-up and has no simple true value: as such stands the geometric mean of the "
            "ratios in trials of this size with complete follow-up."
        )

    def test_in_words(self, plan: Plan) -> str:
        strata = "not stratified"
        if plan.strata != "none":
            strata = f"stratified by {STRATA[plan.strata]}, summed over strata without weights"
        return f"Log-rank test, asymptotic, {strata}."

    def ties_in_words(self, plan: Plan) -> str:
        return (
            "The test takes the events of one day together. The likelihood of the hazard ratio "
            f"follows {self.ties.capitalize()}. {super().ties_in_words(plan)}"
        )

    def variance_in_words(self, plan: Plan) -> str:
        return (
            "The test's variance is hypergeometric, given those at risk and the events of each day "
            "(Mantel 1966)."
        )

    def interval_in_words(self, plan: Plan) -> str:
        return "normal, for the logarithm of the hazard ratio, by the information at its maximum"

    def level_row(self, plan: Plan) -> str | None:
        if plan.strata == "none":
            return f"log_rank, {'recovery' if self.recovers else 'death'}"
        return "log_rank, 12 sites" if plan.strata == "site" and self.recovers else None

    def interval_row(self, plan: Plan) -> str | None:
        event = "recovery" if self.recovers else "death"
        return f"hazard ratio, interval, {event}" if plan.strata == "none" else None
