"""One root for each trial of a batch."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from trialsim.arrays import Floats, Integers
from trialsim.stats.sequential.roots import roots


def test_each_trial_has_its_own_root_and_none_where_the_sign_never_changes() -> None:
    targets = np.array([1.0, 8.0, 27.0, -1.0])

    def excess(x: Floats, trials: Integers) -> Floats:
        return np.asarray(x**3 - targets[trials])

    found = roots(excess, np.zeros(4), np.full(4, 5.0))
    assert_allclose(found, [1, 2, 3, np.nan], rtol=1e-12)


def test_batch_equals_its_trials_one_by_one_to_the_bit() -> None:
    targets = np.random.default_rng(1).uniform(0.1, 20, 50)
    low, high = np.full(50, -5.0), np.full(50, 5.0)

    def solved(values: Floats) -> Floats:
        count = len(values)
        return roots(lambda x, trials: np.exp(x) - values[trials], low[:count], high[:count])

    assert_array_equal(solved(targets), np.concatenate([solved(one) for one in targets[:, None]]))
