"""The error of a simulated answer, against statsmodels, closed forms and repeated simulation."""

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from tests.stats.laws import law
from trialsim.stats.monte_carlo import (
    bias,
    coverage,
    mcse_of_proportion,
    mean_over_replicates,
    paired_difference,
    quantile_over_replicates,
    wilson_interval,
)

counts = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@law(count=counts, confidence=st.sampled_from([0.8, 0.95, 0.999]))
def test_intervals_equal_those_of_statsmodels(count: tuple[int, int], confidence: float) -> None:
    """Oracle: statsmodels' proportion_confint."""
    found = wilson_interval(*count, confidence)
    wanted = proportion_confint(*count, alpha=1 - confidence, method="wilson")
    assert_allclose((found.low, found.high), wanted, rtol=1e-10, atol=1e-12)
    assert 0 <= found.low <= found.estimate <= found.high <= 1


def test_no_replicates_leave_everything_possible() -> None:
    assert_array_equal(wilson_interval(0, 0), [np.nan, np.nan, 0.0, 1.0])


def test_a_batch_of_shares_equals_a_loop_over_single_ones() -> None:
    successes = np.array([[0, 3, 7], [10, 1, 5]])
    batch = wilson_interval(successes, 10)
    for at in np.ndindex(2, 3):
        assert_array_equal([field[at] for field in batch], wilson_interval(successes[at], 10))


def test_error_of_a_share_is_the_spread_of_repeated_simulations() -> None:
    """Oracle: 4,000 simulations of 500 replicates; their SD has a relative error of 1.1%."""
    shares = np.random.default_rng(1).binomial(500, 0.83, 4000) / 500
    assert_allclose(mcse_of_proportion(0.83, 500), shares.std(), rtol=4 * 0.0112)


def test_error_of_a_mean_leaves_failed_replicates_out() -> None:
    values = np.array([[1.0, np.nan, 3.0, 8.0], [np.nan, 2.0, np.nan, np.nan], [np.nan] * 4])
    found = mean_over_replicates(values)
    assert_array_equal(found.estimate, [4.0, 2.0, np.nan])
    assert_allclose(found.sd, np.array([np.std([1.0, 3.0, 8.0], ddof=1), np.nan, np.nan]))
    assert_allclose(found.mcse, found.sd / np.sqrt(3))


def test_bias_is_the_mean_less_the_truth_of_each_design() -> None:
    estimates = np.array([[0.5, 0.7], [0.8, 1.0]])
    found = bias(estimates, [0.5, 1.0])
    assert_allclose(found.estimate, [0.1, -0.1])
    assert_allclose(found.mcse, mean_over_replicates(estimates).mcse)


def test_coverage_counts_bounds_in_and_failed_replicates_out() -> None:
    low, high = np.array([0.1, 0.5, 0.6, np.nan]), np.array([0.5, 0.7, 0.9, 1.0])
    assert_array_equal(coverage(low, high, 0.5), wilson_interval(2, 3))


def test_paired_error_is_the_spread_of_repeated_simulations() -> None:
    """Oracle: 4,000 simulations of 400 pairs; their SD has a relative error of 1.1%."""
    uniforms = np.random.default_rng(2).random((4000, 400, 2))
    base = uniforms[..., 0] < 0.7
    changed = np.where(uniforms[..., 1] < 0.1, uniforms[..., 0] > 0.5, base)
    found = paired_difference(changed, base)
    spread = found.estimate.std()
    assert_allclose(found.mcse.mean(), spread, rtol=4 * 0.0112)
    independent = changed.mean() * (1 - changed.mean()) + 0.7 * 0.3
    assert_allclose(np.mean(found.independent_replicates), independent / spread**2, rtol=0.05)
    truth = 0.1 * (0.5 - 0.7)
    held = ((found.low <= truth) & (truth <= found.high)).mean()
    assert abs(held - 0.95) < 4 * mcse_of_proportion(0.95, 4000)


