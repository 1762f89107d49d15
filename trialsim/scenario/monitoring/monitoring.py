"""The section `monitoring` of a study: its looks, and everything that may follow from one."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from trialsim.distributions import FrozenModel
from trialsim.scenario.monitoring.efficacy import (
    SPENDING,
    Efficacy,
    EfficacyRule,
    GivenBounds,
    NoEfficacy,
)
from trialsim.scenario.monitoring.futility import (
    BetaSpending,
    Futility,
    FutilityRule,
    needs_planned_effect,
)
from trialsim.scenario.monitoring.looks import CALLED_OTHERWISE, Look
from trialsim.scenario.monitoring.re_estimation import ReEstimation
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Finite,
    Name,
    Positive,
    Violation,
    unknown,
)

FinalTest: TypeAlias = Literal["conventional", "inverse_normal", "fisher", "cui_hung_wang"]


class Final(FrozenModel):
    """How the last analysis puts the data from before and after the looks together."""

    omitted_defaults = ("because",)

    test: FinalTest = Field(
        default="conventional",
        description="All patients together (conventional), or the stages combined, each from its "
        "own patients (ranked among themselves): with weights that the plan fixed by "
        "inverse_normal and, of two stages, cui_hung_wang, which is the same, or by the product "
        "of p-values (fisher).",
    )
    because: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="Why a conventional test may follow an unblinded change of size."
    )


def _in_order(looks: Mapping[str, Look | None]) -> Iterator[Violation]:
    for (first, before), (name, look) in pairwise(looks.items()):
        if before is None or look is None or not before.keeps_its_rules or not look.keeps_its_rules:
            continue
        same = before.when.kind == look.when.kind
        if same and look.when.value <= before.when.value:
            rule = f"must be later than the look before it, {before.when.value:g}"
            yield Violation(f"looks.{name}.when.{look.when.kind}", rule, look.when.value)
        elif same and look.when.kind in ("day", "days_after_first_patient"):
            between = look.when.value - before.when.value
            if before.decided_after_days >= between:
                rule = f"must be decided before the next look, {name}, {between:g} days later"
                path = f"looks.{first}.decided_after_days"
                yield Violation(path, rule, before.decided_after_days)


def _named_apart(looks: Mapping[str, Look | None]) -> Iterator[Violation]:
    for name in looks:
        if name in CALLED_OTHERWISE:
            rule = f"must have another name: {name} is what results call {CALLED_OTHERWISE[name]}"
            yield Violation(f"looks.{name}", rule)


def _looks_exist(
    looks: Mapping[str, Look], futility: FutilityRule | None, re_estimation: ReEstimation | None
) -> Iterator[Violation]:
    for name in (futility.at or ()) if futility is not None else ():
        if name not in looks:
            yield Violation("futility.at", unknown("look", name, looks), name)
    if re_estimation is not None and re_estimation.at not in looks:
        rule = unknown("look", re_estimation.at, looks)
        yield Violation("re_estimation.at", rule, re_estimation.at)
    elif re_estimation is not None and re_estimation.at != list(looks)[-1]:
        rule = f"must be the last look, {list(looks)[-1]}: later looks would have no plan"
        yield Violation("re_estimation.at", rule, re_estimation.at)


def _bounds_for_each_look(looks: Mapping[str, Look], efficacy: EfficacyRule) -> Iterator[Violation]:
    if isinstance(efficacy, GivenBounds) and len(efficacy.z) not in (len(looks), len(looks) + 1):
        rule = f"must hold a bound for each of {len(looks)} looks, and may hold one for the end"
        yield Violation("efficacy.z", rule, list(efficacy.z))


def _effect_is_planned(
    futility: FutilityRule | None, planned_effect: float | None
) -> Iterator[Violation]:
    if planned_effect is None and needs_planned_effect(futility):
        rule = "must be given: the futility rule refers to the effect that the design is for"
        yield Violation("planned_effect", rule, None)


def _beta_beside_alpha(
    futility: FutilityRule | None, efficacy: EfficacyRule
) -> Iterator[Violation]:
    if isinstance(futility, BetaSpending) and not isinstance(efficacy, SPENDING):
        rule = (
            "must be z, p, effect, conditional_power or predictive_power beside the efficacy rule "
            f"{efficacy.rule}, which spends no alpha"
        )
        yield Violation("futility.scale", rule, futility.scale)
    if isinstance(futility, BetaSpending) and futility.at is not None:
        rule = "must be left out with beta_spending, which spends at every look"
        yield Violation("futility.at", rule, list(futility.at))


def _size_has_an_effect(
    re_estimation: ReEstimation | None, planned_effect: float | None
) -> Iterator[Violation]:
    if re_estimation is None or re_estimation.unblinded or re_estimation.effect is not None:
        return
    if planned_effect is None:
        rule = "must be given, or planned_effect: a blinded size is for some effect"
        yield Violation("re_estimation.effect", rule, None)


def _final_fits(
    final: Final, looks: Mapping[str, Look], efficacy: EfficacyRule
) -> Iterator[Violation]:
    if final.test in ("fisher", "cui_hung_wang") and len(looks) > 1:
        rule = "must be conventional or inverse_normal with several looks: it combines two stages"
        yield Violation("final.test", rule, final.test)
    if final.test == "fisher" and not isinstance(efficacy, NoEfficacy):
        rule = "must be none with Fisher's product, whose level is that of both stages together"
        yield Violation("efficacy", rule, efficacy.rule)


def _unblinded_is_allowed(re_estimation: ReEstimation | None, final: Final) -> Iterator[Violation]:
    if re_estimation is None or not re_estimation.unblinded or final.test != "conventional":
        return
    if final.because is None:
        rule = (
            "must be inverse_normal, fisher or cui_hung_wang after an unblinded change of size, "
            "or final.because must say why a conventional test keeps its level"
        )
        yield Violation("final.test", rule, final.test)


def _interval_fits(interval: str, final: Final) -> Iterator[Violation]:
    if interval == "naive" or final.test == "conventional":
        return
    if final.test == "fisher":
        rule = "must be naive with fisher, of whose product no interval is available here"
        yield Violation("interval", rule, interval)
    elif interval == "stagewise":
        rule = f"must be repeated or naive with {final.test}, whose stages have no such order"
        yield Violation("interval", rule, interval)


def _estimate_fits(estimate: str, efficacy: EfficacyRule, final: Final) -> Iterator[Violation]:
    if estimate == "naive" or final.test == "conventional":
        return
    if final.test == "fisher":
        rule = "must be naive with fisher, of whose product no other estimate is available here"
        yield Violation("estimate", rule, estimate)
    elif not isinstance(efficacy, NoEfficacy):
        rule = f"must be naive with {final.test}, unless efficacy is none: a stop would bias it"
        yield Violation("estimate", rule, estimate)


def _order_is_used(
    futility_in_order: str,
    futility: FutilityRule | None,
    estimate: str,
    interval: str,
    final: Final,
) -> Iterator[Violation]:
    """Refuse a choice about stage-wise ordering where nothing is ordered, or no futility stops."""
    if futility_in_order == "if_binding":
        return
    if futility is None:
        rule = "must be left out without a rule for futility"
        yield Violation("futility_in_order", rule, futility_in_order)
    elif final.test != "conventional" or (estimate == "naive" and interval != "stagewise"):
        rule = "must be left out unless an estimate or an interval is by stage-wise ordering"
        yield Violation("futility_in_order", rule, futility_in_order)


def _information_is_planned(
    information: str, planned_standard_error: float | None
) -> Iterator[Violation]:
    if information == "variance" and planned_standard_error is None:
        rule = "must be given where information is that of the variance: its planned end"
        yield Violation("planned_standard_error", rule, None)


class Monitoring(CheckedModel):
    """Looks at the data before the trial has ended, and what may be decided at them."""

    rules = (
        _named_apart,
        _in_order,
        _looks_exist,
        _bounds_for_each_look,
        _effect_is_planned,
        _beta_beside_alpha,
        _size_has_an_effect,
        _final_fits,
        _unblinded_is_allowed,
        _interval_fits,
        _estimate_fits,
        _information_is_planned,
        _order_is_used,
    )
    omitted_defaults = (
        "information",
        "planned_effect",
        "planned_standard_error",
        "futility",
        "waiting_patients",
        "re_estimation",
        "final",
        "estimate",
        "interval",
        "futility_in_order",
        "board",
    )

    looks: Annotated[dict[Name, Look], Field(min_length=1, max_length=20)] = Field(
        description="The looks before the last analysis, in order of time, by name."
    )
    information: Literal["patients", "variance"] = Field(
        "patients",
        description="What the share of information counts: patients analysed, or the reciprocal of "
        "the test's variance, ties included.",
    )
    planned_effect: Finite | None = Field(
        None,
        description="The effect that the design is for, in the unit of the estimate, such as 0.6.",
    )
    planned_standard_error: Positive | None = Field(
        None,
        description="Standard error of the estimate at the planned end, such as 0.04 (of the "
        "logarithm for a ratio of odds; of the Mann-Whitney effect for what derives from it). "
        "For rank tests, unless given, that without ties.",
    )
    efficacy: Efficacy = Field(description="The rule that ends the trial for efficacy.")
    futility: Futility | None = Field(
        None, description="The rule that ends the trial for futility; null for none."
    )
    waiting_patients: Literal["followed", "left_out"] = Field(
        "followed",
        description="After a stop, patients whose endpoint is pending: followed up and included in "
        "the final analysis, the decision not reversed, or left out and the trial closed at once.",
    )
    re_estimation: ReEstimation | None = Field(
        None, description="The number of patients set again at a look; null for none."
    )
    final: Final = Field(default_factory=Final, description="The test at the last analysis.")
    estimate: Literal["naive", "median_unbiased"] = Field(
        "naive", description="The estimate that is reported after looks."
    )
    interval: Literal["naive", "stagewise", "repeated"] = Field(
        "naive",
        description="The interval that is reported after looks: as if there had been none, by "
        "stage-wise ordering, or repeated (valid whatever the reason for stopping).",
    )
    futility_in_order: Literal["if_binding", "always"] = Field(
        "if_binding",
        description="Whether stage-wise ordering counts a stop for futility: only where the rule "
        "is binding, or always, which makes estimate and interval exact where the board obeys the "
        "rule (the interval may then exclude the null effect where the test does not reject).",
    )
    board: str | None = Field(
        None, description="Who sees the data at a look, in words; printed as given."
    )

    @property
    def orders_futility(self) -> bool:
        """Whether stage-wise ordering counts a stop for futility."""
        rule = self.futility
        return rule is not None and (rule.binding or self.futility_in_order == "always")

    @property
    def names(self) -> tuple[str, ...]:
        """The looks by name, in order."""
        return tuple(self.looks)

    def futility_at(self, look: str) -> bool:
        """Return whether the futility rule is applied at a look."""
        return self.futility is not None and (self.futility.at is None or look in self.futility.at)
