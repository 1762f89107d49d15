"""What every method answers of a batch of replicates, on the scale that the plan reports."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers
from trialsim.scenario.plan.choices import Effect
from trialsim.stats.means_and_proportions.mean_difference import MeanDifference
from trialsim.stats.p_values import Standardised
from trialsim.stats.ranks.wins import odds

Against: TypeAlias = Callable[[float], Standardised]
"""A value of the effect to how far the estimates lie above it: what the interval inverts."""


def _says_nothing(value: float) -> Standardised:
    return Standardised(np.array(np.nan))


class LevelPairs(NamedTuple):
    """The pairs of patients that each level of a hierarchy decides, shape (replicate, level)."""

    wins: Floats
    """Won by the treated."""
    losses: Floats
    pairs: Floats
    """All of them, shape (replicate,)."""


class DoseFinding(NamedTuple):
    """The shapes of the dose response that each replicate finds, and its target dose."""

    significant: Booleans
    """The candidates whose contrast shows a benefit, shape (replicate, candidate)."""
    chosen: Floats
    """The weight of the curve of each shape, shape (replicate, shape); all 0 without a curve."""
    target: Floats
    """The smallest dose that reaches the target, shape (replicate,); NaN where none does."""
    low: Floats
    high: Floats
    at_bound: Booleans
    """Whether a chosen curve has a parameter at the end of its range."""


class Comparison(NamedTuple):
    """Treated against control in each replicate, shape (replicate,)."""

    estimate: Floats
    low: Floats
    high: Floats
    statistic: Floats
    """z, or Student's t; NaN where the test has none."""
    p_value: Floats
    treated: Integers
    """Treated patients analysed."""
    control: Integers
    against: Against = _says_nothing
    """By which a margin is tested, as the interval holds it or not."""
    levels: LevelPairs | None = None
    """Of a hierarchy; None of all else."""
    doses: DoseFinding | None = None
    """Of a dose finding; None of all else."""
    means: tuple[Floats, Floats] | None = None
    """What is averaged of the treated and of the controls where it is not their scores."""


def on_scale(found: Comparison, effect: Effect) -> Comparison:
    """Return a comparison by the Mann-Whitney effect as win odds or as net benefit.

    Both rise with the effect, so the ends of the interval are carried over, and a value to be
    compared with is carried back; the test stays.
    """
    return found._replace(
        estimate=scaled_effect(found.estimate, effect),
        low=scaled_effect(found.low, effect),
        high=scaled_effect(found.high, effect),
        against=lambda value: found.against(unscaled_effect(value, effect)),
    )


def of_mean_difference(found: MeanDifference, sizes: tuple[Integers, Integers]) -> Comparison:
    """Return a difference of means as a comparison of so many treated and controls."""
    ends = found.estimate, found.low, found.high
    return Comparison(*ends, found.t, found.p_value, *sizes, found.against)


def scaled_effect(theta: Floats, effect: Effect) -> Floats:
    """Return Mann-Whitney effects as win odds or as net benefit, or as they are.

    >>> scaled_effect(np.array([0.75]), "win_odds"), scaled_effect(np.array([0.75]), "net_benefit")
    (array([3.]), array([0.5]))
    """
    match effect:
        case "win_odds":
            return odds(theta)
        case "net_benefit":
            return 2 * theta - 1
        case _:
            return theta


def unscaled_effect(value: float, effect: Effect) -> float:
    """Return the Mann-Whitney effect of a win odds or a net benefit, or of itself.

    >>> unscaled_effect(3.0, "win_odds"), unscaled_effect(0.5, "net_benefit")
    (0.75, 0.75)
    """
    match effect:
        case "win_odds":
            return value / (1 + value)
        case "net_benefit":
            return (1 + value) / 2
        case _:
            return value
