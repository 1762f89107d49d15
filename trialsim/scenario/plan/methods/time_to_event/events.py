"""The event of a time to event, and when a patient without it is censored."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.choices import Missing, Plan
from trialsim.scenario.plan.methods.base import AnalysisMethod, listed, measure_in_words
from trialsim.scenario.plan.methods.responders import unreached
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.scenario.validation.refusal import Finite, Rules, Violation


def _one_kind_of_event(threshold: float | None, events: tuple[Event, ...]) -> Iterator[Violation]:
    if threshold is None and not events:
        rule = "must be given, the score that is to be reached, such as 45; or else events"
        yield Violation("threshold", rule)
    elif threshold is not None and events:
        rule = "must be left out where a score is to be reached: a time has one kind of event"
        yield Violation("events", rule)


def _events_are_different(events: tuple[Event, ...]) -> Iterator[Violation]:
    if len(set(events)) < len(events):
        yield Violation("events", "must name each event once")


def _what_becomes_of_times(
    test: "EventMethod", intercurrent: Mapping[Event, str]
) -> Iterator[Violation]:
    for kind, strategy in intercurrent.items():
        path = f"intercurrent.{kind}"
        if strategy == "while_on_treatment":
            rule = f"cannot be while_on_treatment with {test.named}: use hypothetical or composite"
            yield Violation(path, rule, strategy)
        elif strategy == "hypothetical" and kind in test.events:
            rule = "cannot be hypothetical: it is an event whose time is analysed"
            yield Violation(path, rule, strategy)


class EventMethod(AnalysisMethod):
    """A comparison of days from randomisation to an event, a good or a bad one."""

    rules = (_one_kind_of_event, _events_are_different)
    omitted_defaults: ClassVar[tuple[str, ...]] = ("threshold", "events")
    conflicts: ClassVar[Rules] = (_what_becomes_of_times,)
    own_missing: ClassVar[Missing | None] = "censored"
    tests_margins: ClassVar[bool] = True
    why_not_monitored: ClassVar[str] = (
        "its looks would be planned by events and need patients who are still followed up"
    )

    threshold: Finite | None = None
    """Points of the score, or of its change, such as 45: the event is the first visit at which a
    patient has them or better, on its planned day; a sooner one is better. Null where `events` are
    given."""
    events: Annotated[tuple[Event, ...], Field(strict=False)] = ()
    """Such as [death] or [death, withdrawal]: the event is the first of them, and a later one is
    better. Usually none, where a score is to be reached."""

    @property
    def counted_events(self) -> tuple[Event, ...]:
        return self.events

    @property
    def named(self) -> str:
        """The name by which a study file chooses it."""
        return str(vars(self)["method"])

    @property
    def recovers(self) -> bool:
        """Whether the event is a good one: that a score is reached."""
        return self.threshold is not None

    def why_no_population_effect(self, plan: Plan) -> str | None:
        return "times to an event"

    def mean_in_words(self, plan: Plan) -> str:
        return "patients with the event"

    def event_in_words(self, plan: Plan) -> str:
        """Return the event as a phrase."""
        if self.threshold is not None:
            score = f"{plan.endpoint} {measure_in_words(plan)}"
            return f"the first visit at which the {score} is {self.threshold:g} or better"
        kinds = [one.replace("_", " ") for one in self.events]
        return f"the first of {listed(kinds)}" if len(kinds) > 1 else kinds[0]

    def time_in_words(self, plan: Plan) -> str:
        """Return what is compared, as a phrase."""
        days = "planned days" if self.recovers else "days from randomisation"
        return f"{days} to {self.event_in_words(plan)}, followed to {plan.visit}"

    def analysed_in_words(self, plan: Plan) -> str:
        return "All randomised patients, in the arm allocated."

    def variable_in_words(self, plan: Plan) -> str:
        whom = ""
        if self.recovers and plan.measure == "score":
            whom = ", of those without such a score at baseline"
        return f"{self.time_in_words(plan)}{whom}"

    def left_out_in_words(self, plan: Plan) -> str:
        if self.recovers and plan.measure == "score":
            return " Who has such a score at baseline cannot reach it, and is left out."
        return ""

    def ties_in_words(self, plan: Plan) -> str:
        return "Who is censored on the day of an event is at risk of it."

    def censoring_in_words(self, plan: Plan) -> str:
        if self.recovers:
            return (
                "A patient who has not reached the score is censored at the last visit at which "
                "it was measured. A missed visit does not censor: the score counts as reached at "
                "the visit at which it was first seen. Visits have their planned days."
            )
        leaving = "" if "withdrawal" in self.events else " or before, on leaving the trial"
        return f"A patient without an event is censored on the day of the visit{leaving}."

    def death_in_words(self, plan: Plan, usual: str) -> str:
        if "death" in self.events:
            return "A death is an event."
        if plan.death == "as_missing":
            return "Who dies before the event is censored then: hazards are cause-specific."
        return self._at_its_worst("Who dies")

    def composite_in_words(self, what: str, usual: str) -> str:
        return self._at_its_worst(f"Who has {what}")

    def _at_its_worst(self, who: str) -> str:
        """Return what becomes of patients whose outcome is the worst."""
        if not self.recovers:
            return f"{who} has the event then (composite)."
        return (
            f"{who} before reaching the score never reaches it, and stays at risk to the end of "
            "follow-up: a competing event, with hazards of the subdistribution."
        )

    def small_samples_in_words(self, plan: Plan) -> str:
        told = super().small_samples_in_words(plan)
        if self.level_row(plan) is None or plan.claim != "superiority":
            return told
        what = "47% reach a score of 45" if self.recovers else "8% die"
        return f"{told} There, {what} in 90 days, and 10% leave."

    def outcome_violations(
        self, outcomes: Mapping[str, Outcome], plan: Plan
    ) -> Iterator[Violation]:
        if self.threshold is None or plan.endpoint not in outcomes:
            return
        outcome = outcomes[plan.endpoint]
        if plan.measure == "change" and outcome.sign * self.threshold <= 0:
            side = "above" if outcome.sign > 0 else "below"
            yield Violation("test.threshold", f"must lie {side} 0, where all begin", self.threshold)
        else:
            yield from unreached(self.threshold, outcome, plan.measure)
