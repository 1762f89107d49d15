"""The standardised effect: that of explicit averaging, unbiased, and as precise as it says."""

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from scipy.stats import norm

from trialsim.arrays import Floats
from trialsim.stats.means_and_proportions.standardised_effect import standardised_effect
from trialsim.stats.planning.scale_effects import cells_of_censored_normal, theta_of_cells
from trialsim.stats.ranks.estimated_effect import EstimatedEffect, estimated_effect
from trialsim.stats.ranks.mann_whitney import mann_whitney

CELLS = 58
BELOW = np.cumsum(cells_of_censored_normal(30, 33, 0, 57))[:-1]
THRESHOLDS = np.log(BELOW / (1 - BELOW))
SLOPES = (1.0, 0.05)
SPREAD = (1.0, 9.0)
"""Standard deviations of the two covariates."""
TRIALS = 500


@cache
def trials_of(arm: int, ratio: float, trials: int = TRIALS) -> tuple[Floats, Floats]:
    """Return trials under the model, with an odds ratio and two covariates."""
    generator = np.random.default_rng(4)
    treated = np.tile([1.0, 0.0], (trials, arm))
    known = [sd * generator.standard_normal(treated.shape) for sd in SPREAD]
    x = np.stack([treated, *known], axis=-1)
    latent = x @ [np.log(ratio), *SLOPES] + generator.logistic(size=treated.shape)
    return 1.0 * np.searchsorted(THRESHOLDS, latent), x


def marginal(ratio: float) -> float:
    """Return the effect over all pairs of patients, covariates integrated out by quantiles."""
    sd = np.hypot(*np.multiply(SLOPES, SPREAD))
    line = sd * norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    arms = [
        np.diff(
            [expit(at - line - shift).mean() for at in (*THRESHOLDS, np.inf)],
            prepend=0.0,
        )
        for shift in (np.log(ratio), 0.0)
    ]
    return float(theta_of_cells(*arms))


def judged(cell: Floats, x: Floats) -> EstimatedEffect:
    found = standardised_effect(cell, x, CELLS)
    freedom = cell.shape[-1] - 2.0 - 2
    return estimated_effect(*found, "logit", degrees_of_freedom=freedom)


@pytest.fixture(scope="module")
def found() -> EstimatedEffect:
    """Return the effects of trials of 208 patients with an odds ratio of 1.8."""
    return judged(*trials_of(104, 1.8))


def test_it_is_statsmodels_fit_averaged_patient_by_patient() -> None:
    """Oracle: statsmodels' fit and its predictions for everybody; some are not analysed.

    On a scale of fifteen cells, as statsmodels takes long over more.
    """
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    cell, x = (one[0, :100] for one in trials_of(104, 1.8, 1))
    cell = cell // 4
    kept, seen = cell[:80], x[:80]
    places = np.unique(kept, return_inverse=True)[1]
    scaled = (seen - [0, *seen[:, 1:].mean(axis=0)]) / [1, *seen[:, 1:].std(axis=0)]
    model = OrderedModel(places, scaled, distr="logit")
    fit = model.fit(method="bfgs", gtol=1e-7, maxiter=500, disp=False)
    shares = []
    for arm in (1.0, 0.0):
        everybody = np.column_stack([np.full(80, arm), scaled[:, 1:]])
        shares.append(np.mean([*model.predict(fit.params, exog=everybody)], axis=0))
    found = standardised_effect(np.where(np.arange(100) < 80, cell, np.nan), x, 15)
    assert_allclose(found.effect, theta_of_cells(*shares), atol=1e-6)


def test_it_is_unbiased_and_its_interval_covers_the_marginal_effect_under_the_model(
    found: EstimatedEffect,
) -> None:
    """Within 4 Monte Carlo standard errors; the odds ratio's own theta is far from it."""
    truth = marginal(1.8)
    assert not np.isnan(found.effect).any()
    spread = found.effect.std(ddof=1)
    assert abs(found.effect.mean() - truth) < 4 * spread / np.sqrt(TRIALS)
    covered = ((found.low <= truth) & (truth <= found.high)).mean()
    assert covered == pytest.approx(0.95, abs=4 * np.sqrt(0.05 * 0.95 / TRIALS))
    root = np.sqrt(np.mean(found.standard_error**2))
    assert root == pytest.approx(spread, rel=4 / np.sqrt(2 * TRIALS))
    alike = (np.diff(expit(THRESHOLDS - one), prepend=0, append=1) for one in (np.log(1.8), 0.0))
    conditional = float(theta_of_cells(*alike))
    assert conditional - truth > 10 * spread / np.sqrt(TRIALS)


