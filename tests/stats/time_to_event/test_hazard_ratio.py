"""Cox's hazard ratio of two arms, against R's survival and statsmodels."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from statsmodels.duration.hazard_regression import PHReg

from tests.stats.time_to_event.test_log_rank import CASES, published
from trialsim.stats.time_to_event.at_risk import AtRisk, count_at_risk
from trialsim.stats.time_to_event.hazard_ratio import Ties, hazard_ratio

EXPECTED = CASES["freireich"]["expected"]


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_freireich_agrees_with_r(ties: Ties) -> None:
    """Oracle: coxph of R's survival 3.5.3."""
    found = hazard_ratio(published("freireich", "arm"), ties)
    assert_allclose(found.log_ratio, EXPECTED[f"cox_loghr_{ties}"], rtol=1e-7)
    if ties == "efron":
        assert_allclose(found.standard_error, EXPECTED["cox_se_efron"], rtol=1e-6)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_a_batch_in_strata_agrees_with_statsmodels_row_by_row(ties: Ties) -> None:
    """Its score is 0 at the estimate; whatever rows stand beside it, a row has the same bits."""
    generator = np.random.default_rng(11)
    arm, stratum = generator.integers(0, 2, 80), generator.integers(0, 3, 80)
    day = generator.integers(0, 4, (5, 80)) + arm * (np.arange(5)[:, None] // 2)
    event = generator.random((5, 80)) < 0.6
    group = np.broadcast_to(2 * stratum + arm, day.shape)
    counts = AtRisk(*(one.reshape(5, 3, 2, 13) for one in count_at_risk(day, event, group, 6, 13)))
    found = hazard_ratio(counts, ties)
    for row in range(5):
        model = PHReg(day[row] + 1.0, 1.0 - arm, event[row], strata=stratum, ties=ties)
        at = found.log_ratio[row, None]
        assert_allclose(model.score(at), 0, atol=1e-8)
        error = 1 / np.sqrt(-model.hessian(at).item())
        assert_allclose(found.standard_error[row], error, rtol=1e-6)
        alone = hazard_ratio(AtRisk(*(one[row] for one in counts)), ties)
        assert_array_equal(alone, [one[row] for one in found])


def test_a_likelihood_without_a_maximum_is_infinite_and_one_without_events_unknown() -> None:
    """An arm of all events, or whose events all come when nobody else is left."""
    day = np.array([[1, 2, 5, 5], [5, 5, 1, 2], [1, 2, 5, 5], [3, 4, 1, 2], [1, 1, 1, 1]])
    event = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]])
    group = np.broadcast_to([0, 0, 1, 1], day.shape)
    counts = count_at_risk(day, event.astype(np.bool_), group, 2, 6)
    found = hazard_ratio(AtRisk(*(one[:, None] for one in counts)))
    assert_array_equal(found.log_ratio, [np.inf, -np.inf, np.nan, -np.inf, 0.0])
    assert np.isnan(found.standard_error[:4]).all()
