"""P-values are uniform under the null, and intervals cover as their documentation says.

The data are U-shaped on a scale of 0 to 57: most patients do very well or very badly, and in the
control arm a fifth each are at the floor and at the ceiling.
"""

from functools import cache
from typing import get_args

import numpy as np
import pytest
from numpy.testing import assert_allclose

from trialsim.arrays import Floats, Integers
from trialsim.stats.p_values import Alternative
from trialsim.stats.ranks.brunner_munzel import (
    brunner_munzel,
    brunner_munzel_exact,
    brunner_munzel_permutation,
)
from trialsim.stats.ranks.effect_intervals import IntervalMethod, effect_interval
from trialsim.stats.ranks.exact_rank import exact_rank_test_counts, permutation_rank_test
from trialsim.stats.ranks.mann_whitney import RankSummary, rank_test, summarise_counts
from trialsim.stats.ranks.reallocation import all_allocations

ALTERNATIVES: tuple[Alternative, ...] = ("two-sided", "greater", "less")
METHODS: tuple[IntervalMethod, ...] = get_args(IntervalMethod)
SIZES = (8, 20, 104)
LEVELS = np.array([0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 0.9])
REPLICATES = 20_000

# How often the tests reject at a nominal 5% under the null, measured once with 200,000 replicates.
KNOWN_RATES = {
    "rank": (0.0481, 0.0492, 0.0490),
    "rank with continuity": (0.0415, 0.0476, 0.0489),
    "Brunner-Munzel t": (0.0560, 0.0523, 0.0498),
    "Brunner-Munzel normal": (0.0776, 0.0598, 0.0513),
}

# By how far the share of null p-values at or below a level of LEVELS strays from it at most, at 8
# and at 20 an arm and on any side, by approximation and discreteness; measured like KNOWN_RATES.
KNOWN_DEPARTURES = {
    "rank": (0.0147, 0.0033),
    "rank with continuity": (0.0423, 0.0132),
    "Brunner-Munzel t": (0.0219, 0.0092),
    "Brunner-Munzel normal": (0.0276, 0.0099),
}


def u_shaped(floor: float, ceiling: float) -> Floats:
    middle = np.linspace(-1, 1, 56) ** 2 + 0.4
    return np.array([floor, *(1 - floor - ceiling) * middle / middle.sum(), ceiling])


CONTROL = u_shaped(0.2, 0.2)
TREATED = {0.50: CONTROL, 0.62: u_shaped(0.1, 0.4), 0.76: u_shaped(0.05, 0.7)}


@cache
def trials(size: int, effect: float = 0.5) -> RankSummary:
    return summarise_counts(*counts(size, TREATED[effect], REPLICATES))


def counts(size: int, treated: Floats, replicates: int) -> tuple[Integers, Integers]:
    generator = np.random.default_rng(2016)
    return (
        generator.multinomial(size, treated, size=replicates),
        generator.multinomial(size, CONTROL, size=replicates),
    )


def standard_error(share: Floats | float, replicates: int = REPLICATES) -> Floats:
    return np.asarray(np.sqrt(np.asarray(share) * (1 - np.asarray(share)) / replicates))


def p_values(name: str, summary: RankSummary, alternative: Alternative) -> Floats:
    match name:
        case "rank":
            return rank_test(summary, alternative).p_value
        case "rank with continuity":
            return rank_test(summary, alternative, continuity=True).p_value
        case "Brunner-Munzel t":
            return brunner_munzel(summary, alternative, "t").p_value
        case _:
            return brunner_munzel(summary, alternative, "normal").p_value


@pytest.mark.parametrize("name", KNOWN_RATES)
@pytest.mark.parametrize("size", SIZES)
def test_null_rejections_at_five_per_cent_are_the_known_ones(name: str, size: int) -> None:
    """Oracle: KNOWN_RATES, within four binomial standard errors."""
    rate = (p_values(name, trials(size), "two-sided") <= 0.05).mean()
    known = KNOWN_RATES[name][SIZES.index(size)]
    assert abs(rate - known) < 4 * standard_error(known)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("name", KNOWN_RATES)
