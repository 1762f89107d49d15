"""Patients at risk and Kaplan-Meier curves, against statsmodels."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from statsmodels.duration.survfunc import SurvfuncRight

from trialsim.stats.time_to_event.at_risk import count_at_risk, kaplan_meier


def test_curves_and_numbers_at_risk_agree_with_statsmodels() -> None:
    """Of two arms with ties on most of their days, who is censored on a day being at risk on it."""
    generator = np.random.default_rng(5)
    day, event = generator.integers(0, 12, (3, 40)), generator.random((3, 40)) < 0.6
    group = np.broadcast_to(generator.integers(-1, 2, 40), day.shape)
    found = count_at_risk(day, event, group, 2, 14)
    curves = kaplan_meier(found)
    for row in range(3):
        for arm in (0, 1):
            mine = group[row] == arm
            known = SurvfuncRight(day[row, mine], event[row, mine])
            at = known.surv_times.astype(int)
            assert_array_equal(found.at_risk[row, arm, at], known.n_risk)
            assert_array_equal(found.events[row, arm, at], known.n_events)
            assert_allclose(curves[row, arm, at], known.surv_prob, rtol=1e-12)
            assert found.patients[row, arm] == mine.sum()


def test_a_curve_is_flat_after_the_last_patient_and_unknown_of_nobody() -> None:
    day, event = np.array([2, 1]), np.array([False, True])
    found = count_at_risk(day, event, np.array([0, 0]), 2, 5)
    assert_array_equal(kaplan_meier(found), [[1, 0.5, 0.5, 0.5, 0.5], [np.nan] * 5])
