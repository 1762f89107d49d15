"""The bounds of a study with looks, in words."""

from collections.abc import Iterator, Sequence
from typing import Literal

from trialsim.questions.monitoring.bounds import (
    Bound,
    BoundsResult,
    FinalTest,
    LookBounds,
    SizeRule,
    UnderEffect,
)
from trialsim.reporting.text.words import conventions_text

_SCALES = f"{'z':>8} {'p':>9} {'effect':>8} {'CP trend':>9} {'CP plan':>9} {'PP':>7}"


def bounds_text(title: str, result: BoundsResult) -> str:
    """Return the bounds on every scale, then what they do under several effects."""
    level = f"level {result.alpha:g} one-sided"
    if result.sides == 2:
        level = f"level {result.alpha:g} two-sided ({result.alpha / 2:g} a side)"
    lines = [
        title,
        f"bounds of {result.planned_patients} planned patients, {level}; "
        f"scenario {result.scenario} ({result.digest})",
        "Normal approximation at the planned information, mean recruitment; no trial was run.",
        *(f"WARNING: {warning}" for warning in result.warnings),
        "",
        f"{'look':12} {'frac.':>6} {'patients':>8} {'info':>8} {'day':>5} {'randomised':>10} "
        f"{'alpha spent':>11}",
        *map(_look, result.looks),
        "",
        f"{'efficacy':12} {_SCALES}",
        *(_bound(one.name, one.efficacy) for one in result.looks),
        *_below(result.looks, "futility"),
        *_below(result.looks, "harm"),
        *_last(result.final),
        *_sizes(result.re_estimation),
        "",
        "Frac. is the information fraction; alpha spent and p are of one side; CP is conditional",
        "power under the current trend and under the planned effect, PP predictive power from a",
        "flat prior.",
        "",
        *_effects(result),
        "",
        "Textbook patients are those analysed when the trial ends, as if every endpoint were known",
        "at once; patients are those randomised by the decision, at the mean recruitment rate.",
        "",
        *conventions_text(result.conventions),
    ]
    return "\n".join(lines)


def _look(one: LookBounds) -> str:
    information = f"{one.information:.1f}" if one.information == one.information else "-"
    return (
        f"{one.name:12} {one.share:6.3f} {one.patients:8.1f} {information:>8} {one.day:5.0f} "
        f"{one.randomised:10.1f} {one.alpha_spent:11.6f}"
    )


def _below(looks: Sequence[LookBounds], side: Literal["futility", "harm"]) -> Iterator[str]:
    """Yield the bounds at or below which a look stops, if any does."""
    bounds = [(one.name, one.futility if side == "futility" else one.harm) for one in looks]
    tried = [(name, bound) for name, bound in bounds if abs(bound.z) < float("inf")]
    if tried:
        yield ""
        yield f"{side:12} {_SCALES}"
        yield from (_bound(name, bound) for name, bound in tried)


def _last(final: FinalTest) -> Iterator[str]:
    """Yield how the last analysis combines stages, if it does."""
    if final.weights is not None:
        weights = ", ".join(f"{weight:.4f}" for weight in final.weights)
        yield f"Bounds are of the combined z of stages, with the weights {weights}."
    if final.product is not None:
        yield f"At the end the product of both stages' p must be at most {final.product:.5f}; the"
        yield "bound on z there is of the p-value of that product."


def _sizes(rule: SizeRule | None) -> Iterator[str]:
    """Yield how the size is set again; what follows is of the plan without it."""
    if rule is None:
        return
    yield ""
    blinded = "blinded" if rule.by == "blinded" else "unblinded"
    yield (
        f"Sample size re-estimated at {rule.look}, {blinded}, between {rule.at_least} and "
        f"{rule.at_most} (planned {rule.planned})."
    )
    if rule.by_trend:
        yield f"{'CP trend':>12} {'z':>8} {'patients':>9}"
        for one in rule.by_trend:
            yield f"{one.conditional_power:12.4f} {one.z:8.4f} {one.patients:9}"
    yield "The table below is of the plan without it, tested conventionally; power simulates it."


def _bound(name: str, bound: Bound) -> str:
    if abs(bound.z) == float("inf"):
        return f"{name:12} {'never':>8}"
    powers = (bound.conditional_power, bound.conditional_power_planned, bound.predictive_power)
    told = " ".join(
        f"{value:{width}.4f}" if value == value else " " * width
        for value, width in zip(powers, (9, 9, 7), strict=True)
    )
    effect = f"{bound.effect:8.4f}" if bound.effect == bound.effect else " " * 8
    return f"{name:12} {bound.z:8.4f} {bound.p:9.6f} {effect} {told}".rstrip()


def _effects(result: BoundsResult) -> Iterator[str]:
    """Yield the power and the size under each effect, then where trials stop under it."""
    yield f"{result.quantity:>20} {'power':>9} {'textbook':>9} {'patients':>9}"
    for one in result.effects:
        sizes = f"{one.textbook_patients:9.1f} {one.patients:9.1f}"
        yield f"{one.effect:20.4f} {one.power:9.4f} {sizes}"
    yield ""
    names = " ".join(f"{look.name:>9.9}" for look in result.looks)
    yield f"{'probability to stop':>20} {'for':9} {names}"
    for one in result.effects:
        yield from _stops(one, result.looks)


def _stops(one: UnderEffect, looks: Sequence[LookBounds]) -> Iterator[str]:
    """Yield where trials stop under an effect for each reason that has a bound at some look."""
    effect = f"{one.effect:.4f}"
    for side, chances in (
        ("efficacy", one.efficacy),
        ("futility", one.futility),
        ("harm", one.harm),
    ):
        tried = {look.name for look in looks if abs(getattr(look, side).z) < float("inf")}
        if tried:
            told = (
                f"{chances[look.name]:9.4f}" if look.name in tried else f"{'-':>9}"
                for look in looks
            )
            yield f"{effect:>20} {side:9} {' '.join(told)}"
            effect = ""
