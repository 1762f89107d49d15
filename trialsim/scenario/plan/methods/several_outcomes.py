"""The methods that analyse several outcomes together: Wei and Lachin's test, and O'Brien's."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.choices import STRATA, Plan, Quantity
from trialsim.scenario.plan.methods.base import AnalysisMethod, listed, measure_in_words
from trialsim.scenario.plan.methods.ranks import PLACEMENTS, RankMethod, within_strata
from trialsim.scenario.protocol.design import BASELINE, Design
from trialsim.scenario.validation.refusal import Name, Violation, must_exist, named_once

Outcomes = Annotated[tuple[Name, ...], Field(strict=False, min_length=2)]


def _each_once(outcomes: tuple[str, ...]) -> Iterator[Violation]:
    yield from named_once("outcomes", "outcome", outcomes)


_FEW: Final = 3
"""Up to so many outcomes stand within the sentence; more are listed after it."""


def _several(outcomes: tuple[str, ...], visits: tuple[str, ...]) -> Iterator[Violation]:
    yield from named_once("visits", "visit", visits)
    if len(outcomes) * max(len(visits), 1) < 2:
        rule = "must be several, or one at several visits"
        yield Violation("outcomes", rule, ", ".join(outcomes))


def _end_at_the_plans(test: "WeiLachin", visit: str) -> Iterator[Violation]:
    if test.visits and test.visits[-1] != visit:
        rule = f"must end with {visit}, at which the trial is analysed"
        yield Violation("test.visits", rule, ", ".join(test.visits))


def _variance_at_a_margin(test: "WeiLachin", claim: str) -> Iterator[Violation]:
    if test.variance == "null_variance" and claim != "superiority":
        rule = f"must be placement with {claim}: null_variance holds where the arms do not differ"
        yield Violation("test.variance", rule, test.variance)


class WeiLachin(RankMethod):
    """The multivariate directional test: the mean of the effects on outcomes, or over visits."""

    rules = (_each_once, _several)
    conflicts = (_end_at_the_plans, _variance_at_a_margin)
    omitted_defaults = ("visits",)
    takes_strata: ClassVar[bool] = True
    can_be_monitored: ClassVar[bool] = True
    statistic_is_z: ClassVar[bool] = True
    pools_imputations: ClassVar[bool] = True
    pooled_as: ClassVar[str] = "logit of the mean effect"

    method: Literal["wei_lachin"]
    outcomes: Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]
    """The outcomes that are combined, such as [nihss, mrs]; one at several visits, or more."""
    visits: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    """The visits over which they are combined, in order, such as [day_42, day_90]; usually none,
    which is that of the analysis alone."""
    weighting: Literal["equal", "standardised", "least-squares"] = "equal"
    """How much each outcome at each visit counts, usually equal."""
    variance: Literal["null_variance", "placement"] = "null_variance"
    """As if the arms did not differ, which keeps the level in small arms; or the placements'."""

    def outcomes_of(self, plan: Plan) -> tuple[str, ...]:
        return self.outcomes

    def in_labels(self, outcome: Callable[[str], str], words: Callable[[str], str]) -> Self:
        named = {"outcomes": tuple(map(outcome, self.outcomes))}
        return self.model_copy(update={**named, "visits": tuple(map(words, self.visits))})

    def effect_in_words(self, plan: Plan) -> str:
        few = len(self.outcomes) <= _FEW
        over = listed(self.outcomes) if few else f"{len(self.outcomes)} outcomes"
        which = "" if few else f". The outcomes: {listed(self.outcomes)}"
        return (
            f"the mean over {over} of the probability that a patient on {plan.treated} has a "
            f"better {measure_in_words(plan)} at {listed(self.visits_of(plan))} than one on "
            f"{plan.control}, ties counted half{within_strata(plan)}{which}"
        )

    def visits_of(self, plan: Plan) -> tuple[str, ...]:
        """Return the visits that are combined; at another than the last of them it is alone."""
        return self.visits if self.visits[-1:] == (plan.visit,) else (plan.visit,)

    def measured_at(self, plan: Plan) -> tuple[tuple[str, str], ...]:
        return tuple((name, visit) for name in self.outcomes for visit in self.visits_of(plan))

    def why_no_population_effect(self, plan: Plan) -> str | None:
        if len(self.outcomes) > 1:
            return "several outcomes"
        return None if self.weighting == "equal" else "visits weighted by each trial's variances"

    def design_violations(self, design: Design, plan: Plan) -> Iterator[Violation]:
        order = [name for name in design.visits if name != BASELINE]
        for name in self.visits:
            yield from must_exist("test.visits", "visit after baseline", name, order)
        known = [name for name in self.visits if name in order]
        if known != sorted(known, key=order.index):
            yield Violation("test.visits", "must be in the order of the design", ", ".join(known))

    def test_in_words(self, plan: Plan) -> str:
        weights = {
            "equal": "weighted equally",
            "standardised": "divided by their null standard errors",
            "least-squares": "weighted by O'Brien's generalised least squares",
        }
        by = STRATA.get(plan.strata)
        stratified = "Not stratified." if by is None else f"Stratified by {by}."
        return (
            f"Wei-Lachin multivariate directional test: the effects are {weights[self.weighting]}, "
            f"normal. {stratified}"
        )

    def level_row(self, plan: Plan) -> str | None:
        if plan.missing == "multiple_imputation":
            return None
        if plan.strata == "none":
            return f"wei_lachin, {self.variance}"
        few = plan.strata == "design" and plan.stratum_weighting == "van-elteren"
        return f"wei_lachin, 4 strata, {self.variance}" if few else None

    def variance_in_words(self, plan: Plan) -> str:
        by = STRATA.get(plan.strata)
        within = "" if by is None else f" in each {by}"
        if self.variance == "null_variance":
            return f"The test's variance is that of the null hypothesis, over all outcomes{within}."
        return f"{PLACEMENTS}{within}, with the covariances between outcomes."

    def effect_interval_in_words(self, plan: Plan) -> str:
        return "normal, with the test's variance"

    def outcome_violations(
        self, outcomes: Mapping[str, Outcome], plan: Plan
    ) -> Iterator[Violation]:
        several = not self.visits
        yield from _not_measured(self.method, self.outcomes, outcomes, several)


