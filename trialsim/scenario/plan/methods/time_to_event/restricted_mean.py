"""The difference of restricted mean times."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from trialsim.scenario.plan.choices import Plan, Quantity
from trialsim.scenario.plan.methods.time_to_event.events import EventMethod
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.validation.refusal import Violation


class RestrictedMean(EventMethod):
    """The difference of the mean times up to a horizon, below the Kaplan-Meier curves."""

    omitted_defaults = (*EventMethod.omitted_defaults, "horizon_days")

    method: Literal["restricted_mean"]
    horizon_days: Annotated[int, Field(ge=1)] | None = None
    """Whole days from randomisation up to which times count, such as 60; null for the planned day
    of the visit of the analysis, beyond which no horizon lies."""

    def quantity(self, plan: Plan) -> Quantity:
        days = "recovered" if self.recovers else "before the event"
        return Quantity(f"difference in days {days}", 0.0)

    def estimate_in_words(self, plan: Plan) -> str:
        horizon = "" if self.horizon_days is None else f" or to day {self.horizon_days}, if sooner"
        which, area = ("after", "above") if self.recovers else ("before", "below")
        return (
            f"Difference of restricted mean times, {plan.treated} less {plan.control}: the days "
            f"{which} the event up to the planned day of the visit{horizon}, as the area {area} "
            f"the Kaplan-Meier curve; {self.time_in_words(plan)}."
        )

    def test_in_words(self, plan: Plan) -> str:
        return "The difference over its standard error, normal, not stratified."

    def ties_in_words(self, plan: Plan) -> str:
        return f"Events on one day are one step of the curve. {super().ties_in_words(plan)}"

    def variance_in_words(self, plan: Plan) -> str:
        return "In each arm that of the area below the curve, by Greenwood's, under any hypothesis."

    def interval_in_words(self, plan: Plan) -> str:
        return "normal, with the test's variance"

    def level_row(self, plan: Plan) -> str | None:
        return f"restricted_mean, {'recovery' if self.recovers else 'death'}"

    def design_violations(self, design: Design, plan: Plan) -> Iterator[Violation]:
        last = max((visit.day for visit in design.visits.values()), default=0)
        first = min((visit.day for visit in design.visits.values() if visit.day > 0), default=0)
        if self.horizon_days is None:
            return
        if self.horizon_days > last:
            rule = f"must be at most {last}, the day of the last visit"
            yield Violation("test.horizon_days", rule, self.horizon_days)
        elif self.recovers and self.horizon_days <= first:
            rule = f"must be more than {first}, the day of the first visit to reach a score at"
            yield Violation("test.horizon_days", rule, self.horizon_days)
