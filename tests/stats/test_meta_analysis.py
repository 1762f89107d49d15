"""Pooling of studies, against metafor, meta, statsmodels and laws of its own."""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from statsmodels.stats.meta_analysis import combine_effects

from tests.stats.laws import law
from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.meta_analysis import (
    Reference,
    Tau2Method,
    between_study_variance,
    fixed_effect,
    heterogeneity,
    random_effects,
    wei_lachin_pooling,
)
from trialsim.stats.ranks.mann_whitney import summarise
from trialsim.stats.ranks.stratified import stratified_effect

CASES = reference("meta_analysis")["cases"]
every_case = pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
METHODS: tuple[Tau2Method, ...] = get_args(Tau2Method)
REFERENCES: tuple[Reference, ...] = get_args(Reference)


def studies_of(case: dict[str, Any]) -> tuple[Floats, Floats]:
    return np.array(case["inputs"]["yi"]), np.array(case["inputs"]["vi"])


studies = st.lists(
    st.tuples(st.floats(-2, 2).map(lambda y: round(y, 6)), st.floats(0.001, 2)),
    min_size=2,
    max_size=8,
).map(lambda rows: (np.array([y for y, _ in rows]), np.array([v for _, v in rows])))


@every_case
def test_fixed_effect_agrees_with_metafor(case: dict[str, Any]) -> None:
    """Oracle: metafor 3.8.1, rma(method = "FE")."""
    pooled, q = fixed_effect(*studies_of(case)), heterogeneity(*studies_of(case))
    expected = case["expected"]["FE"]
    assert_allclose(pooled.estimate, expected["est"], rtol=1e-10)
    assert_allclose(pooled.standard_error, expected["se"], rtol=1e-10)
    assert_allclose((pooled.low, pooled.high), expected["ci"], rtol=1e-10)
    assert_allclose((q.q, q.p_value), (expected["Q"], expected["Qp"]), rtol=1e-9)
    assert_allclose(100 * q.i2, case["expected"]["DL"]["I2"], rtol=1e-10)


@every_case
@pytest.mark.parametrize(("method", "key"), [("dersimonian-laird", "DL"), ("paule-mandel", "EB")])
def test_random_effects_agree_with_metafor(
    case: dict[str, Any], method: Tau2Method, key: str
) -> None:
    """Oracle: metafor 3.8.1, rma(test = "z" | "knha").

    Paule-Mandel is compared with the empirical Bayes estimate, which solves the same equation:
    this version of metafor stops its search for Paule-Mandel at a Q within 1e-4 of the root.
    """
    expected = case["expected"][key]
    normal, student, modified = (
        random_effects(*studies_of(case), method, reference) for reference in REFERENCES
    )
    found: dict[str, Any] = {
        "tau2": normal.tau2,
        "est": normal.estimate,
        "se": normal.standard_error,
        "ci": (normal.low, normal.high),
        "I2": 100 * normal.i2,
        "HKSJ_se": student.standard_error,
        "HKSJ_ci": (student.low, student.high),
        "HKSJ_p": student.p_value,
        "mKH_se": modified.standard_error,
        "prediction_interval_HK_t_km1": (student.prediction_low, student.prediction_high),
        "prediction_interval_HTS_t_km2": (normal.prediction_low, normal.prediction_high),
    }
    for name, value in found.items():
        if name in expected:
            assert_allclose(value, expected[name], rtol=2e-7, atol=1e-9, err_msg=name)


@every_case
def test_paule_mandel_agrees_with_metafor_to_its_tolerance(case: dict[str, Any]) -> None:
    """Oracle: metafor 3.8.1, rma(method = "PM")."""
    found = random_effects(*studies_of(case), "paule-mandel", "normal")
    assert_allclose(found.tau2, case["expected"]["PM"]["tau2"], atol=5e-5)
    assert_allclose(found.estimate, case["expected"]["PM"]["est"], atol=1e-5)


@law(studies=studies)
def test_random_effects_agree_with_statsmodels(studies: tuple[Floats, Floats]) -> None:
    """Oracle: statsmodels; where Q is below its degrees of freedom its tau2 is negative, ours 0."""
    found = random_effects(*studies, "dersimonian-laird", "normal")
    q = heterogeneity(*studies)
    if found.tau2 == 0:
        assert q.q <= q.degrees_of_freedom * (1 + 1e-12)
        return
    expected = combine_effects(*studies, method_re="dl")
    assert_allclose(found.tau2, expected.tau2, rtol=1e-8, atol=1e-12)
    assert_allclose(found.estimate, expected.mean_effect_re, rtol=1e-8, atol=1e-12)
    assert_allclose(found.standard_error, expected.sd_eff_w_re, rtol=1e-8)
    student = random_effects(*studies, "dersimonian-laird", "hartung-knapp")
    assert_allclose(student.standard_error, expected.sd_eff_w_re_hksj, rtol=1e-7)


@law(studies=studies)
def test_paule_mandel_makes_q_its_degrees_of_freedom(studies: tuple[Floats, Floats]) -> None:
    """Oracle: the equation that defines it."""
    estimates, variances = studies
    tau2 = between_study_variance(estimates, variances, "paule-mandel")
    q = heterogeneity(estimates, variances + tau2).q
    freedom = estimates.size - 1
    assert q <= freedom * (1 + 1e-9)
    assert tau2 == 0 or q >= freedom * (1 - 1e-9)


