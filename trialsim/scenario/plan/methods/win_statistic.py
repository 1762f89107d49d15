"""The hierarchical composite: patients are compared in pairs, by the first level that decides."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, ClassVar, Final, Literal, NamedTuple, Self

from pydantic import Field

from trialsim.distributions import FrozenModel, NotNegative
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.choices import QUANTITIES, STRATA, Plan, Quantity
from trialsim.scenario.plan.methods.base import AnalysisMethod, measure_in_words
from trialsim.scenario.plan.methods.ranks import PLACEMENTS, stratified, within_strata
from trialsim.scenario.protocol.design import BASELINE, Design
from trialsim.scenario.validation.refusal import Name, Rules, Violation, unknown

DEATH: Final = "death"
"""The level that compares days of death, not the scores of an outcome."""


class Decided(FrozenModel):
    """What decides at a level of the order."""

    omitted_defaults = ("by", "difference", "visit")

    by: Name | None = None
    """Of death: the visit by which a death counts, such as day_90. Who died earlier loses."""
    difference: NotNegative = 0.0
    """Of an outcome: the least difference that decides, in points, such as 6; 0 for any."""
    visit: Name | None = None
    """Of an outcome: the visit of the score; null for that of the analysis."""


Level = Annotated[dict[Name, Decided], Field(min_length=1, max_length=1)]


class OrderedLevel(NamedTuple):
    """A level of the order: `death`, or an outcome, and what decides at it."""

    name: str
    decided: Decided

    def visit_in(self, plan: Plan) -> str:
        """Return the visit by which deaths count, or of whose scores it is."""
        return self.decided.by or self.decided.visit or plan.visit


def _levels_decide(order: tuple[dict[str, Decided], ...]) -> Iterator[Violation]:
    before: dict[tuple[str, str | None], float] = {}
    for place, (name, decided) in enumerate(item for one in order for item in one.items()):
        path = f"order.{place}.{name}"
        if name == DEATH:
            if decided.by is None:
                rule = "must say by which visit a death counts, such as {by: day_90}"
                yield Violation(path, rule)
            if decided.visit is not None or decided.difference > 0:
                rule = "must say nothing but by: who died on an earlier day loses"
                yield Violation(path, rule)
        elif decided.by is not None:
            rule = "must be left out of an outcome, which has a visit: deaths count by a visit"
            yield Violation(f"{path}.by", rule, decided.by)
        key = name, decided.visit
        if key in before and not decided.difference < before[key]:
            rule = "must decide by less than where it stands before in the order"
            yield Violation(path, rule, decided.difference)
        before[key] = decided.difference
    if all(name == DEATH for name, _ in before):
        yield Violation("order", "must name an outcome beside death")


def _win_ratio_is_of_samples(test: "WinStatistic", strata: str) -> Iterator[Violation]:
    if test.report == "win_ratio" and strata != "none":
        rule = "cannot be win_ratio with strata: use win_odds"
        yield Violation("test.report", rule, test.report)


class WinStatistic(AnalysisMethod):
    """Win odds, win ratio or net benefit of pairs, each decided by the first level that can."""

    rules = (_levels_decide,)
    conflicts: ClassVar[Rules] = (_win_ratio_is_of_samples,)
    takes_strata: ClassVar[bool] = True
    tests_margins: ClassVar[bool] = True
    why_not_monitored: ClassVar[str] = "the patients known at a look are not those of every level"

    method: Literal["win_statistic"]
    order: Annotated[tuple[Level, ...], Field(strict=False, min_length=1)]
    """What is compared, the most important first, such as [death: {by: day_90}, mrs: {difference:
    1}, arat: {difference: 6}]: what leaves a pair undecided passes it on to the next."""
    report: Literal["win_odds", "win_ratio", "net_benefit"] = "win_odds"
    """Win odds and net benefit split ties evenly; the win ratio leaves them out."""

    @property
    def levels(self) -> tuple[OrderedLevel, ...]:
        """The levels in their order."""
        return tuple(OrderedLevel(*item) for one in self.order for item in one.items())

    @property
    def level_names(self) -> tuple[str, ...]:
        """The outcome of each level, or death; with its place where it stands more than once."""
        names = [one.name for one in self.levels]
        return tuple(
            name if names.count(name) == 1 else f"{name}_level_{place}"
            for place, name in enumerate(names, 1)
        )

    @property
    def compares_deaths(self) -> bool:
        """Whether a level is that of death."""
        return any(one.name == DEATH for one in self.levels)

    def outcomes_of(self, plan: Plan) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.name for one in self.levels if one.name != DEATH))

    def measured_at(self, plan: Plan) -> tuple[tuple[str, str], ...]:
        scored = (one for one in self.levels if one.name != DEATH)
        return tuple(dict.fromkeys((one.name, one.visit_in(plan)) for one in scored))

    def why_no_population_effect(self, plan: Plan) -> str | None:
        return "a hierarchy of outcomes"

    def levels_in_words(self, plan: Plan) -> tuple[str, ...]:
        return tuple(_in_words(one, plan) for one in self.levels)

    def quantity(self, plan: Plan) -> Quantity:
        return QUANTITIES[self.report]

    def estimate_in_words(self, plan: Plan) -> str:
        order = ", then by ".join(self.levels_in_words(plan))
        return (
            f"{_SAID[self.report]} of pairs of a patient on {plan.treated} and one on "
            f"{plan.control}{within_strata(plan)}. A pair is decided by {order}; what leaves it "
            "undecided, a value that is not known among it, passes it on, and in the end it is a "
            "tie."
        )

    def test_in_words(self, plan: Plan) -> str:
        if self.report == "win_ratio":
            return (
                "Hierarchical composite, the logarithm of the win ratio over its standard error, "
                f"normal, {stratified(plan)}; without wins or without losses by the win odds."
            )
        return (
            "Hierarchical composite, the logarithm of the win odds over its standard error, "
            f"normal, {stratified(plan)}."
        )

    def ties_in_words(self, plan: Plan) -> str:
        if self.report == "win_ratio":
            return "Pairs that no level decides do not count."
        return "Pairs that no level decides count one half."

    def variance_in_words(self, plan: Plan) -> str:
        if self.report == "win_ratio":
            return (
                "The test's variance is that of the U-statistics of wins and losses, under any "
                "hypothesis (Bebu and Lachin 2016)."
            )
        within = "" if plan.strata == "none" else f" in each {STRATA[plan.strata]}"
        return f"{PLACEMENTS}{within} (a U-statistic)."

    def interval_in_words(self, plan: Plan) -> str:
        scale = "win ratio" if self.report == "win_ratio" else "win odds"
        carried = "; carried over" if self.report == "net_benefit" else ""
        return f"normal, for the logarithm of the {scale}, with the test's variance{carried}"

    def death_in_words(self, plan: Plan, usual: str) -> str:
        if not self.compares_deaths:
            return usual
        return (
            "At the level of death patients are compared by their days of death, those alive at "
            "the visit being tied and better than all who died; one who left is better than "
            "those alone who had died before. At levels of scores: "
            f"{usual}"
        )

    def in_labels(self, outcome: Callable[[str], str], words: Callable[[str], str]) -> Self:
        order = tuple(
            {
                words(one.name) if one.name == DEATH else outcome(one.name): one.decided.model_copy(
                    update={
                        name: words(visit)
                        for name in ("by", "visit")
                        if (visit := getattr(one.decided, name)) is not None
                    }
                )
            }
            for one in self.levels
        )
        return self.model_copy(update={"order": order})

    def level_row(self, plan: Plan) -> str | None:
        scale = "win ratio" if self.report == "win_ratio" else "win odds"
        if plan.strata == "none":
            return f"win_statistic, {scale}"
        default = plan.strata == "site" and plan.stratum_weighting == "van-elteren"
        return "win_statistic, 12 sites" if default else None

    def small_samples_in_words(self, plan: Plan) -> str:
        told = super().small_samples_in_words(plan)
        if self.level_row(plan) is None or plan.claim != "superiority":
            return told
        return f"{told} There, deaths (8%) and grades of 0 to 6 went before the scale."

    def design_violations(self, design: Design, plan: Plan) -> Iterator[Violation]:
        known = [name for name in design.visits if name != BASELINE]
        for place, (name, decided) in enumerate(self.levels):
            for field in ("by", "visit"):
                visit = getattr(decided, field)
                if visit is not None and visit not in known:
                    rule = unknown("visit after baseline", visit, known)
                    yield Violation(f"test.order.{place}.{name}.{field}", rule, visit)

    def outcome_violations(
        self, outcomes: Mapping[str, Outcome], plan: Plan
    ) -> Iterator[Violation]:
        for place, (name, decided) in enumerate(self.levels):
            path = f"test.order.{place}.{name}"
            if name == DEATH:
                continue
            if name not in outcomes:
                yield Violation(path, unknown("outcome", name, [DEATH, *outcomes]), name)
                continue
            width = outcomes[name].high - outcomes[name].low
            if decided.difference > width:
                rule = f"must be at most {width:g}, the width of the scale, or nothing is decided"
                yield Violation(f"{path}.difference", rule, decided.difference)


def _in_words(level: OrderedLevel, plan: Plan) -> str:
    """Return a level as a phrase.

    >>> from types import SimpleNamespace
    >>> plan = SimpleNamespace(visit="day_90", measure="score")
    >>> _in_words(OrderedLevel("arat", Decided(difference=6)), plan)
    'arat score at day_90 (a difference of 6 or more)'
    """
    if level.decided.by is not None:
        return f"{level.name} by {level.decided.by}"
    least = level.decided.difference
    at_least = f" (a difference of {least:g} or more)" if least > 0 else ""
    return f"{level.name} {measure_in_words(plan)} at {level.visit_in(plan)}{at_least}"


_SAID: Final[Mapping[str, str]] = {
    "win_odds": "Win odds, pairs won over pairs lost by the treated, ties counted half to both,",
    "win_ratio": "Win ratio, pairs won over pairs lost by the treated, ties left out,",
    "net_benefit": "Net benefit, the share of pairs won less that of pairs lost by the treated,",
}