class OBrien(AnalysisMethod):
    """Each patient's ranks over several outcomes are added, and the sums compared."""

    rules = (_each_once,)
    pools_imputations: ClassVar[bool] = True
    pooled_as: ClassVar[str] = "difference of mean rank sums"

    method: Literal["obrien"]
    outcomes: Outcomes
    """The outcomes whose ranks are added, at least two, such as [nihss, mrs]."""

    def outcomes_of(self, plan: Plan) -> tuple[str, ...]:
        return self.outcomes

    def in_labels(self, outcome: Callable[[str], str], words: Callable[[str], str]) -> Self:
        return self.model_copy(update={"outcomes": tuple(map(outcome, self.outcomes))})

    def measured_at(self, plan: Plan) -> tuple[tuple[str, str], ...]:
        return tuple((name, plan.visit) for name in self.outcomes)

    def why_no_population_effect(self, plan: Plan) -> str | None:
        return "several outcomes"

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
        return None if plan.missing == "multiple_imputation" else "obrien"

    def variance_in_words(self, plan: Plan) -> str:
        return "One variance of the rank sums for both arms."

    def interval_in_words(self, plan: Plan) -> str:
        return "Student's t"

    def outcome_violations(
        self, outcomes: Mapping[str, Outcome], plan: Plan
    ) -> Iterator[Violation]:
        yield from _not_measured(self.method, self.outcomes, outcomes)


def _not_measured(
    method: str, named: tuple[str, ...], outcomes: Mapping[str, Outcome], several: bool = True
) -> Iterator[Violation]:
    """Yield which of the named outcomes a study does not have."""
    if several and len(outcomes) < 2:
        rule = f"must be a method for one outcome: the scenario has {', '.join(outcomes)} alone"
        yield Violation("test.method", rule, method)
        return
    for name in named:
        yield from must_exist("test.outcomes", "outcome", name, outcomes)
