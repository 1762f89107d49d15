"""Bounds of several arms in stages, against R's MAMS and against simulated means."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests.stats.reference import reference
from trialsim.stats.multiplicity.arms_in_stages import (
    Arms,
    Bounds,
    bounds_of_arms,
    chance_of_any_claim,
)
from trialsim.stats.multiplicity.dunnett import Law, chance_of_any, loadings_of_sizes

CASES = [case for case in reference("multiplicity")["cases"] if case["family"] == "mams"]
TWO_STAGES = [case for case in CASES if case["inputs"]["J"] == 2 and "r" in case["inputs"]]


@pytest.mark.parametrize("case", TWO_STAGES, ids=[case["id"] for case in TWO_STAGES])
def test_the_error_rate_at_the_bounds_of_another_program_is_the_one_it_states(
    case: dict[str, Any],
) -> None:
    """Oracle: Gauss and Hermite's sums in R at the bounds of MAMS 3.0.2."""
    inputs, expected = case["inputs"], case["expected"]
    bounds = Bounds(np.array(expected["upper"]), np.array(expected["lower"]))
    found = chance_of_any_claim(bounds, Arms(inputs["K"], inputs["r"], inputs["r0"]))
    assert_allclose(found, expected["fwer_check"], atol=1e-9)


def test_one_stage_is_dunnetts_test_with_a_larger_control_too() -> None:
    arms = Arms(4, (30.0,), (60.0,))
    law = Law(loadings_of_sizes(np.full(4, 30.0), np.array(60.0)))
    bounds = bounds_of_arms(0.025, arms, "pocock")
    assert_allclose(chance_of_any(np.full(4, bounds.upper[0]), law), 0.025, atol=1e-8)


def test_simulated_means_are_claimed_as_often_as_computed() -> None:
    """Three arms of 1 and then 3 units, a control of 2 and then 4; 200,000 trials."""
    arms = Arms(3, (1.0, 3.0), (2.0, 4.0))
    bounds = Bounds(np.array([2.2, 1.8]), np.array([0.4, 1.8]))
    trials, draw = 200_000, np.random.default_rng(16).normal

    def sums(sizes: tuple[float, ...], count: int) -> list[Any]:
        steps = [draw(0.0, np.sqrt(step), (trials, count)) for step in np.diff([0.0, *sizes])]
        return list(np.cumsum(steps, axis=0))

    treated, control = sums((1.0, 3.0), 3), sums((2.0, 4.0), 1)
    z = [
        (one / size - other / size_0) / np.sqrt(1 / size + 1 / size_0)
        for one, other, size, size_0 in zip(treated, control, (1, 3), (2, 4), strict=True)
    ]
    goes_on = (z[0] > bounds.lower[0]) & (z[0] < bounds.upper[0])
    claimed = (z[0] >= bounds.upper[0]) | (goes_on & (z[1] >= bounds.upper[1]))
    share = claimed.any(axis=1).mean()
    error = np.sqrt(share * (1 - share) / trials)
    assert abs(share - chance_of_any_claim(bounds, arms)) < 4 * error


def test_more_than_two_stages_are_refused() -> None:
    three = Bounds(np.full(3, 2.5), np.zeros(3))
    with pytest.raises(ValueError, match=r"one or two stages \(got 3\)"):
        chance_of_any_claim(three, Arms(2, (1, 2, 3), (1, 2, 3)))
