"""The drug's effect on every scale at once: from the anchor to a latent shift, and to the others.

The reference patients of an outcome are those whose latent score at the end day has the course's
end mean and SD; the cells of the bounded scale follow from it in closed form, so the shift belongs
to the drug and the outcome, and stays when eligibility or operations change.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from trialsim.arrays import Floats
from trialsim.scenario.outcomes.outcome import Anchor, Outcome
from trialsim.scenario.validation.refusal import Violation
from trialsim.stats.planning.scale_effects import (
    Measure,
    mean_of_cells,
    odds_ratio_of_theta,
    proportional_odds_cells,
    rising_root,
    theta_of_cells,
)

_CLOSE: Final = 1e-9
_LEAST_SHIFT: Final = 1e-12
"""A shift found nearer to none is the rounding of its search: no effect moves nobody."""
_NONE: Final = 0.5
"""The Mann-Whitney effect of a drug that does nothing."""


class EffectSizes(NamedTuple):
    """One effect, said on four scales; above no effect (0.5, 0, 1, 0) the drug is better."""

    theta: float
    latent_shift: float
    odds_ratio: float
    mean_difference: float


@lru_cache(maxsize=256)
def effect_sizes(outcome: Outcome) -> EffectSizes:
    """Return the outcome's effect at full exposure on all four scales.

    Raises
    ------
    ValueError
        If no latent shift reaches the anchor's value.
    """
    return _sizes(outcome, outcome.sign * latent_shift(outcome))


def latent_shift(outcome: Outcome) -> float:
    """Return the points by which the drug moves the latent score, signed like the scale."""
    return shift_of(outcome, outcome.effect.anchor, outcome.effect.value)


@lru_cache(maxsize=256)
def shift_of(outcome: Outcome, anchor: Anchor, value: float) -> float:
    """Return the points of the latent score, signed like the scale, of an effect on any scale.

    Raises
    ------
    ValueError
        If no latent shift reaches the value.
    """
    return outcome.sign * _shift_for(outcome, anchor, value)


def control_cells(outcome: Outcome) -> Floats:
    """Return the share of reference patients without the drug in each cell, worst cell first."""
    return _cells(outcome, 0.0)


def treated_cells(outcome: Outcome) -> Floats:
    """Return the share of reference patients at full exposure in each cell, worst cell first."""
    return _cells(outcome, outcome.sign * latent_shift(outcome))


def favours_control(outcome: Outcome) -> bool:
    """Return whether the effect is a harm: reference patients do worse at full exposure.

    >>> import trialsim as ts
    >>> favours_control(ts.load("cars1").outcomes["arat"])
    False
    """
    return effect_sizes(outcome).theta < _NONE - _CLOSE


def effect_refusals(outcome: Outcome) -> Iterator[Violation]:
    """Yield the refusal of an anchor that no latent shift reaches."""
    if outcome.effect.keeps_its_rules:
        yield from unreachable(outcome, outcome.effect.anchor, outcome.effect.value)


def unreachable(outcome: Outcome, anchor: Anchor, value: float) -> Iterator[Violation]:
    """Yield the refusal of an effect's value that no latent shift reaches."""
    if not outcome.keeps_its_rules:
        return
    try:
        shift_of(outcome, anchor, value)
    except ValueError as error:
        yield Violation("value", str(error), value)


def _cells(outcome: Outcome, shift: ArrayLike) -> Floats:
    cells = outcome.course.end_cells(outcome.grid, outcome.sign * np.asarray(shift))
    return cells[..., :: outcome.sign]


def _measure(outcome: Outcome, anchor: Anchor) -> Measure:
    """Return the function of the latent shift whose value the anchor names; it rises."""
    control = control_cells(outcome)
    if anchor == "theta":
        return lambda shift: theta_of_cells(_cells(outcome, shift), control)
    before = mean_of_cells(control)
    return lambda shift: outcome.step * (mean_of_cells(_cells(outcome, shift)) - before)


def _shift_for(outcome: Outcome, anchor: Anchor, value: float) -> float:
    if anchor == "latent_shift":
        return value
    if anchor == "odds_ratio":
        control = control_cells(outcome)
        value = theta_of_cells(proportional_odds_cells(control, value), control).item()
        anchor = "theta"
    measure = _measure(outcome, anchor)
    widest = outcome.course.widest(outcome.grid)
    lowest, highest = measure(np.array([-widest, widest])).tolist()
    if not lowest + _CLOSE < value < highest - _CLOSE:
        raise ValueError(
            f"must lie between {lowest:.4f} and {highest:.4f} as {anchor.replace('_', ' ')}: "
            "beyond, the scale's floor or ceiling is reached by all"
        )
    shift: float = rising_root(measure, np.array(value), widest).item()
    return shift if abs(shift) >= _LEAST_SHIFT else 0.0


def _sizes(outcome: Outcome, shift: float) -> EffectSizes:
    control = control_cells(outcome)
    theta = _measure(outcome, "theta")(np.array(shift))
    return EffectSizes(
        theta=theta.item(),
        latent_shift=shift,
        odds_ratio=odds_ratio_of_theta(control, theta).item(),
        mean_difference=_measure(outcome, "mean_difference")(np.array(shift)).item(),
    )
