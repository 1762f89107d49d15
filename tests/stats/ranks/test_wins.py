"""Win odds, net benefit and win ratio, against R and the double loop over pairs."""

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.stats.laws import law
from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.ranks.mann_whitney import count, summarise
from trialsim.stats.ranks.wins import net_benefit, win_odds, win_ratio, win_ratio_counts

CASES = reference("wins")["cases"]
INTERVALS = reference("effect_intervals")["cases"]
QUANTILE = 1.959963984540054

scores = st.lists(st.integers(0, 5), min_size=1, max_size=9).map(
    lambda values: np.array(values, float)
)


def samples_of(case: dict[str, Any]) -> tuple[Floats, Floats]:
    return np.array(case["inputs"]["x"], float), np.array(case["inputs"]["y"], float)


def log_ratio_variance(treated: Floats, control: Floats, less: int) -> Floats:
    """Delta-method variance from the matrix of pairs; `less` is what a variance takes from n."""
    won = (treated[:, None] > control).astype(float)
    lost = (treated[:, None] < control).astype(float)
    gradient = won / won.mean() - lost / lost.mean()
    by_treated, by_control = gradient.mean(axis=1), gradient.mean(axis=0)
    return np.asarray(
        by_treated.var(ddof=less) / len(treated) + by_control.var(ddof=less) / len(control)
    )


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_estimates_agree_with_r(case: dict[str, Any]) -> None:
    """Oracle: hce and BuyseTest in R."""
    samples, expected = samples_of(case), case["expected"]
    ratio, summary = win_ratio(*samples), summarise(*samples)
    assert_allclose(win_odds(summary).estimate, expected["win_odds"], rtol=1e-6)
    assert_allclose(net_benefit(summary).estimate, expected["net_benefit"], rtol=1e-6)
    assert_allclose(ratio.estimate, expected["win_ratio"], rtol=1e-6)
    pairs = [expected[key] for key in ("wins", "losses", "ties")]
    assert_array_equal((ratio.wins, ratio.losses, ratio.ties), pairs)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_win_ratio_variance_is_that_of_r_with_sample_variances(case: dict[str, Any]) -> None:
    """Oracle: BuyseTest in R gives the direct formula with n, and ours is that with n - 1."""
    samples, expected = samples_of(case), case["expected"]
    with_n = expected["buyse_wr_se"] / expected["buyse_wr"]
    assert_allclose(np.sqrt(log_ratio_variance(*samples, less=0)), with_n, rtol=1e-6)
    ratio = win_ratio(*samples)
    width = (np.log(ratio.high) - np.log(ratio.low)) / (2 * QUANTILE)
    assert_allclose(width, np.sqrt(log_ratio_variance(*samples, less=1)), rtol=1e-10)
    assert_allclose(np.sqrt(ratio.high * ratio.low), ratio.estimate, rtol=1e-10)


@pytest.mark.parametrize("case", INTERVALS, ids=[case["id"] for case in INTERVALS])
def test_win_odds_interval_agrees_with_r(case: dict[str, Any]) -> None:
    """Oracle: the logit interval of nparcomp in R, as odds."""
    odds = win_odds(summarise(*samples_of(case)), "logit")
    assert_allclose((odds.low, odds.high), case["expected"]["win_odds_logit"], rtol=1e-7)


@law(treated=scores, control=scores)
def test_pairs_are_those_of_the_double_loop(treated: Floats, control: Floats) -> None:
    """Oracle: every treated patient against every control patient."""
    ratio, difference = win_ratio(treated, control), treated[:, None] - control
    pairs = [(difference > 0).sum(), (difference < 0).sum(), (difference == 0).sum()]
    assert_array_equal((ratio.wins, ratio.losses, ratio.ties), pairs)


@law(treated=scores, control=scores)
def test_swapping_the_arms_inverts_the_win_ratio(treated: Floats, control: Floats) -> None:
    one, other = win_ratio(treated, control), win_ratio(control, treated)
    if one.wins > 0 and one.losses > 0:
        assert_allclose(one.estimate * other.estimate, 1.0)
        assert_allclose(one.low * other.high if one.low > 0 else 1.0, 1.0)


@law(treated=scores, control=scores)
def test_counts_over_a_scale_give_the_answer_of_the_samples(
    treated: Floats, control: Floats
) -> None:
    counts = [count(arm.astype(np.int64), 6) for arm in (treated, control)]
    from_counts, from_samples = (
        win_ratio_counts(counts[0], counts[1]),
        win_ratio(treated, control),
    )
    assert_array_equal(from_counts[:4], from_samples[:4])
    assert_allclose(from_counts[4:], from_samples[4:], rtol=1e-13)


def test_without_ties_win_ratio_and_win_odds_are_one() -> None:
    samples = np.array([9.0, 4, 6, 8]), np.array([1.0, 5, 7])
    assert_allclose(win_ratio(*samples).estimate, win_odds(summarise(*samples)).estimate)


def test_a_batch_gives_the_bits_of_a_loop_over_single_trials() -> None:
    treated, control = np.random.default_rng(2).integers(0, 3, (2, 60, 4)).astype(float)
    batch = win_ratio(treated, control)
    singles = [win_ratio(*arms) for arms in zip(treated, control, strict=True)]
    assert_array_equal(batch, np.array(singles).T)


@pytest.mark.parametrize(
    ("treated", "control", "ratio", "odds"),
    [
        ([6, 7], [1, 2], np.inf, np.inf),
        ([1, 2], [6, 7], 0.0, 0.0),
        ([3, 3], [3, 3, 3], np.nan, 1.0),
        ([], [1, 2], np.nan, np.nan),
        ([2], [1, 3], 1.0, 1.0),
    ],
    ids=["separation", "separation for control", "all equal", "empty arm", "one patient"],
)
def test_degenerate_samples_have_a_decided_answer(
    treated: list[float], control: list[float], ratio: float, odds: float
) -> None:
    samples = np.array(treated, float), np.array(control, float)
    found = win_ratio(*samples)
    assert_array_equal((found.estimate, found.low, found.high), (ratio, 0.0, np.inf))
    of_odds = win_odds(summarise(*samples))
    assert_allclose(of_odds.estimate, odds)
    assert 0 <= of_odds.low < of_odds.high <= np.inf


def test_an_empty_arm_has_no_net_benefit() -> None:
    benefit = net_benefit(summarise(np.array([]), np.array([1.0])))
    assert_array_equal(benefit, (np.nan, -1.0, 1.0))


def test_wrong_confidence_is_refused_with_rule_and_value() -> None:
    with pytest.raises(ValueError, match=r"confidence must lie between 0 and 1 \(got 0\)"):
        win_ratio(np.array([1.0]), np.array([2.0]), confidence=0)
