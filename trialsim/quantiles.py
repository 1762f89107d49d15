"""From a word to a value: how a distribution is drawn from, with sums, products and comparisons.

What is discrete compares the word with whole numbers of words; what is continuous follows a curve
made once of the distribution's exact quantiles. A whole number of words also says which words meet
a condition, so that a value that is only judged need not be made.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import NDArray

from trialsim.arrays import Booleans, Floats, Integers, Words
from trialsim.compiled.library import stages
from trialsim.curves import Curve, TailCurve
from trialsim.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Constant,
    Continuous,
    Discrete,
    Distribution,
    Exponential,
    LogNormal,
    Normal,
    Uniform,
    whole_cuts,
)
from trialsim.streams import WORDS, Runs, numbers, words_below

_FARTHEST_SCORE: Final = 9.0
"""No sum of a few normal scores of words lies beyond."""
_PIECES_PER_SD: Final = 64
_KEPT: Final = 512


class Steps:
    """A few values, each with a run of words.

    A guide over 4,096 equal cells says how many values end before each cell (Chen and Asau 1974,
    "On generating random variates from an empirical distribution"), so one number costs a look and,
    where a value ends within a cell, a comparison.

    >>> coin = Steps([1, 0], [0.25])
    >>> coin.at(np.array([0, 2**30 - 1, 2**30, 2**32 - 1], np.uint32))
    array([1., 1., 0., 0.])
    >>> coin.runs(lambda values: values == 0) == ((2**30, 2**32),)
    True
    """

    _CELL_BITS: Final = 20

    def __init__(self, values: Sequence[float] | Floats, shares: Sequence[float] | Floats) -> None:
        """Take the values, and the shares up to each of them but the last."""
        self.values = np.asarray(values, np.float64)
        self.ends = words_below(np.asarray(shares, np.float64))

    @cached_property
    def guide(self) -> tuple[Integers, int, NDArray[np.uint64]]:
        """How many values end before each cell, in one cell at most, and all the ends."""
        starts = np.arange(0, WORDS + 1, 1 << self._CELL_BITS, dtype=np.uint64)
        before = np.searchsorted(self.ends, starts, side="right")
        deepest = np.diff(np.append(before[:-1], len(self.ends))).max()
        ends = np.append(self.ends, np.uint64(WORDS))
        return before[:-1].astype(np.int64), int(deepest), ends

    def at(self, words: Words) -> Floats:
        """Return the values at words."""
        before, deepest, ends = self.guide
        compiled = stages()
        if compiled is not None:
            return compiled.steps(before, ends, self.values, words)
        passed = before[words >> np.uint32(self._CELL_BITS)]
        for _ in range(deepest):
            passed += words >= ends[passed]
        values: Floats = self.values[passed]
        return values

    @cached_property
    def scores(self) -> Floats:
        """The standard normal scores at which the values end, but for the last."""
        scores: Floats = scipy.special.ndtri(self.ends / WORDS)
        return scores

    def at_score(self, scores: Floats) -> Floats:
        """Return the values at standard normal scores."""
        values: Floats = self.values[np.searchsorted(self.scores, scores, side="right")]
        return values

    def runs(self, met: Callable[[Floats], Booleans]) -> Runs:
        """Return the words whose values meet a condition, values side by side as one run."""
        edges = [0, *self.ends.tolist(), WORDS]
        runs: list[tuple[int, int]] = []
        for place in np.flatnonzero(met(self.values)).tolist():
            first, after = edges[place], edges[place + 1]
            if runs and runs[-1][1] == first:
                first = runs.pop()[0]
            if first < after:
                runs.append((first, after))
        return tuple(runs)


class Smooth:
    """A continuous distribution."""

    def __init__(self, distribution: Continuous) -> None:
        """Take the distribution, whose exact quantiles are computed when they are needed."""
        self.distribution = distribution

    @cached_property
    def curve(self) -> TailCurve:
        """The values at words, for those that are no line and no move of the normal curve."""
        return TailCurve(self.distribution.at)

    @cached_property
    def by_score(self) -> Curve:
        """The values at standard normal scores."""

        def exact(scores: Floats) -> Floats:
            if isinstance(self.distribution, LogNormal | Normal):
                return self.distribution.at_score(scores)
            below: Floats = scipy.special.ndtr(scores)
            return self.distribution.at(below.clip(2.0**-53, 1 - 2.0**-53))

        return Curve(exact, -_FARTHEST_SCORE, _FARTHEST_SCORE, _PIECES_PER_SD)

    def at(self, words: Words) -> Floats:
        """Return the values at words."""
        match self.distribution:
            case Uniform(low=low, high=high):
                return low + (high - low) * numbers(words)
            case Normal(mean=mean, sd=sd, low=None, high=None):
                return mean + sd * normal_scores(words)
        return self.curve.at(words)

    def at_score(self, scores: Floats) -> Floats:
        """Return the values at standard normal scores."""
        match self.distribution:
            case Normal(mean=mean, sd=sd, low=None, high=None):
                return mean + sd * scores
        return self.by_score.at(scores)

    def first(self, met: Callable[[Floats], Booleans]) -> int:
        """Return the first word from which on the values meet a condition, found by halving."""
        none, first = -1, WORDS
        while first - none > 1:
            middle = (none + first) // 2
            if met(self.at(np.array([middle], np.uint32)))[0]:
                first = middle
            else:
                none = middle
        return first


def quantiles(distribution: Distribution, whole: bool = False) -> Steps | Smooth:
    """Return what draws from a distribution, or from its values rounded to whole numbers.

    >>> age = Normal(distribution="normal", mean=63, sd=14, low=18, high=100)
    >>> quantiles(age, whole=True).at(np.array([2**30, 2**31], np.uint32))
    array([54., 63.])
    """
    match distribution:
        case Bernoulli(probability=probability):
            return Steps([1.0, 0.0], [probability])
        case Categorical(levels=levels):
            return Steps(range(len(levels)), np.cumsum(list(levels.values()))[:-1])
        case Discrete(values=values):
            return Steps(list(values), np.cumsum(list(values.values()))[:-1])
        case Constant(value=value):
            return Steps([value], [])
        case Uniform() | Normal() | Beta() if whole:
            return _rounded(distribution)
    return _smooth(distribution)


@lru_cache(1)
def waits() -> Smooth:
    """Return what draws the waits between events that come at a pace of one a minute."""
    return Smooth(Exponential(distribution="exponential", mean=1))


def normal_scores(words: Words) -> Floats:
    """Return the standard normal scores at words."""
    return standard_normal().at(words)


@lru_cache(1)
def standard_normal() -> TailCurve:
    """Return the curve of standard normal scores."""
    return TailCurve(lambda u: scipy.special.ndtri(u))


@lru_cache(_KEPT)
def _smooth(distribution: Continuous) -> Smooth:
    return Smooth(distribution)


@lru_cache(_KEPT)
def _rounded(distribution: Uniform | Normal | Beta) -> Steps:
    values, cuts = whole_cuts(distribution)
    return Steps(values, cuts)
