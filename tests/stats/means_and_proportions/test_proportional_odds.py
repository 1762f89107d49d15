"""The common odds ratio against R and its own laws."""

import time
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq

from tests.stats.reference import reference
from trialsim.arrays import Floats, Integers
from trialsim.stats.means_and_proportions.proportional_odds import (
    adjusted_proportional_odds,
    nearby_fit,
    odds_ratio_of_all,
    one_step,
    proportional_odds,
)
from trialsim.stats.planning.scale_effects import cells_of_censored_normal, shifted_cells
from trialsim.stats.ranks.mann_whitney import rank_test, summarise_counts

ORACLES = reference("proportional_odds")


def better_last(counts: list[int]) -> Integers:
    """Turn round the counts of a scale whose first cell is the best."""
    return np.array(counts[::-1])


@pytest.mark.parametrize("case", ORACLES["cases"], ids=[case["id"] for case in ORACLES["cases"]])
def test_odds_ratio_agrees_with_r(case: dict[str, Any]) -> None:
    """Oracle: ordinal::clm, whose positive coefficient is a worse (higher) score on alteplase."""
    treated = better_last(case["inputs"]["counts_alteplase_mRS0to6"])
    control = better_last(case["inputs"]["counts_placebo_mRS0to6"])
    found, expected = proportional_odds(treated, control), case["expected"]
    assert_allclose(found.log_odds_ratio, -expected["log_or_clm"], rtol=1e-6)
    assert_allclose(found.standard_error, expected["se_clm"], rtol=1e-6)
    assert_allclose(found.odds_ratio, expected["common_or_better"], rtol=1e-6)
    assert found.low < found.odds_ratio < found.high


def test_two_cells_have_the_odds_ratio_of_the_table() -> None:
    """Oracle: the cross product of a two-by-two table and Woolf's standard error."""
    found = proportional_odds(better_last([30, 20]), better_last([18, 27]), confidence=0.9)
    assert_allclose(found.odds_ratio, 30 * 27 / (20 * 18), rtol=1e-9)
    assert_allclose(found.standard_error, np.sqrt(1 / 30 + 1 / 20 + 1 / 18 + 1 / 27), rtol=1e-9)
    half = 1.6448536 * found.standard_error
    assert_allclose(np.log(found.high), found.log_odds_ratio + half, rtol=1e-6)
    assert_allclose(np.log(found.low), found.log_odds_ratio - half, rtol=1e-6)


def arms_on_a_scale(trials: int, patients: int, shift: float) -> tuple[Integers, Integers]:
    """Return arms of a scale of 0 to 57, with a fifth of the controls at either end."""
    generator = np.random.default_rng(1)
    cells = cells_of_censored_normal(30, 33, 0, 57)
    return (
        generator.multinomial(patients, shifted_cells(cells, shift), size=trials),
        generator.multinomial(patients, cells, size=trials),
    )


def patients_of(counts: Integers) -> Floats:
    return np.repeat(np.arange(float(counts.size)), counts)


def statsmodels_fit(cells: Floats, covariates: Floats) -> tuple[float, float]:
    """Return the first slope and its standard error, by statsmodels' OrderedModel."""
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    places = np.unique(cells, return_inverse=True)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it does not trust its own tolerance
        fit = OrderedModel(places, covariates, distr="logit").fit(
            method="bfgs", maxiter=2000, gtol=1e-9, disp=False
        )
    return float(fit.params[0]), float(fit.bse[0])


def test_a_fit_with_covariates_agrees_with_statsmodels() -> None:
    generator = np.random.default_rng(2)
    covariates = np.c_[np.repeat([1.0, 0.0], 40), generator.standard_normal((80, 2)) * [1, 9]]
    latent = covariates @ [0.6, 1.2, 0.05] + generator.logistic(size=80)
    cells = np.digitize(latent, [-1.5, -0.5, 0.0, 0.7, 1.5])
    found = adjusted_proportional_odds(1.0 * cells, covariates, 6)
    slope, error = statsmodels_fit(cells, covariates)
    assert_allclose(found.log_odds_ratio, slope, rtol=1e-6)
    assert_allclose(found.standard_error, error, rtol=2e-6)
    assert abs(found.z - slope / error) < 0.1  # score and Wald are near where nothing is extreme


def test_the_score_test_is_that_of_wilcoxon_mann_and_whitney() -> None:
    """Oracle: its z times sqrt(N / (N - 1))."""
    treated, control = arms_on_a_scale(50, 104, 0.3)
    ranks = rank_test(summarise_counts(treated, control))
    found = proportional_odds(treated, control)
    assert_allclose(found.z, ranks.z * np.sqrt(208 / 207), rtol=1e-9)


