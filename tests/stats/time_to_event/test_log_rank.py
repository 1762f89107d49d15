"""The log-rank test, against R's survival and statsmodels."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from statsmodels.duration.survfunc import survdiff

from tests.stats.reference import reference
from trialsim.stats.time_to_event.at_risk import AtRisk, count_at_risk
from trialsim.stats.time_to_event.log_rank import log_rank
from trialsim.validation.computed.times import at_risk_of

CASES = {case["id"].removeprefix("tte."): case for case in reference("log_rank")["cases"]}


def published(name: str, arm: str, stratum: str | None = None) -> AtRisk:
    """Return a published data set, the arms in alphabetical order, by stratum if there is one."""
    return at_risk_of(CASES[name]["inputs"], arm, stratum)


def test_freireich_agrees_with_r() -> None:
    """Oracle: survdiff of R's survival 3.5.3; 19.25 events expected on 6-MP."""
    found, expected = log_rank(published("freireich", "arm")), CASES["freireich"]["expected"]
    assert_allclose(found.z**2, expected["logrank_chi2"], rtol=1e-10)
    assert_allclose(9 - found.excess, expected["expected_events_6MP"], rtol=1e-10)
    assert found.z < 0


@pytest.mark.parametrize(("stratum", "key"), [(None, "logrank_chi2"), ("ecog", "stratified_chi2")])
def test_lung_agrees_with_r(stratum: str | None, key: str) -> None:
    """Oracle: survdiff of R's survival 3.5.3, a stratum of one patient among the stratified."""
    found = log_rank(published("lung", "sex", stratum))
    assert_allclose(found.z**2, CASES["lung"]["expected"][key], rtol=1e-10)


def test_a_batch_in_strata_agrees_with_statsmodels_row_by_row() -> None:
    generator = np.random.default_rng(7)
    day, event = generator.integers(0, 8, (4, 60)), generator.random((4, 60)) < 0.7
    arm, stratum = generator.integers(0, 2, 60), generator.integers(0, 3, 60)
    group = np.broadcast_to(2 * stratum + arm, day.shape)
    counts = count_at_risk(day, event, group, 6, 9)
    found = log_rank(AtRisk(*(one.reshape(4, 3, 2, 9) for one in counts)))
    for row in range(4):
        chi2, _ = survdiff(day[row] + 1, event[row], arm, strata=stratum)
        assert_allclose(found.z[row] ** 2, chi2, rtol=1e-10)


def test_nothing_is_said_without_events_or_with_one_arm_alone() -> None:
    nothing = AtRisk(np.zeros((2, 1, 2, 3)), np.full((2, 1, 2, 3), 5.0))
    nothing.events[1, 0, 0, 1] = 2.0
    nothing.at_risk[1, 0, 1] = 0.0
    assert_array_equal(log_rank(nothing).z, [0.0, 0.0])