def test_null_p_values_are_uniform_at_the_size_of_cars_1(
    name: str, alternative: Alternative
) -> None:
    """Four binomial standard errors, and 0.003 for the approximation and discreteness."""
    found = p_values(name, trials(104), alternative)
    shares = (found[:, None] <= LEVELS).mean(axis=0)
    assert (abs(shares - LEVELS) < 4 * standard_error(LEVELS) + 0.003).all()


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("size", SIZES[:2])
@pytest.mark.parametrize("name", KNOWN_DEPARTURES)
def test_null_p_values_of_small_samples_stray_no_further_than_known(
    name: str, size: int, alternative: Alternative
) -> None:
    """Oracle: KNOWN_DEPARTURES, and four binomial standard errors at each level."""
    found = p_values(name, trials(size), alternative)
    strayed = abs((found[:, None] <= LEVELS).mean(axis=0) - LEVELS)
    known = KNOWN_DEPARTURES[name][SIZES.index(size)]
    assert (strayed < known + 4 * standard_error(LEVELS)).all()


@pytest.mark.parametrize("size", SIZES)
def test_continuity_never_makes_a_p_value_smaller(size: int) -> None:
    summary = trials(size)
    for alternative in ALTERNATIVES:
        with_continuity = rank_test(summary, alternative, continuity=True).p_value
        assert (with_continuity >= rank_test(summary, alternative).p_value).all()


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_exact_p_values_keep_every_level_at_eight_an_arm(alternative: Alternative) -> None:
    """P(p <= x) <= x without Monte Carlo error: over all allocations of twenty drawn trials."""
    treated, control = counts(8, CONTROL, 20)
    for totals in treated + control:
        ways, chances = all_allocations(totals[totals > 0], 8)
        found = exact_rank_test_counts(ways, totals[totals > 0] - ways, alternative).p_value
        assert_valid(found, chances)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_exact_brunner_munzel_keeps_every_level(alternative: Alternative) -> None:
    """P(p <= x) <= x over all allocations of a trial of five against four with ties."""
    totals = np.array([3, 1, 2, 1, 2])
    ways, chances = all_allocations(totals, 5)
    found = [
        brunner_munzel_exact(
            np.repeat(np.arange(5.0), way), np.repeat(np.arange(5.0), totals - way), alternative
        ).p_value
        for way in ways
    ]
    assert_valid(np.array(found), chances)


def test_permutation_tests_keep_their_level_and_use_it() -> None:
    """With 39 permutations a level of 5% is attained but for ties; four standard errors."""
    generator = np.random.default_rng(1)
    treated, control = generator.choice(58, (2, 500, 20), p=CONTROL).astype(float)
    shuffled = np.argsort(generator.random((500, 39, 40)), axis=-1)
    for test in (permutation_rank_test, brunner_munzel_permutation):
        rate = (test(treated, control, shuffled).p_value <= 0.05).mean()
        assert abs(rate - 0.05) < 4 * standard_error(0.05, 500)


@pytest.mark.parametrize("effect", TREATED)
@pytest.mark.parametrize("size", SIZES)
def test_intervals_cover_as_documented(effect: float, size: int) -> None:
    """Oracle: the table of `effect_interval`, within four binomial standard errors."""
    assert_allclose(TREATED[effect] @ (np.cumsum(CONTROL) - CONTROL / 2), effect, atol=1e-12)
    summary = trials(size, effect)
    column = 3 * list(TREATED).index(effect) + SIZES.index(size)
    for method in METHODS:
        low, high = effect_interval(summary, method)
        documented = documented_coverage(method)[column]
        covered = ((low <= effect) & (effect <= high)).mean()
        assert abs(covered - documented) < 4 * standard_error(documented) + 0.001, method


def documented_coverage(method: IntervalMethod) -> list[float]:
    lines = [line.split() for line in str(effect_interval.__doc__).splitlines()]
    (row,) = (words[1:] for words in lines if len(words) == 10 and words[0] == method)
    return [float(word) for word in row]


def assert_valid(found: Floats, chances: Floats) -> None:
    """P(p <= x) <= x at each attained x, with the probabilities of the allocations."""
    order = np.argsort(found)
    reached = np.cumsum(chances[order])
    last_of_its_value = np.append(np.diff(found[order]) > 1e-12, True)
    assert (reached <= found[order] + 1e-9)[last_of_its_value].all()
