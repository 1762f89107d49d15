"""Two shares compared, against R; and a margin is rejected where the interval leaves it out."""

from itertools import product
from operator import itemgetter
from typing import Any, get_args

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar
from statsmodels.stats.proportion import test_proportions_2indep as of_statsmodels

from tests.stats.reference import reference
from trialsim.stats.means_and_proportions.two_shares import (
    IntervalOfShares,
    Measure,
    compare_shares,
    distance_of_shares,
)

CASES = reference("responders")["cases"]
WAYS = list(product(get_args(Measure), get_args(IntervalOfShares)))
OTHER = {"risk_difference": -0.1, "risk_ratio": 0.8, "odds_ratio": 0.6}


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_score_intervals_agree_with_r(case: dict[str, Any]) -> None:
    """Oracle: ratesci's scoreci."""
    x, n, y, m = itemgetter("x1", "n1", "x2", "n2")(case["inputs"])
    found = compare_shares(x, n, y, m, interval="miettinen-nurminen")
    assert_allclose(found[1:], case["expected"]["miettinen_nurminen_ci"], atol=2e-5)


@pytest.mark.parametrize("measure", get_args(Measure))
@pytest.mark.parametrize("counts", [(15, 20, 9, 20), (0, 12, 4, 11), (3, 7, 0, 9), (5, 5, 2, 6)])
def test_the_score_statistic_has_the_variance_of_the_likeliest_shares(
    counts: tuple[int, int, int, int], measure: Measure
) -> None:
    """Oracle: the likelihood maximised by search under the value."""
    x, n, y, m = counts
    value = OTHER[measure]

    def treated(control: float) -> float:
        if measure == "odds_ratio":
            return value * control / (1 + (value - 1) * control)
        return control + value if measure == "risk_difference" else control * value

    def unlikely(control: float) -> float:
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log([treated(control), 1 - treated(control), control, 1 - control])
        return -float(
            np.nansum(np.where(np.array([x, n - x, y, m - y]) > 0, logs * [x, n - x, y, m - y], 0))
        )

    low, high = (0.1, 1.0) if measure == "risk_difference" else (0.0, 1.0)
    control = minimize_scalar(unlikely, bounds=(low, high), options={"xatol": 1e-10}).x
    slope = {"risk_difference": 1.0, "risk_ratio": value}.get(measure, np.nan)
    if measure == "odds_ratio":
        slope = treated(control) * (1 - treated(control)) / (control * (1 - control))
    spread = treated(control) * (1 - treated(control)) / n + slope**2 * control * (1 - control) / m
    away = x / n - treated(y / m)
    if measure == "odds_ratio":  # by the slope there, as the score is linear in what responds
        away = x / n - treated(control) - slope * (y / m - control)
    wanted = away / np.sqrt(spread * (n + m) / (n + m - 1))
    found = distance_of_shares(*counts, value, measure, "miettinen-nurminen")
    assert_allclose(found.statistic, wanted, rtol=1e-4)


def test_odds_ratios_agree_with_statsmodels() -> None:
    """Oracle: the score test of statsmodels, and an interval of R's contingencytables."""
    for x, n, y, m in ((15, 20, 9, 20), (56, 104, 33, 101), (0, 12, 4, 11)):
        for value in (0.4, 1.0, 2.5):
            wanted = of_statsmodels(x, n, y, m, value, "score", "odds-ratio").statistic
            found = distance_of_shares(x, n, y, m, value, "odds_ratio", "miettinen-nurminen")
            assert found.statistic == pytest.approx(wanted)
    of_table = compare_shares(9, 13, 4, 14, "odds_ratio")
    assert_allclose(of_table, [5.625, 1.1414, 21.7873], atol=5e-5)
    estimate, low, high = compare_shares(5, 5, 2, 6, "odds_ratio")
    assert_array_equal([estimate, high], np.inf)
    assert 1 < low < 1.1
    assert_array_equal(compare_shares(5, 5, 6, 6, "odds_ratio"), [np.nan, 0, np.inf])


@pytest.mark.parametrize(("measure", "interval"), WAYS)
def test_a_value_is_rejected_where_the_interval_leaves_it_out(
    measure: Measure, interval: IntervalOfShares
) -> None:
    """In every table of 12 against 9 patients, at three values."""
    x, y = (one.ravel() for one in np.mgrid[0:13, 0:10])
    found = compare_shares(x, 12, y, 9, measure, interval)
    known = ~np.isnan(found.estimate)
    assert np.all((found.low <= found.estimate) & (found.estimate <= found.high), where=known)
    for value in (OTHER[measure], 0.3, 0.95):
        distance = distance_of_shares(x, 12, y, 9, value, measure, interval)
        assert_array_equal(distance.p_value("greater") <= 0.025, (found.low > value) & known)
        assert_array_equal(distance.p_value("less") <= 0.025, (found.high < value) & known)
    # nobody in either arm has no ratio, and no odds ratio, as everybody in both
    assert known.sum() == len(x) - {"risk_ratio": 1, "odds_ratio": 2}.get(measure, 0)
    assert_array_equal(found.low[~known], 0.0)


@pytest.mark.parametrize(("measure", "interval"), WAYS)
def test_an_empty_arm_says_nothing(measure: Measure, interval: IntervalOfShares) -> None:
    low, high = (-1.0, 1.0) if measure == "risk_difference" else (0.0, np.inf)
    assert_array_equal(compare_shares(0, 0, 3, 9, measure, interval), [np.nan, low, high])
    distance = distance_of_shares(0, 0, 3, 9, OTHER[measure], measure, interval)
    assert distance.p_value("greater").item() == 1