def test_a_covariate_that_is_constant_or_repeats_another_changes_nothing() -> None:
    generator = np.random.default_rng(3)
    cells = generator.integers(0, 5, 40)
    arm, age = np.repeat([1.0, 0.0], 20), generator.standard_normal(40)
    one = adjusted_proportional_odds(1.0 * cells, np.c_[arm, age], 5)
    more = adjusted_proportional_odds(1.0 * cells, np.c_[arm, age, 0 * age + 7, 3 * age], 5)
    for found, wanted in zip(more, one, strict=True):
        assert_allclose(found, wanted, rtol=1e-7)


def test_a_trial_is_fitted_alike_in_any_batch() -> None:
    treated, control = arms_on_a_scale(40, 30, 0.5)
    whole, part = proportional_odds(treated, control), proportional_odds(treated[33:], control[33:])
    for some, all_of_them in zip(part, whole, strict=True):
        assert_array_equal(some, all_of_them[33:])


def test_swapping_the_arms_inverts_the_ratio() -> None:
    treated, control = arms_on_a_scale(20, 40, 0.4)
    one, other = proportional_odds(treated, control), proportional_odds(control, treated)
    assert_allclose(one.log_odds_ratio, -other.log_odds_ratio, rtol=1e-7, atol=1e-9)
    assert_allclose(one.p_value, other.p_value, rtol=1e-7)
    assert one.log_odds_ratio.mean() > 0


def test_300_trials_of_208_patients_take_seconds() -> None:
    treated, control = arms_on_a_scale(300, 104, 0.3)
    began = time.process_time()
    found = proportional_odds(treated, control)
    assert time.process_time() - began < 3
    assert np.isfinite(found.standard_error).all()


@pytest.mark.parametrize(
    ("treated", "control"), [([0, 2, 6], [4, 0, 0]), ([0, 0, 5], [0, 5, 0]), ([0, 3, 4], [4, 3, 0])]
)
def test_separated_arms_are_evidence_with_an_infinite_ratio(
    treated: list[int], control: list[int]
) -> None:
    """Oracle: the Mann-Whitney test of the same counts."""
    found = proportional_odds(np.array(treated), np.array(control))
    ranks = rank_test(summarise_counts(np.array(treated), np.array(control)))
    patients = sum(treated + control)
    assert_array_equal((found.odds_ratio, found.low, found.high), (np.inf, 0, np.inf))
    assert_allclose(found.z, ranks.z * np.sqrt(patients / (patients - 1)), rtol=1e-9)
    assert found.p_value < 0.02
    assert proportional_odds(np.array(control), np.array(treated)).odds_ratio == 0


def test_arms_separated_given_a_covariate_have_an_infinite_ratio() -> None:
    age = np.tile([0.3, -0.8, 1.2, 0.1, -0.5], 4)
    cells = np.repeat([2, 1], 10)
    cells[0], cells[-1] = 2, 0
    found = adjusted_proportional_odds(1.0 * cells, np.c_[np.repeat([1.0, 0.0], 10), age], 3)
    assert_array_equal((found.odds_ratio, found.low, found.high), (np.inf, 0, np.inf))
    assert found.p_value < 0.001


@pytest.mark.parametrize(
    ("treated", "control"), [([0, 0, 2], [0, 0, 2]), ([0, 0, 0], [1, 1, 0]), ([1, 1, 0], [0, 0, 0])]
)
def test_where_nothing_can_be_compared_there_is_no_evidence(
    treated: list[int], control: list[int]
) -> None:
    found = proportional_odds(np.array(treated), np.array(control))
    assert np.isnan(found.odds_ratio)
    assert_array_equal((found.low, found.high, found.z, found.p_value), (0, np.inf, 0, 1))


def test_confidence_beyond_1_is_refused() -> None:
    with pytest.raises(ValueError, match=r"confidence must lie between 0 and 1 \(got 2\.0\)"):
        proportional_odds(np.array([1]), np.array([2]), confidence=2.0)


def test_the_model_of_all_trials_is_that_of_their_sum_and_its_error_that_of_the_jackknife() -> None:
    """Oracle: leave one trial out, fit again; the trial of NaN has no part."""
    rng = np.random.default_rng(5)
    shares = np.array([[0.1, 0.2, 0.0, 0.3, 0.4], [0.3, 0.3, 0.0, 0.2, 0.2]])
    treated, control = (rng.multinomial(20, one, 60).astype(float) for one in shares)
    ratio, influence = odds_ratio_of_all(treated, control)
    whole = proportional_odds(treated.sum(axis=0).astype(int), control.sum(axis=0).astype(int))
    assert_allclose(ratio, whole.odds_ratio)
    without = proportional_odds(
        (treated.sum(axis=0) - treated).astype(int), (control.sum(axis=0) - control).astype(int)
    )
    jackknife = np.std(without.log_odds_ratio) * np.sqrt(59)
    assert_allclose(np.std(influence) / np.sqrt(60), jackknife, rtol=0.03)
    failed = np.full((1, 5), np.nan)
    again, more = odds_ratio_of_all(
        np.concatenate([treated, failed]), np.concatenate([control, failed])
    )
    assert_allclose(again, ratio)
    assert np.isnan(more[-1])
    assert_allclose(more[:-1], influence)