def test_it_is_more_precise_than_the_effect_without_covariates(found: EstimatedEffect) -> None:
    cell, _ = trials_of(104, 1.8)
    plain, effect = mann_whitney(cell[:, ::2], cell[:, 1::2]).effect, found.effect
    assert effect.std() < 0.9 * plain.std()
    assert abs((effect - plain).mean()) < 4 * (effect - plain).std() / np.sqrt(TRIALS)


@pytest.mark.parametrize("wrong", [False, True])
def test_without_an_effect_it_rejects_at_its_level_even_where_the_model_is_wrong(
    wrong: bool,
) -> None:
    """Within 4 Monte Carlo standard errors; a covariate that spreads the scores is no slope."""
    cell, x = trials_of(104, 1.0)
    if wrong:
        noise = np.random.default_rng(5).standard_normal(cell.shape)
        spread = 12 * np.exp(0.5 * x[..., 1])
        cell = np.clip(np.round(28 + 0.4 * x[..., 2] + spread * noise), 0, CELLS - 1)
    share = (judged(cell, x).p_value < 0.05).mean()
    assert share == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / TRIALS))


def test_its_variance_is_that_of_patients_drawn_again() -> None:
    """Oracle: the bootstrap, 400 times; both have a standard error of 1 / sqrt(800)."""
    cell, x = (one[3] for one in trials_of(104, 1.8, 4))
    drawn = np.random.default_rng(6).integers(len(cell), size=(400, len(cell)))
    again = standardised_effect(cell[drawn], x[drawn], CELLS).effect
    found = standardised_effect(cell, x, CELLS)
    assert np.sqrt(found.variance) == pytest.approx(again.std(ddof=1), rel=0.15)


def test_a_trial_is_analysed_as_if_it_were_alone_and_scales_of_covariates_do_not_matter() -> None:
    cell, x = trials_of(20, 1.8, 70)
    whole = standardised_effect(cell.reshape(7, 10, -1), x.reshape(7, 10, -1, 3), CELLS)
    alone = standardised_effect(cell[33], x[33], CELLS)
    assert_array_equal([alone.effect, alone.variance], [part[3, 3] for part in whole])
    other = standardised_effect(cell[33], x[33] * [1, 40, -3] + [0, 7, 90], CELLS)
    assert_allclose(other.effect, alone.effect, rtol=1e-9)
    assert_allclose(other.variance, alone.variance, rtol=1e-7)


def test_exchanged_arms_have_the_effect_mirrored() -> None:
    cell, x = trials_of(20, 1.8, 5)
    found = standardised_effect(cell, x, CELLS)
    mirrored = standardised_effect(cell, x * [-1, 1, 1] + [1, 0, 0], CELLS)
    assert_allclose(mirrored.effect, 1 - found.effect, rtol=1e-9)
    assert_allclose(mirrored.variance, found.variance, rtol=1e-7)


def test_without_a_fit_there_is_no_effect() -> None:
    """One cell, an empty arm, and arms that are separated."""
    cell, x = (one.copy() for one in trials_of(20, 1.8, 3))
    cell[0], x[1, :, 0] = 7.0, 1.0
    cell[2] = np.where(x[2, :, 0] > 0, 40.0, 20.0)
    found = standardised_effect(cell, x, CELLS)
    assert np.isnan(found.effect).all()
    assert (estimated_effect(*found).p_value == 1).all()


def test_its_variance_has_a_part_for_the_covariates_that_were_drawn() -> None:
    """Oracle: the jackknife, where the covariates decide much, also of what there is to gain."""
    generator = np.random.default_rng(9)
    arm, known = np.tile([1.0, 0.0], 100), 3 * generator.standard_normal(200)
    latent = 3 * arm + known + generator.logistic(size=200)
    cell = 1.0 * np.searchsorted([0.0, 1.0, 2.0], latent)
    x = np.stack([arm, known], axis=-1)
    without = np.array([np.delete(np.arange(200), place) for place in range(200)])
    left = standardised_effect(cell[without], x[without], 4).effect
    jackknife = 199 / 200 * ((left - left.mean()) ** 2).sum()
    assert standardised_effect(cell, x, 4).variance == pytest.approx(jackknife, rel=0.03)