def test_paired_error_is_mcnemars_without_the_difference() -> None:
    """Oracle: statsmodels' McNemar statistic (b - c)**2 / (b + c), its variance that of b = c."""
    generator = np.random.default_rng(3)
    base, changed = generator.random((2, 300)) < 0.5
    found = paired_difference(changed, base)
    table = [[np.sum(base & changed), np.sum(base & ~changed)]]
    table.append([np.sum(~base & changed), np.sum(~base & ~changed)])
    statistic = mcnemar(table, exact=False, correction=False).statistic
    null_variance = found.mcse**2 + found.estimate**2 / 300
    assert_allclose(found.estimate**2 / null_variance, statistic)


def test_designs_that_never_disagree_differ_by_nothing_within_an_interval() -> None:
    base = np.array([True, False] * 50)
    found = paired_difference(base, base)
    assert found.estimate == found.mcse == 0
    assert -0.05 < found.low < 0 < found.high < 0.05
    assert found.independent_replicates == np.inf
    assert paired_difference(base | True, base | True).independent_replicates == 100


def test_designs_that_always_disagree_are_worth_a_half() -> None:
    """At a share of a half the difference of opposites has twice the independent variance."""
    base = np.array([True, False] * 50)
    assert_allclose(paired_difference(~base, base).independent_replicates, 50)


def test_no_pairs_leave_every_difference_possible() -> None:
    nothing = np.zeros((2, 0), bool)
    found = paired_difference(nothing, nothing)
    assert np.isnan(found.estimate).all()
    assert_array_equal((found.low, found.high), [[-1, -1], [1, 1]])


def test_wrong_arguments_are_refused_with_rule_and_value() -> None:
    with pytest.raises(ValueError, match=r"confidence must lie between 0 and 1 \(got 1\.2\)"):
        wilson_interval(1, 2, confidence=1.2)
    with pytest.raises(
        ValueError, match=r"successes must lie between 0 and replicates \(got 3\.0\)"
    ):
        wilson_interval(3, 2)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("trials", [100, 1000])
def test_limits_of_a_quantile_hold_it_with_their_confidence(share: float, trials: int) -> None:
    """Their ranks miss it by the binomial distribution (Conover); the estimate is NumPy's."""
    values = np.random.default_rng(5).normal(size=trials)
    found = quantile_over_replicates(values, share)
    assert found.estimate == pytest.approx(np.quantile(values, share))
    below, until = ((values < end).sum() for end in (found.low, found.high))
    missed = binom.cdf(below, trials, share), binom.sf(until, trials, share)
    nearer = binom.cdf(below + 1, trials, share), binom.sf(until - 1, trials, share)
    assert all(0 < chance <= 0.025 for chance in missed)
    assert all(chance > 0.025 for chance in nearer)


def test_limits_of_quantiles_hold_them_in_repeated_simulations() -> None:
    """Of 400 trials' durations, in 2,000 runs: at least 95%, less 3 Monte Carlo errors."""
    runs = np.random.default_rng(7).exponential(size=(2000, 400))
    for share in (0.05, 0.95):
        true = -np.log1p(-share)
        ends = [quantile_over_replicates(run, share) for run in runs]
        held = np.mean([one.low <= true <= one.high for one in ends])
        assert 0.95 - 3 * np.sqrt(0.95 * 0.05 / 2000) < held < 0.98


def test_too_few_replicates_leave_a_quantile_without_limits() -> None:
    found = quantile_over_replicates(np.arange(20.0), 0.05)
    assert_array_equal([found.low, found.high], [-np.inf, 3.0])
    assert np.isnan(quantile_over_replicates(np.array([np.nan]), 0.95)).all()
    tied = quantile_over_replicates(np.full(200, 240.0), 0.95)
    assert_array_equal(tied, [240.0] * 3)
    endless = quantile_over_replicates(np.array([np.inf, 1.0, np.inf]), 0.5)
    assert endless.estimate == np.inf
