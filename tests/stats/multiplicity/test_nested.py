"""A population and a subgroup of it, against SciPy's bivariate normal and simulated trials."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

from trialsim.arrays import Floats
from trialsim.stats.multiplicity.nested import (
    adjust_nested,
    correlation_of_ranks,
    correlation_of_sizes,
    subgroup_level,
)

TRIALS = 20_000


def normals(correlation: float, rng: np.random.Generator) -> Floats:
    return rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], TRIALS)


def chance(overall: float, subgroup: float, correlation: float, lenient: float) -> float:
    """Return the one-sided chance of a rejection without an effect, by SciPy's normal."""
    law = multivariate_normal(cov=[[1, correlation], [correlation, 1]])
    both = [float(law.cdf(norm.ppf([one, subgroup]))) for one in (min(lenient, 1 - 1e-12), overall)]
    return overall + max(both[0] - both[1], 0.0)


@pytest.mark.parametrize(
    ("alpha", "share", "correlation", "lenient"),
    [
        (0.05, 0.8, 0.7, 1.0),
        (0.025, 0.8, 0.0, 1.0),
        (0.025, 0.5, 0.95, 1.0),
        (0.025, 0.9, 0.5, 0.1),
    ],
)
def test_the_subgroup_has_the_level_that_the_correlation_leaves(
    alpha: float, share: float, correlation: float, lenient: float
) -> None:
    """Oracle: the equations of Spiessens and Debois (2010) and of Song and Chi (2007), solved."""
    known = brentq(
        lambda level: chance(share * alpha, level, correlation, lenient) - alpha, 1e-9, 0.9
    )
    assert_allclose(subgroup_level(alpha, share, correlation, lenient), known, atol=1e-7)
    both_sides = subgroup_level(2 * alpha, share, correlation, min(2 * lenient, 2), two_sided=True)
    assert_allclose(both_sides, 2 * known, atol=1e-7)


def test_the_adjusted_p_values_reject_where_the_closed_test_does() -> None:
    """In both directions; what reaches no lenient level on its side has no subgroup."""
    statistics = normals(0.6, np.random.default_rng(1)) * 1.5
    share, alpha, lenient = 0.7, 0.05, 0.2
    level = subgroup_level(alpha, share, 0.6, lenient, two_sided=True)
    adjusted = adjust_nested(statistics, np.full(TRIALS, 0.6), share, lenient, two_sided=True)
    sides = norm.sf(np.stack([statistics, -statistics]))
    overall, subgroup = np.moveaxis(2 * sides, -1, 0)
    either = (overall <= share * alpha) | ((overall <= lenient) & (subgroup <= level))
    own = 2 * sides.min(axis=0) <= alpha
    expected = either.any(axis=0)[:, np.newaxis] & own
    assert np.array_equal(adjusted <= alpha, expected)
    by_subgroup_alone = ~(overall.min(axis=0) <= share * alpha) & expected[:, 1]
    assert by_subgroup_alone.sum() > 100


@pytest.mark.parametrize("lenient", [1.0, 0.2])
def test_the_level_is_used_up_without_an_effect(lenient: float) -> None:
    """4 binomial standard errors; independent tests at both whole levels would reject 8.6%."""
    statistics = normals(0.5**0.5, np.random.default_rng(2))
    adjusted = adjust_nested(statistics, np.full(TRIALS, 0.5**0.5), 0.8, lenient, two_sided=True)
    error = (adjusted <= 0.05).any(axis=1).mean()
    assert abs(error - 0.05) < 4 * np.sqrt(0.05 * 0.95 / TRIALS)


def test_what_cannot_be_tested_is_not_rejected() -> None:
    statistics = np.array([[np.nan, 3.0], [3.0, np.nan], [np.nan, np.nan]])
    for two_sided in (True, False):
        found = adjust_nested(statistics, np.full(3, np.nan), 0.8, two_sided=two_sided)
        assert (found[np.isnan(statistics)] == 1).all()
        assert (found[~np.isnan(statistics)] < 0.05).all()


def test_the_correlation_of_ranks_is_that_of_repeated_trials() -> None:
    """Severe patients score lower, so that the root of their share would be too much.

    Within 4 standard errors of a correlation of 3,000 trials.
    """
    rng, trials, patients = np.random.default_rng(3), 3_000, 120
    severe = rng.random((trials, patients)) < 0.4
    cells = np.clip(np.rint(rng.normal(np.where(severe, 0.6, 3.2), 1.2)), 0, 5)
    treated = np.tile(np.arange(patients) % 2 == 0, (trials, 1))
    statistics, counts = [], []
    for among in (np.ones_like(severe), severe):
        table = np.stack(
            [
                np.stack([((cells == one) & arm & among).sum(1) for one in range(6)], axis=-1)
                for arm in (treated, ~treated)
            ],
            axis=1,
        )
        counts.append(table)
        below = np.cumsum(table[:, 1], axis=-1) - table[:, 1] / 2
        statistics.append((table[:, 0] * below).sum(-1) / table.sum(-1).prod(-1))
    seen = np.corrcoef(*statistics)[0, 1]
    expected = correlation_of_ranks(*counts).mean()
    assert abs(expected - seen) < 4 * (1 - seen**2) / np.sqrt(trials)
    assert expected < 0.4**0.5 - 0.05
    by_sizes = correlation_of_sizes(*(one.sum(axis=-1).astype(float) for one in counts))
    assert_allclose(by_sizes.mean(), 0.4**0.5, atol=0.01)
