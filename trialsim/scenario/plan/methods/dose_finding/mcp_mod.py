"""MCP-Mod: any of several shapes of the dose response, and the dose that has a target effect."""

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Final, Literal, NamedTuple

import numpy as np
from pydantic import Field

from trialsim.distributions import FrozenModel
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.choices import QUANTITIES, Plan, Quantity
from trialsim.scenario.plan.methods.base import AnalysisMethod, listed, measured
from trialsim.scenario.plan.methods.responders import unreached
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.validation.refusal import (
    Finite,
    Name,
    Positive,
    Violation,
    must_exist,
    unknown,
)
from trialsim.stats.dose_response.curves import free_parameters
from trialsim.stats.dose_response.shapes import FORMS, SCALE, Shape, rise

Estimated = Literal["mann_whitney", "mean_difference", "odds_ratio"]


class ShapeParameters(FrozenModel):
    """The parameters of a candidate shape, in the unit of the doses where they are doses."""

    omitted_defaults = ("ed50", "hill", "delta", "delta1", "delta2", "scale")

    ed50: Positive | None = None
    """Of emax, sigmoid_emax and logistic: the dose with half of the largest effect, such as 15."""
    hill: Positive | None = None
    """Of sigmoid_emax: its steepness, such as 3."""
    delta: Finite | None = None
    """Of exponential and logistic: the dose over which it rises, such as 20; of quadratic the
    second coefficient over the first, negative for an umbrella, such as -0.012."""
    delta1: Positive | None = None
    """Of beta: the power of the dose by which it rises, such as 1."""
    delta2: Positive | None = None
    """Of beta: the power by which it falls, such as 1.5."""
    scale: Positive | None = None
    """Of beta: the dose at which no effect is left, such as 80; 1.2 times the largest unless it is
    given."""


