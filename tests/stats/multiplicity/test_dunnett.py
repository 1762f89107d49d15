"""Arms against one control, against R's mvtnorm, multcomp, rpact and MAMS, and SciPy."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import ndtr, ndtri
from scipy.stats import multivariate_normal

from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.multiplicity.dunnett import (
    Law,
    chance_of_any,
    dunnett,
    loadings_of_correlations,
    loadings_of_sizes,
    statistics_of,
    step_down_dunnett,
)
from trialsim.stats.multiplicity.p_value_adjustments import adjust_p_values

CASES = reference("multiplicity")["cases"]
USED = {"p_adjust", "fixed_sequence_fallback", "graphical", "mams"}
"""Those of the other files beside this one."""


def of_family(family: str) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if case["family"] == family]
    return pytest.mark.parametrize("case", chosen, ids=[case["id"] for case in chosen])


def the_case(name: str) -> dict[str, Any]:
    return next(case for case in CASES if case["id"] == name)


def test_every_reference_case_is_used() -> None:
    """Six adjustments, two sequences, ten graphs, five of arms in stages, and here eight cases."""
    here = [case["id"] for case in CASES if case["family"] not in USED]
    assert len(here) == 8
    assert len(CASES) == 6 + 2 + 10 + 5 + 8


@of_family("dunnett")
def test_critical_values_keep_the_level(case: dict[str, Any]) -> None:
    """Oracle: double numerical integration in R, and mvtnorm 1.1.3."""
    inputs = case["inputs"]
    freedom = None if inputs["df"] == "Inf" else np.array(float(inputs["df"]))
    law = Law(np.full(inputs["k"], inputs["rho"] ** 0.5), freedom, inputs["sided"] == 2)
    limit = case["expected"]["critical_value"]
    near = [chance_of_any(np.full(inputs["k"], limit + away), law) for away in (1e-4, 0.0, -1e-4)]
    assert near[0] < inputs["alpha"] < near[2]
    assert_allclose(near[1], inputs["alpha"], atol=1e-6)


def test_dunnetts_own_example_of_1955() -> None:
    """Oracle: multcomp 1.4.22."""
    case = the_case("mult.dunnett.1955")
    arms = [np.array(case["inputs"][name]) for name in ("control", "drug_a", "drug_b")]
    sizes = np.array([len(arm) for arm in arms], float)
    freedom = sizes.sum() - len(arms)
    spread = np.sqrt(sum(((arm - arm.mean()) ** 2).sum() for arm in arms) / freedom)
    means = np.array([arm.mean() for arm in arms])
    t = (means[1:] - means[0]) / spread / np.sqrt(1 / sizes[1:] + 1 / sizes[0])
    assert_allclose(t, case["expected"]["t"], atol=1e-10)
    law = Law(loadings_of_sizes(sizes[1:], sizes[0]), np.asarray(freedom), two_sided=True)
    assert_allclose(dunnett(t, law), case["expected"]["p_two_sided"], atol=1e-4)


@of_family("fwer")
def test_error_rates_of_correlated_tests_are_exact(case: dict[str, Any]) -> None:
    """Oracle: mvtnorm's pmvnorm, for equicorrelated normal statistics."""
    count, level = case["inputs"]["K"], case["inputs"]["alpha_one_sided"]
    law = Law(np.full(count, case["inputs"]["rho"] ** 0.5))
    for name, share in (("fwer_bonferroni_holm", level / count), ("fwer_unadjusted", level)):
        found = chance_of_any(np.full(count, -ndtri(share)), law)
        assert_allclose(found, case["expected"][name], atol=case["tolerance"]["abs"])


def test_the_bound_of_several_arms_at_one_stage_is_dunnetts() -> None:
    """Oracle: MAMS 3.0.2, three arms and a control of the same size."""
    case = the_case("ad.mams.K3J1")
    (bound,) = case["expected"]["upper"]
    law = Law(np.full(case["inputs"]["K"], 0.5**0.5))
    found = chance_of_any(np.full(case["inputs"]["K"], bound), law)
    assert_allclose(found, case["expected"]["fwer_check"], atol=1e-5)


def test_an_intersection_of_two_arms_at_each_stage() -> None:
    """Oracle: rpact 4.3.0, closed Dunnett tests combined over two stages."""
    case = the_case("ad.multiarm.closed_dunnett")
    expected, inputs = case["expected"], case["inputs"]
    separate = np.array([row[0] for row in expected["separate_p"]])
    sizes = [inputs["n"][arm][0] for arm in ("arm1", "arm2", "control")]
    law = Law(loadings_of_sizes(np.array(sizes[:2], float), np.array(float(sizes[2]))))
    single = dunnett(statistics_of(separate, two_sided=False), law)
    both, second = expected["adjusted_stagewise_p"][0]
    assert_allclose(single.min(), both, atol=1e-5)
    combined = -(ndtri(single.min()) + ndtri(second)) / np.sqrt(2)
    assert_allclose(combined, expected["overall_adjusted_z"][0][1], atol=1e-5)


def test_stepping_down_lies_below_a_single_step_and_below_holm() -> None:
    statistics = np.random.default_rng(3).normal(1.0, 1.2, (200, 4))
    for two_sided in (False, True):
        law = Law(np.full(4, 0.5**0.5), two_sided=two_sided)
        steps, single = step_down_dunnett(statistics, law), dunnett(statistics, law)
        p_values = 2 * ndtr(-np.abs(statistics)) if two_sided else ndtr(-statistics)
        assert np.all(steps <= single + 1e-12)
        assert np.all(steps <= adjust_p_values(p_values, "holm") + 1e-9)
        assert_allclose(steps.min(axis=1), single.min(axis=1), atol=1e-12)


def correlations(loadings: Floats) -> Floats:
    made = loadings[:, np.newaxis] * loadings
    np.fill_diagonal(made, 1.0)
    return made


def test_chances_agree_with_scipy_where_arms_differ_in_size() -> None:
    loadings, limits = np.array([0.4, 0.6, 0.8, 0.3]), np.array([2.0, 1.5, 2.5, np.inf])
    found = chance_of_any(limits, Law(loadings))
    normal = multivariate_normal(np.zeros(3), correlations(loadings[:3]))
    assert_allclose(found, 1 - normal.cdf(limits[:3]), atol=1e-5)


def test_three_correlations_have_one_factor_and_nearly_so_have_more() -> None:
    """Oracle: the chance by SciPy from correlations that no one factor explains."""
    three = np.array([[1, 0.45, 0.5], [0.45, 1, 0.6], [0.5, 0.6, 1]])
    assert_allclose(correlations(loadings_of_correlations(three)), three, atol=1e-12)
    noise = np.random.default_rng(4).normal(0, 0.04, (4, 4))
    four = correlations(np.full(4, 0.5**0.5)) + (noise + noise.T) * (1 - np.eye(4))
    limit = np.full(4, 2.2)
    found = chance_of_any(limit, Law(loadings_of_correlations(four)))
    assert_allclose(found, 1 - multivariate_normal(np.zeros(4), four).cdf(limit), atol=3e-4)


def test_an_arm_that_could_not_be_tested_is_never_rejected() -> None:
    law = Law(np.full(2, 0.5**0.5))
    assert dunnett(np.array([2.5, np.nan]), law)[1] == pytest.approx(1)
    assert step_down_dunnett(np.array([np.nan, np.nan]), law).tolist() == [1.0, 1.0]