def test_trials_that_are_separated_together_have_an_infinite_ratio_of_unknown_error() -> None:
    ratio, influence = odds_ratio_of_all(np.array([[0.0, 5.0]]), np.array([[5.0, 0.0]]))
    assert np.isposinf(ratio)
    assert np.isnan(influence).all()


def trials_with_a_covariate(trials: int) -> tuple[Floats, Floats]:
    """Return trials of 16 patients over five cells, the fourth of which is seldom seen."""
    rng = np.random.default_rng(8)
    arm = np.tile([1.0, 0.0], (trials, 8))
    covariate = rng.normal(50.0, 10.0, arm.shape)
    latent = rng.logistic(size=arm.shape) + arm + (covariate - 50) / 10
    cell = np.searchsorted([-1.0, 0.5, 1.0, 1.01], latent)
    return 1.0 * cell, np.stack([arm, covariate], axis=-1)


def test_one_step_from_a_fit_nearby_leads_to_the_fit_of_all_trials_and_not_to_their_mean() -> None:
    """Oracle: the same model fitted to all trials as one; a few of them make the fit nearby."""
    cell, x = trials_with_a_covariate(500)
    near = nearby_fit(cell[:60].ravel(), x[:60].reshape(-1, 2), 5)
    over, under = one_step(near, cell, x)
    found = over.mean() / under.mean()
    pooled = adjusted_proportional_odds(cell.ravel(), x.reshape(-1, 2), 5)
    whole, error = float(pooled.log_odds_ratio), float(pooled.standard_error)
    off = abs(near.log_odds_ratio - whole)
    assert off > 1.5 * error
    assert abs(found - whole) < min(2 * off**2, error / 4)
    of_means = np.std(over - found * under, ddof=1) / under.mean() / np.sqrt(500)
    assert of_means == pytest.approx(error, rel=0.1)
    alone = one_step(near, cell[7:8], x[7:8])
    assert_array_equal(np.array(alone)[:, 0], [over[7], under[7]])


@pytest.mark.parametrize("equal", ["arm", "cell"])
def test_there_is_no_step_from_a_fit_of_one_arm_or_one_cell(equal: str) -> None:
    cell, x = trials_with_a_covariate(4)
    if equal == "arm":
        x[..., 0] = 1.0
    else:
        cell[:] = 2.0
    near = nearby_fit(cell.ravel(), x.reshape(-1, 2), 5)
    assert np.isnan(one_step(near, cell, x)).all()


@cache
def trials_with_two_covariates() -> tuple[Floats, Floats]:
    """Return 400 trials of 208 patients on a scale of 0 to 57, with an odds ratio of 1.8."""
    generator = np.random.default_rng(1)
    below = np.cumsum(cells_of_censored_normal(30, 33, 0, 57))[:-1]
    arm = np.tile([1.0, 0.0], (400, 104))
    x = np.stack([arm, *(generator.standard_normal((2, *arm.shape)) * [[[1]], [[9]]])], axis=-1)
    latent = x @ [np.log(1.8), 1.0, 0.05] + generator.logistic(size=arm.shape)
    return 1.0 * np.searchsorted(np.log(below / (1 - below)), latent), x


def test_400_trials_with_covariates_take_seconds_and_cover_their_odds_ratio() -> None:
    """The bias of maximum likelihood at 208 patients is 5% of the log odds ratio or less."""
    cell, x = trials_with_two_covariates()
    began = time.process_time()
    found = adjusted_proportional_odds(cell, x, 58)
    assert time.process_time() - began < 4
    assert np.isfinite(found.standard_error).all()
    covered = ((found.low <= 1.8) & (found.high >= 1.8)).mean()
    assert covered == pytest.approx(0.95, abs=4 * np.sqrt(0.05 * 0.95 / 400))
    assert found.log_odds_ratio.mean() == pytest.approx(np.log(1.8), rel=0.08)


def test_a_fit_with_covariates_on_a_long_scale_with_empty_cells_agrees_with_statsmodels() -> None:
    """Fifty patients on 58 cells; some are not analysed."""
    cell, x = (one[0, :100] for one in trials_with_two_covariates())
    cell[50:] = np.nan
    found = adjusted_proportional_odds(cell, x, 58)
    slope, error = statsmodels_fit(cell[:50], x[:50])
    assert_allclose(found.log_odds_ratio, slope, rtol=1e-6)
    assert_allclose(found.standard_error, error, rtol=2e-6)


