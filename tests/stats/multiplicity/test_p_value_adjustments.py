"""Adjusted p-values, against R, statsmodels and the closed testing principle."""

from itertools import combinations, pairwise
from typing import Any, get_args
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtr
from statsmodels.stats.multitest import multipletests

from tests.stats.laws import law
from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.multiplicity.p_value_adjustments import (
    Procedure,
    adjust_p_values,
    bonferroni,
    fixed_sequence,
    hommel,
    truncated,
)

CASES = reference("multiplicity")["cases"]
PROCEDURES: tuple[Procedure, ...] = get_args(Procedure)
STATSMODELS: dict[Procedure, str] = {
    "bonferroni": "bonferroni",
    "holm": "holm",
    "hochberg": "simes-hochberg",
    "hommel": "hommel",
}

families = st.lists(
    st.floats(0, 1) | st.sampled_from([0.0, 0.01, 0.02, 0.025, 0.05, 1.0]), min_size=1, max_size=8
).map(np.array)


def of_family(family: str) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if case["family"] == family]
    return pytest.mark.parametrize("case", chosen, ids=[case["id"] for case in chosen])


@of_family("p_adjust")
@pytest.mark.parametrize("procedure", STATSMODELS)
def test_adjusted_p_values_agree_with_r(case: dict[str, Any], procedure: Procedure) -> None:
    """Oracle: R 4.2.2, p.adjust."""
    found = adjust_p_values(np.array(case["inputs"]["p"], float), procedure)
    assert_allclose(found, case["expected"][procedure], atol=1e-12)


@of_family("fixed_sequence_fallback")
def test_fixed_sequence_agrees_with_graphical_procedures(case: dict[str, Any]) -> None:
    """Oracle: gMCPLite and graphicalMCP, a chain with all weight on its first hypothesis."""
    found = fixed_sequence(np.array(case["inputs"]["p"], float))
    assert_allclose(found, case["expected"]["fixed_sequence_adjusted_p"], atol=1e-12)


@law(p_values=families)
def test_adjusted_p_values_agree_with_statsmodels(p_values: Floats) -> None:
    for procedure, theirs in STATSMODELS.items():
        with patch("gc.collect"):  # which statsmodels calls each time
            expected = multipletests(p_values, method=theirs)[1]
        found = adjust_p_values(p_values, procedure)
        assert_allclose(found, expected, atol=1e-12, err_msg=procedure)


@law(p_values=families.filter(lambda p: p.size <= 6))
def test_hommel_is_the_closure_of_simes(p_values: Floats) -> None:
    """Oracle: the closed testing principle, by enumeration of all intersections."""
    hypotheses = range(p_values.size)
    subsets = [s for size in hypotheses for s in combinations(hypotheses, size + 1)]
    simes = {
        s: min(np.sort(p_values[list(s)]) * len(s) / np.arange(1, len(s) + 1)) for s in subsets
    }
    expected = [max(simes[s] for s in subsets if i in s) for i in hypotheses]
    assert_allclose(hommel(p_values), expected, atol=1e-12)


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_batch_equals_loop_over_families(procedure: Procedure) -> None:
    p_values = np.random.default_rng(3).random((5, 4, 6)) ** 3
    singles = [[adjust_p_values(family, procedure) for family in row] for row in p_values]
    assert_array_equal(adjust_p_values(p_values, procedure), singles)


@law(p_values=families)
def test_procedures_are_ordered_by_power(p_values: Floats) -> None:
    """Hommel rejects what Hochberg rejects, Hochberg what Holm, Holm what Bonferroni."""
    chain = [
        adjust_p_values(p_values, name) for name in ("hommel", "hochberg", "holm", "bonferroni")
    ]
    for smaller, larger in pairwise(chain):
        assert np.all(smaller <= larger + 1e-15)


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_hypothesis_that_was_not_tested_counts_as_one(procedure: Procedure) -> None:
    p_values = np.array([0.01, np.nan, 0.02])
    assert_array_equal(
        adjust_p_values(p_values, procedure),
        adjust_p_values(np.nan_to_num(p_values, nan=1), procedure),
    )


@pytest.mark.parametrize("procedure", ["bonferroni", "holm", "hochberg", "hommel"])
def test_familywise_error_rate_is_held_for_correlated_tests(procedure: Procedure) -> None:
    """Three null hypotheses, one-sided tests with correlation 0.5; 4 binomial standard errors."""
    random = np.random.default_rng(2016)
    shared, own = random.standard_normal((20_000, 1)), random.standard_normal((20_000, 3))
    rejected = adjust_p_values(ndtr((shared + own) / np.sqrt(2)), procedure).min(axis=-1) <= 0.05
    assert rejected.mean() < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 20_000)


def test_unknown_procedure_is_refused() -> None:
    with pytest.raises(ValueError, match=r"procedure must be one of bonferroni.*\(got 'sidak'\)"):
        adjust_p_values(np.array([0.1]), "sidak")  # type: ignore[arg-type]


def test_p_value_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"p_values must lie between 0 and 1 \(got 1.2\)"):
        adjust_p_values(np.array([0.1, 1.2]), "holm")


@law(p_values=families)
def test_a_truncated_procedure_lies_between_itself_and_bonferroni(p_values: Floats) -> None:
    for procedure in ("holm", "hochberg"):
        assert_allclose(truncated(p_values, procedure, 1), adjust_p_values(p_values, procedure))
        assert_allclose(truncated(p_values, procedure, 0), bonferroni(p_values))
        half = truncated(p_values, procedure, 0.5)
        assert np.all(adjust_p_values(p_values, procedure) <= half + 1e-12)
        assert np.all(half <= bonferroni(p_values) + 1e-12)
