"""The methods that analyse several outcomes together: Wei and Lachin's test, and O'Brien's."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.choices import Plan, Quantity
from trialsim.scenario.plan.methods.base import AnalysisMethod, listed, measure_in_words
from trialsim.scenario.plan.methods.ranks import PLACEMENTS, RankMethod
from trialsim.scenario.validation.refusal import Name, Rules, Violation, unknown

Outcomes = Annotated[tuple[Name, ...], Field(strict=False, min_length=2)]


def _named_once(outcomes: tuple[str, ...]) -> Iterator[Violation]:
    for name in {name: None for name in outcomes if outcomes.count(name) > 1}:
        yield Violation("outcomes", "must name each outcome once", name)


_EACH_ONCE: Rules = ((("outcomes",), _named_once),)


class WeiLachin(RankMethod):
    """The multivariate directional test: the mean of the effects on several outcomes."""

    rules = _EACH_ONCE
    can_be_monitored: ClassVar[bool] = True

    method: Literal["wei_lachin"]
    outcomes: Outcomes
    """The outcomes that are combined, at least two, such as [nihss, mrs]."""
    weighting: Literal["equal", "standardised", "least-squares"] = "equal"
    """How much each outcome counts, usually equal."""
    variance: Literal["null_variance", "placement"] = "null_variance"
    """As if the arms did not differ, which keeps the level in small arms; or the placements'."""

    def outcomes_of(self, plan: Plan) -> tuple[str, ...]:
        return self.outcomes

    def effect_in_words(self, plan: Plan) -> str:
        return (
            f"the mean over {listed(self.outcomes)} of the probability that a patient on "
            f"{plan.treated} has a better {measure_in_words(plan)} at {plan.visit} than one on "
            f"{plan.control}, ties counted half"
        )

    def test_in_words(self, plan: Plan) -> str:
        weights = {
            "equal": "weighted equally",
            "standardised": "divided by their null standard errors",
            "least-squares": "weighted by O'Brien's generalised least squares",
        }
        return (
            f"Wei-Lachin multivariate directional test: the effects are {weights[self.weighting]}, "
            "normal. Not stratified."
        )

    def level_row(self, plan: Plan) -> str | None:
        return f"wei_lachin, {self.variance}"

    def variance_in_words(self, plan: Plan) -> str:
        if self.variance == "null_variance":
            return "The test's variance is that of the null hypothesis, over all outcomes."
        return f"{PLACEMENTS}, with the covariances between outcomes."

    def effect_interval_in_words(self, plan: Plan) -> str:
        return "normal, with the test's variance"

    def outcome_violations(
        self, outcomes: Mapping[str, Outcome], plan: Plan
    ) -> Iterator[Violation]:
        yield from _not_measured(self.method, self.outcomes, outcomes)


class OBrien(AnalysisMethod):
    """Each patient's ranks over several outcomes are added, and the sums compared."""

    rules = _EACH_ONCE

    method: Literal["obrien"]
    outcomes: Outcomes
    """The outcomes whose ranks are added, at least two, such as [nihss, mrs]."""

    def outcomes_of(self, plan: Plan) -> tuple[str, ...]:
        return self.outcomes

    def quantity(self, plan: Plan) -> Quantity:
        return Quantity("difference of mean rank sums", 0.0)

    def estimate_in_words(self, plan: Plan) -> str:
        return (
            f"Difference of the mean sums of ranks over {listed(self.outcomes)}, "
            f"{measure_in_words(plan)} at {plan.visit}, {plan.treated} less {plan.control}."
        )

    def test_in_words(self, plan: Plan) -> str:
        return "O'Brien's rank-sum test (1984): Student's t test of each patient's sum of ranks."

    def ties_in_words(self, plan: Plan) -> str:
        return "Tied patients share the mean of their ranks (midranks); a tie counts one half."

    def level_row(self, plan: Plan) -> str | None:
        return "obrien"

    def variance_in_words(self, plan: Plan) -> str:
        return "One variance of the rank sums for both arms."

    def interval_in_words(self, plan: Plan) -> str:
        return "Student's t"

    def outcome_violations(
        self, outcomes: Mapping[str, Outcome], plan: Plan
    ) -> Iterator[Violation]:
        yield from _not_measured(self.method, self.outcomes, outcomes)


def _not_measured(
    method: str, named: tuple[str, ...], outcomes: Mapping[str, Outcome]
) -> Iterator[Violation]:
    """Yield which of the named outcomes a study does not have."""
    if len(outcomes) < 2:
        rule = f"must be a method for one outcome: the scenario has {', '.join(outcomes)} alone"
        yield Violation("test.method", rule, method)
        return
    for name in named:
        if name not in outcomes:
            yield Violation("test.outcomes", unknown("outcome", name, outcomes), name)