def test_wei_lachin_pooling_of_equally_precise_studies_is_the_fixed_effect() -> None:
    estimates, variances = np.array([0.2, 0.5, -0.1]), np.full(3, 0.04)
    for equal, weighted in zip(
        wei_lachin_pooling(estimates, variances), fixed_effect(estimates, variances), strict=True
    ):
        assert_allclose(equal, weighted, rtol=1e-14)


def test_studies_of_mann_whitney_effects_pool_like_strata() -> None:
    """Oracle: stratified_effect, where every study is a stratum.

    Strata weighed by their null variances keep the placements' for the standard error.
    """
    random = np.random.default_rng(15)
    studies = summarise(random.normal(0.4, 1, (4, 20)), random.normal(0, 1, (4, 18)))
    equal = wei_lachin_pooling(studies.effect, studies.placement_variance, null=0.5)
    expected = stratified_effect(studies, "equal")
    assert_allclose(equal.estimate, expected.effect, rtol=1e-12)
    assert_allclose(equal.standard_error, expected.standard_error, rtol=1e-12)
    assert_allclose(equal.p_value, expected.p_value, rtol=1e-10)
    fixed = fixed_effect(studies.effect, studies.null_variance, null=0.5)
    weighted = stratified_effect(studies, "inverse-variance")
    shares = (1 / studies.null_variance) / (1 / studies.null_variance).sum()
    assert_allclose(fixed.estimate, weighted.effect, rtol=1e-12)
    variance = (shares**2 * studies.placement_variance).sum()
    assert_allclose(weighted.standard_error, np.sqrt(variance), rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("reference", REFERENCES)
def test_batch_equals_loop_over_meta_analyses(method: Tau2Method, reference: Reference) -> None:
    random = np.random.default_rng(5)
    estimates, variances = random.normal(0, 0.3, (6, 5)), random.uniform(0.01, 0.2, (6, 5))
    estimates[0, 1:] = np.nan
    estimates[1] = np.nan
    batch = random_effects(estimates, variances, method, reference)
    singles = [
        random_effects(*row, method, reference) for row in zip(estimates, variances, strict=True)
    ]
    for field in batch._fields:
        expected = [getattr(single, field) for single in singles]
        assert_allclose(getattr(batch, field), expected, rtol=1e-10, atol=1e-13, err_msg=field)


@pytest.mark.parametrize("left_out", [(np.nan, 0.1), (3.0, np.nan), (3.0, 0.0)])
def test_study_without_precision_changes_nothing(left_out: tuple[float, float]) -> None:
    estimates, variances = np.array([0.1, 0.4, 0.2]), np.array([0.02, 0.01, 0.05])
    more = np.append(estimates, left_out[0]), np.append(variances, left_out[1])
    for pool in (fixed_effect, wei_lachin_pooling, random_effects, heterogeneity):
        assert_array_equal(pool(*more), pool(estimates, variances))


def test_single_study_says_nothing_of_heterogeneity() -> None:
    found = random_effects(np.array([0.7]), np.array([0.0016]), null=0.5)
    assert_array_equal((found.estimate, found.tau2, found.i2, found.p_value), (0.7, 0, 0, 1))
    assert_array_equal((found.low, found.high), (-np.inf, np.inf))
    normal = random_effects(np.array([0.7]), np.array([0.0016]), reference="normal", null=0.5)
    assert_allclose(normal[:5], fixed_effect(np.array([0.7]), np.array([0.0016]), null=0.5))
    assert_array_equal((normal.prediction_low, normal.prediction_high), (-np.inf, np.inf))
    assert_array_equal(heterogeneity(np.array([0.7]), np.array([0.0016])), (0, 0, 1, 0))


def test_no_study_gives_no_estimate_and_no_evidence() -> None:
    nothing = np.array([np.nan, np.nan]), np.array([np.nan, 0.0])
    for pooled in (fixed_effect(*nothing), wei_lachin_pooling(*nothing), random_effects(*nothing)):
        assert np.isnan(pooled.estimate)
        assert_array_equal((pooled.low, pooled.high, pooled.p_value), (-np.inf, np.inf, 1))


def test_studies_that_agree_exactly_have_the_normal_standard_error() -> None:
    studies = np.full(3, 0.62), np.array([0.001, 0.002, 0.003])
    found = random_effects(*studies, null=0.5)
    assert_allclose(found.standard_error, fixed_effect(*studies).standard_error)
    assert found.low < 0.6 < 0.64 < found.high


def test_hartung_knapp_interval_covers_when_studies_are_few() -> None:
    """Five studies of equal size: coverage is nominal within 4 binomial standard errors.

    The normal interval with DerSimonian and Laird's tau2 covers less, near 0.90.
    """
    random, trials = np.random.default_rng(2016), 20_000
    variances = np.full((trials, 5), 0.02)
    estimates = random.normal(0.3, np.sqrt(0.02 + 0.02), variances.shape)
    covered = {}
    for distribution in REFERENCES:
        found = random_effects(estimates, variances, reference=distribution)
        covered[distribution] = np.mean((found.low < 0.3) & (found.high > 0.3))
    tolerance = 4 * np.sqrt(0.95 * 0.05 / trials)
    assert abs(covered["hartung-knapp"] - 0.95) < tolerance
    assert covered["hartung-knapp-at-least-normal"] > 0.95 - tolerance
    assert covered["normal"] < 0.92


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"confidence": 1.2}, r"confidence must lie between 0 and 1 \(got 1.2\)"),
        ({"reference": "t"}, r"reference must be one of normal, .*\(got 't'\)"),
        ({"tau2_method": "reml"}, r"method must be one of dersimonian-laird, .*\(got 'reml'\)"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        random_effects(np.array([0.1, 0.2]), np.array([0.1, 0.1]), **arguments)
