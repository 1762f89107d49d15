"""Restricted mean times, against closed forms and statsmodels."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from statsmodels.duration.survfunc import SurvfuncRight

from trialsim.stats.time_to_event.at_risk import count_at_risk
from trialsim.stats.time_to_event.restricted_mean import restricted_mean


def test_without_censoring_it_is_the_mean_of_the_times_cut_at_the_horizon() -> None:
    """With their variance, of n, over n."""
    day = np.random.default_rng(3).integers(0, 30, (5, 1, 50))
    counts = count_at_risk(day, np.ones(day.shape, np.bool_), np.zeros_like(day), 1, 31)
    found, cut = restricted_mean(counts, 21), np.minimum(day, 21)
    assert_allclose(found.days[..., 0], cut.mean(axis=-1), rtol=1e-12)
    assert_allclose(found.variance[..., 0], cut.var(axis=-1) / 50, rtol=1e-10)


def test_with_censoring_it_is_the_area_below_the_curve_of_statsmodels() -> None:
    """Its variance is the double integral of the covariances of Greenwood's curve."""
    generator, horizon = np.random.default_rng(4), 17
    day, event = generator.integers(0, 25, 60), generator.random(60) < 0.6
    found = restricted_mean(count_at_risk(day, event, np.zeros_like(day), 1, 26), horizon)
    known = SurvfuncRight(day, event)
    on_day = np.searchsorted(known.surv_times, np.arange(horizon), side="right")
    curve = np.concatenate([[1.0], known.surv_prob])[on_day]
    relative = np.concatenate([[0.0], (known.surv_prob_se / known.surv_prob) ** 2])[on_day]
    earlier = np.minimum.outer(np.arange(horizon), np.arange(horizon))
    covariances = np.outer(curve, curve) * relative[earlier]
    assert_allclose(found.days, curve.sum(), rtol=1e-12)
    assert_allclose(found.variance, covariances.sum(), rtol=1e-10)


def test_an_arm_in_which_all_had_the_event_has_no_variance_after_it() -> None:
    counts = count_at_risk(np.array([2, 2]), np.array([True, True]), np.array([0, 0]), 2, 6)
    found = restricted_mean(counts, 5)
    assert_array_equal(found.days, [2.0, np.nan])
    assert found.variance[0] == 0