class Candidate(NamedTuple):
    """A shape that the dose response may have, and its parameters."""

    shape: Shape
    parameters: ShapeParameters

    def values(self, top: float) -> list[float]:
        """Return the parameters in their order, for a largest dose."""
        given = self.parameters.model_dump()
        usual = {"scale": SCALE * top}
        return [float(given.get(name) or usual.get(name, math.nan)) for name in self.names]

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters of the shape."""
        return FORMS[self.shape].parameters

    @property
    def in_words(self) -> str:
        """The shape with its parameters, such as `emax (ed50 15)`."""
        given = self.parameters.model_dump(exclude_none=True)
        said = ", ".join(f"{name} {value:g}" for name, value in given.items())
        return self.shape.replace("_", " ") + (f" ({said})" if said else "")


Candidates = Annotated[
    tuple[Annotated[dict[Shape, ShapeParameters], Field(min_length=1, max_length=1)], ...],
    Field(strict=False, min_length=1, max_length=12),
]


def _candidates_are_whole(
    candidates: tuple[dict[Shape, ShapeParameters], ...],
) -> Iterator[Violation]:
    for place, (shape, given) in enumerate(item for one in candidates for item in one.items()):
        said = given.model_dump(exclude_none=True)
        path, needed = f"candidates.{place}.{shape}", FORMS[shape].parameters
        missing = [name for name in needed if name not in said and name != "scale"]
        if missing:
            rule = f"must say {listed(missing)}, by which its contrast is made"
            yield Violation(path, rule)
        for name in said:
            yield from must_exist(f"{path}.{name}", "parameter", name, needed)
        positive = shape != "quadratic" and said.get("delta", 1.0) <= 0
        if positive:
            yield Violation(f"{path}.delta", "must be more than 0", said["delta"])


class McpMod(AnalysisMethod):
    """Several doses against one control by contrasts of shapes, then curves (MCP-Mod)."""

    rules = (_candidates_are_whole,)
    omitted_defaults = ("estimate", "threshold", "doses", "target", "choose")
    why_not_monitored: ClassVar[str] = "its looks would need the joint law of all its contrasts"

    method: Literal["mcp_mod"]
    candidates: Candidates
    """The shapes that the dose response may have, such as [linear: {}, emax: {ed50: 15}]; each has
    the contrast of the arms that finds it best, and the largest of them is tested."""
    estimate: Estimated = "mann_whitney"
    """What is estimated of each dose against the control: by ranks, by means with one variance of
    all arms, or by the odds of responding at the threshold."""
    threshold: Finite | None = None
    """Of odds_ratio: points of the score, or of its change, such as 2; who has it exactly
    responds."""
    doses: dict[Name, Positive] | None = None
    """The dose of each arm that is compared with the control, such as {dose_10: 10, dose_30: 30};
    those of all other arms of the design unless they are given."""
    target: Finite | None = None
    """The effect whose dose is looked for, on the scale of the estimate, such as a Mann-Whitney
    effect of 0.6; null for no target dose."""
    choose: Literal["aic", "average"] = "aic"
    """Of the curves whose shape is significant, the one with the least of Akaike's criterion; or
    the average of all by its weights, of which there is no interval."""

    @property
    def shapes(self) -> tuple[Candidate, ...]:
        """The candidates in their order."""
        return tuple(Candidate(*item) for one in self.candidates for item in one.items())

    @property
    def families(self) -> tuple[Shape, ...]:
        """Each shape once, of which curves are fitted."""
        return tuple(dict.fromkeys(one.shape for one in self.shapes))

    def doses_of(self, design: Design, control: str) -> dict[str, float]:
        """Return the dose of each arm that is compared with the control, by name."""
        if self.doses is not None:
            return dict(self.doses)
        return {name: arm.doses[0] for name, arm in design.arms.items() if name != control}

    def arms_tested(self, design: Design, plan: Plan) -> tuple[str, ...]:
        return tuple(self.doses_of(design, plan.control))

    def quantity(self, plan: Plan) -> Quantity:
        return QUANTITIES[self.estimate]

    @property
    def target_effect(self) -> float:
        """The target as a difference from no effect, on the scale of the curves."""
        if self.target is None:
            return math.nan
        if self.estimate == "odds_ratio":
            return math.log(self.target) if self.target > 0 else math.nan
        return self.target - QUANTITIES[self.estimate].null

    def estimate_in_words(self, plan: Plan) -> str:
        name = {
            "mann_whitney": "Mann-Whitney effect",
            "mean_difference": "Mean difference",
            "odds_ratio": "Odds ratio of responding "
            f"({'threshold' if self.threshold is None else f'{self.threshold:g}'} or better)",
        }[self.estimate]
        return (
            f"{name} of {plan.treated} against {plan.control}, {measured(plan)}, without a curve."
        )

    def test_in_words(self, plan: Plan) -> str:
        arms = "all other arms"
        if self.doses is not None:
            arms = listed(f"{name} ({dose:g})" for name, dose in self.doses.items())
        shapes = "; ".join(one.in_words for one in self.shapes)
        law = "t" if self.estimate == "mean_difference" else "normal"
        return (
            f"MCP-Mod of {arms} against {plan.control} by dose: the largest of the optimal "
            f"contrasts of {shapes}; multivariate {law}, adjusted for all of them. {self._curves()}"
        )

    def _curves(self) -> str:
        if self.target is None:
            return "No curve is fitted, as no target is given."
        chosen = {
            "aic": "that with the least of Akaike's criterion gives the smallest dose with",
            "average": "all averaged by Akaike's weights give the smallest dose with",
        }[self.choose]
        return (
            "Curves of the significant shapes are fitted by generalised least squares; "
            f"{chosen} an effect of {self.target:g}."
        )

    def ties_in_words(self, plan: Plan) -> str:
        if self.estimate == "mann_whitney":
            return "Tied pairs count one half."
        return "Scores are not ranked, so ties have no part."

    def variance_in_words(self, plan: Plan) -> str:
        return {
            "mann_whitney": "Of the test that over all allocations of the patients to the arms, "
            "with their ties; of curves and interval that of the placements (DeLong 1988).",
            "mean_difference": "One variance for all arms, from within them.",
            "odds_ratio": "That of the logarithms of the odds, a half added to those who respond "
            "and to those who do not.",
        }[self.estimate]

    def interval_in_words(self, plan: Plan) -> str:
        own = {
            "mann_whitney": "normal, with the variance of the placements",
            "mean_difference": "Student's t",
            "odds_ratio": "normal for the logarithm",
        }[self.estimate]
        if self.target is None or self.choose == "average":
            return own
        return f"{own}; of the target dose by the profile of the fit"

    def level_row(self, plan: Plan) -> str | None:
        return f"mcp_mod, {self.estimate}"

    def design_violations(self, design: Design, plan: Plan) -> Iterator[Violation]:
        if plan.control not in design.arms:
            return
        wrong = list(self._given(design, plan) if self.doses else _of_design(design, plan))
        yield from wrong
        doses = self.doses_of(design, plan.control)
        if plan.treated not in doses:
            rule = f"must be one of the doses that are compared: {listed(doses)}"
            yield Violation("treated", rule, plan.treated)
        if wrong:
            return
        if len(set(doses.values())) < max(2, len(doses)):
            rule = "must be of at least two arms, of different doses"
            yield Violation("test.doses", rule, listed(f"{one:g}" for one in doses.values()))
        else:
            yield from self._shapes_fit(sorted(doses.values()))

    def _given(self, design: Design, plan: Plan) -> Iterator[Violation]:
        """Yield why doses that are given are not those of arms beside the control."""
        for name in self.doses or ():
            if name not in design.arms:
                yield Violation(f"test.doses.{name}", unknown("arm", name, design.arms), name)
            elif name == plan.control:
                rule = "must be another arm than the control, from whose effect the curves rise"
                yield Violation(f"test.doses.{name}", rule, name)

    def _shapes_fit(self, doses: list[float]) -> Iterator[Violation]:
        """Yield which shapes mean nothing at these doses, or have no curve through them."""
        for place, one in enumerate(self.shapes):
            path, values = f"test.candidates.{place}.{one.shape}", one.values(doses[-1])
            if one.shape == "beta" and values[-1] <= doses[-1]:
                rule = f"must be more than the largest dose, {doses[-1]:g}"
                yield Violation(f"{path}.scale", rule, values[-1])
                continue
            if not max(rise(one.shape, np.array(doses), values)) > _FLAT:
                yield Violation(path, "must have a benefit at some dose")
            most = len(doses) - 1
            if self.target is not None and free_parameters(one.shape) > most:
                rule = (
                    f"must be a shape with at most {most} parameter{'s' * (most > 1)} beside its "
                    f"height, or no curve follows from {len(doses)} doses"
                )
                yield Violation(path, rule, one.shape)

    def outcome_violations(
        self, outcomes: Mapping[str, Outcome], plan: Plan
    ) -> Iterator[Violation]:
        if self.estimate == "odds_ratio" and self.threshold is None:
            yield Violation("test.threshold", "must be given with odds_ratio, such as 40")
        elif self.estimate == "odds_ratio" and plan.endpoint in outcomes:
            assert self.threshold is not None
            yield from unreached(self.threshold, outcomes[plan.endpoint], plan.measure)
        if self.estimate != "odds_ratio" and self.threshold is not None:
            rule = f"must be left out with {self.estimate}: nobody responds or does not"
            yield Violation("test.threshold", rule, self.threshold)
        if self.estimate == "mean_difference":
            for field, other in (("missing", "locf"), ("death", "as_missing")):
                if getattr(plan, field) == "worst_rank":
                    needs = "with mean_difference, which needs a number"
                    rule = f"cannot be worst_rank {needs}: use {other}"
                    yield Violation(field, rule, "worst_rank")
        if self.target is not None and not self._is_a_benefit(self.target):
            one = self.quantity(plan)
            rule = f"must be {one.one} of more than {one.null:g}" + (
                " and less than 1" if self.estimate == "mann_whitney" else ""
            )
            yield Violation("test.target", rule, self.target)

    def _is_a_benefit(self, target: float) -> bool:
        null, (_, most) = QUANTITIES[self.estimate].null, QUANTITIES[self.estimate].ends
        return null < target < most


_FLAT: Final = 1e-9


def _of_design(design: Design, plan: Plan) -> Iterator[Violation]:
    """Yield why the arms of a design are not doses of one drug against none of it."""
    others = [arm for name, arm in design.arms.items() if name != plan.control]
    control = design.arms[plan.control]
    if len({arm.dose_unit for arm in design.arms.values()}) > 1:
        yield Violation("test.doses", "must be given: the arms have doses in several units")
    elif any(len(arm.doses) > 1 for arm in design.arms.values()):
        yield Violation("test.doses", "must be given: an arm has a dose for each phase")
    elif control.doses[0] != 0:
        yield Violation(
            "control", "must be an arm without the drug, or doses be given", plan.control
        )
    elif min(arm.doses[0] for arm in others) <= 0:
        yield Violation("test.doses", "must be given: another arm than the control has none")