def test_patients_counted_one_by_one_are_the_counts_of_their_arms() -> None:
    treated, control = arms_on_a_scale(1, 60, 0.4)
    cell = np.r_[patients_of(treated[0]), patients_of(control[0])]
    alone = adjusted_proportional_odds(cell, np.repeat([1.0, 0.0], 60)[:, None], 58)
    for one, other in zip(alone, proportional_odds(treated[0], control[0]), strict=True):
        assert_allclose(one, other, rtol=1e-9)


def test_at_the_ends_of_a_profile_interval_statsmodels_rejects_at_its_level() -> None:
    """Oracle: statsmodels' likelihood with the arm's slope held there, against its highest."""
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    cell, x = (one[1, :100] for one in trials_with_two_covariates())
    cell = 1.0 * np.digitize(cell, [5, 20, 40, 55])

    def likelihood(covariates: Floats, offset: Floats | None = None) -> float:
        model = OrderedModel(cell.astype(int), covariates, offset=offset, distr="logit")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return float(model.fit(method="bfgs", maxiter=2000, gtol=1e-9, disp=False).llf)

    found = adjusted_proportional_odds(cell, x, 5, confidence=0.9, interval="profile")
    highest = likelihood(x)
    for end in (found.low, found.high):
        held = likelihood(x[:, 1:], np.log(end) * x[:, 0])
        assert_allclose(2 * (highest - held), 1.6448536269514722**2, rtol=1e-6)


def test_a_profile_interval_of_two_cells_is_that_of_the_binomial_likelihood() -> None:
    """Oracle: the likelihood of two binomials, whose margin given the odds ratio is solved for."""
    treated, control = np.array([4, 9]), np.array([11, 3])
    found = proportional_odds(treated, control, interval="profile")

    def fall(ratio: float) -> float:
        def lack(p: float) -> float:
            q = ratio * p / (1 - p + ratio * p)
            return float(p * control.sum() + q * treated.sum() - treated[1] - control[1])

        p = brentq(lack, 1e-9, 1 - 1e-9)
        held, best = [], []
        for (worse, better), of in ((treated, ratio * p / (1 - p + ratio * p)), (control, p)):
            share = better / (worse + better)
            held.append(better * np.log(of) + worse * np.log(1 - of))
            best.append(better * np.log(share) + worse * np.log(1 - share))
        return float(2 * (sum(best) - sum(held)))

    for end in (found.low.item(), found.high.item()):
        assert_allclose(fall(end), 1.959963984540054**2, rtol=1e-6)
    wald = proportional_odds(treated, control)
    assert found.low > wald.low
    assert found.high != wald.high


@pytest.mark.parametrize("arms", [([0, 2, 6], [4, 0, 0]), ([0, 0, 6], [3, 5, 0])])
def test_the_profile_interval_of_separated_arms_has_one_end(arms: Any) -> None:
    """It excludes an odds ratio of 1 where the likelihood ratio test rejects."""
    treated, control = (np.array(arm) for arm in arms)
    found = proportional_odds(treated, control, interval="profile")
    assert 1 < found.low < np.inf == found.high
    mirrored = proportional_odds(control, treated, interval="profile")
    assert mirrored.low == 0
    assert_allclose(mirrored.high, 1 / found.low, rtol=1e-6)


def test_profile_intervals_cover_and_miss_on_either_side_alike() -> None:
    """200 trials of 208 patients; a miss is seen with a standard error of 1.5%."""
    cell, x = (one[:200] for one in trials_with_two_covariates())
    found = adjusted_proportional_odds(cell, x, 58, interval="profile")
    error = np.sqrt(0.05 * 0.95 / 200)
    assert ((found.low <= 1.8) & (found.high >= 1.8)).mean() == pytest.approx(0.95, abs=4 * error)
    wald = adjusted_proportional_odds(cell, x, 58)
    assert_allclose(found.low, wald.low, rtol=0.1)
    assert_array_equal(found.odds_ratio, wald.odds_ratio)


def test_an_unknown_interval_is_refused() -> None:
    with pytest.raises(ValueError, match=r"interval must be one of wald, profile \(got 'exact'\)"):
        proportional_odds(np.array([1]), np.array([2]), interval="exact")  # type: ignore[arg-type]


def test_a_trial_is_fitted_to_the_bit_as_if_it_were_alone() -> None:
    cell, x = (one[:70] for one in trials_with_two_covariates())
    whole = adjusted_proportional_odds(cell, x, 58)
    for place in (0, 33, 69):
        alone = adjusted_proportional_odds(cell[place : place + 1], x[place : place + 1], 58)
        for one, other in zip(alone, whole, strict=True):
            assert_array_equal(one[0], other[place])
