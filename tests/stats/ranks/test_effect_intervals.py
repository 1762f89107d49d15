"""Intervals of the Mann-Whitney effect, against R and what was published for CARS-1."""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.stats.laws import law
from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.ranks.effect_intervals import (
    IntervalMethod,
    distance_of_summary,
    effect_interval,
)
from trialsim.stats.ranks.mann_whitney import RankSummary, rank_test, summarise, summarise_counts

METHODS: tuple[IntervalMethod, ...] = get_args(IntervalMethod)
CASES = reference("effect_intervals")["cases"]
DEGENERATE = [case for case in reference("mann_whitney")["cases"] if case["family"] == "degenerate"]
KEYS: dict[IntervalMethod, str] = {
    "null_variance": "null_variance_wald",
    "delong": "wald_placement",
    "brunner-munzel": "brunner_munzel_t",
    "logit": "logit_placement",
    "newcombe": "newcombe_method5",
}

scores = st.lists(st.integers(0, 4), min_size=1, max_size=9).map(
    lambda values: np.array(values, float)
)


def summary_of(case: dict[str, Any]) -> RankSummary:
    return summarise(np.array(case["inputs"]["x"], float), np.array(case["inputs"]["y"], float))


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
@pytest.mark.parametrize("method", METHODS)
def test_intervals_agree_with_r(case: dict[str, Any], method: IntervalMethod) -> None:
    """Oracle: pROC, nparcomp, brunnermunzel and auRoc in R, cut at 0 and 1."""
    interval = effect_interval(summary_of(case), method, case["inputs"]["conf_level"])
    wanted = np.clip(case["expected"][KEYS[method]], 0, 1)
    assert_allclose(interval, wanted, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("case", DEGENERATE, ids=[case["id"] for case in DEGENERATE])
@pytest.mark.parametrize("method", METHODS)
def test_degenerate_samples_have_newcombe_s_interval(
    case: dict[str, Any], method: IntervalMethod
) -> None:
    """Oracle: auRoc in R; the null variance is unknown only when all values are equal."""
    summary = summary_of(case)
    if method != "null_variance" or summary.null_variance == 0:
        wanted = case["expected"]["newcombe_method5"]
        assert_allclose(effect_interval(summary, method), wanted, rtol=1e-6, atol=1e-8)


def test_null_variance_reproduces_the_published_interval_of_cars_1() -> None:
    """Oracle: Muresanu et al. 2016: 0.71 (0.63 to 0.79), 104 and 101 patients, ties not told."""
    unknown = np.array(np.nan)
    published = RankSummary(
        np.array(0.71), np.array(104), np.array(101), np.array(0.0), unknown, unknown
    )
    assert_allclose(effect_interval(published, "null_variance"), (0.63, 0.79), atol=0.005)


@law(treated=scores, control=scores, confidence=st.sampled_from([0.5, 0.9, 0.975]))
def test_null_interval_misses_one_half_just_when_the_rank_test_rejects(
    treated: Floats, control: Floats, confidence: float
) -> None:
    summary = summarise(treated, control)
    low, high = effect_interval(summary, "null_variance", confidence)
    p_value = rank_test(summary).p_value
    if summary.null_variance > 0 and abs(p_value - (1 - confidence)) > 1e-9:
        assert (low > 0.5 or high < 0.5) == (p_value < 1 - confidence)


@law(treated=scores, control=scores, method=st.sampled_from(METHODS))
def test_every_interval_has_width_and_holds_the_estimate(
    treated: Floats, control: Floats, method: IntervalMethod
) -> None:
    summary = summarise(treated, control)
    low, high = effect_interval(summary, method)
    assert 0 <= low <= summary.effect <= high <= 1
    assert high - low > 0.1


@law(treated=scores, control=scores, method=st.sampled_from(METHODS))
def test_swapping_the_arms_mirrors_the_interval(
    treated: Floats, control: Floats, method: IntervalMethod
) -> None:
    low, high = effect_interval(summarise(treated, control), method)
    mirrored = effect_interval(summarise(control, treated), method)
    assert_allclose((1 - high, 1 - low), mirrored, atol=1e-12)


@law(treated=scores, control=scores, method=st.sampled_from(METHODS))
def test_more_confidence_is_never_narrower(
    treated: Floats, control: Floats, method: IntervalMethod
) -> None:
    summary = summarise(treated, control)
    narrow, wide = (effect_interval(summary, method, confidence) for confidence in (0.8, 0.99))
    assert wide.low <= narrow.low
    assert wide.high >= narrow.high


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_gives_the_bits_of_a_loop_over_single_trials(method: IntervalMethod) -> None:
    """Among small trials on three values some have no variance and some an empty arm."""
    generator = np.random.default_rng(7)
    treated, control = (
        np.where(generator.random((80, 3)) < 0.4, np.nan, generator.integers(0, 3, (80, 3)))
        for _ in range(2)
    )
    batch = effect_interval(summarise(treated, control), method)
    singles = [
        effect_interval(summarise(*arms), method) for arms in zip(treated, control, strict=True)
    ]
    assert_array_equal(batch, np.array(singles).T)


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_arm_tells_nothing(method: IntervalMethod) -> None:
    interval = effect_interval(summarise(np.array([]), np.array([1.0, 2.0])), method)
    assert_array_equal(interval, (0.0, 1.0))


def test_wrong_arguments_are_refused_with_rule_and_value() -> None:
    summary, unknown = summarise(np.array([1.0, 2]), np.array([1.0, 3])), "wald"
    method: Any = unknown
    with pytest.raises(ValueError, match=r"method must be one of null_variance, .* \(got 'wald'\)"):
        effect_interval(summary, method)
    with pytest.raises(ValueError, match=r"confidence must lie between 0 and 1 \(got 1.2\)"):
        effect_interval(summary, "logit", 1.2)


@pytest.mark.parametrize("method", get_args(IntervalMethod))
def test_a_value_is_rejected_where_the_interval_leaves_it_out(method: IntervalMethod) -> None:
    """Ten patients an arm on four cells, separated arms and arms all alike among them."""
    generator = np.random.default_rng(3)
    treated, control = generator.multinomial(10, [0.2, 0.2, 0.3, 0.3], (2, 300))
    treated[:2], control[:2] = [[0, 0, 0, 10], [10, 0, 0, 0]], [[10, 0, 0, 0], [10, 0, 0, 0]]
    summary = summarise_counts(treated, control)
    low, high = effect_interval(summary, method)
    for value in (0.35, 0.5, 0.6):
        distance = distance_of_summary(summary, value, method)
        assert_array_equal(distance.p_value("greater") <= 0.025, low > value)
        assert_array_equal(distance.p_value("less") <= 0.025, high < value)
