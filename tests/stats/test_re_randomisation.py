"""Re-randomisation tests: exact p-values of reference cases, and the level under a trend."""

from typing import Any

import numpy as np
import pytest

from tests.stats.reference import reference
from trialsim.stats.means_and_proportions.t_tests import student_t_test
from trialsim.stats.re_randomisation import as_extreme, deviations
from trialsim.streams import Streams
from trialsim.trial.allocation.in_order import InOrder, every_sequence
from trialsim.trial.allocation.procedure import Procedure
from trialsim.trial.allocation.random_blocks import RandomBlocks
from trialsim.trial.allocation.strata import Groups
from trialsim.trial.allocation.truncated_binomial import Truncated

CASES = [one for one in reference("randomisation")["cases"] if one["family"] == "re-randomisation"]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_all_sequences_give_the_exact_p_value_of_the_reference(case: Any) -> None:
    inputs, expected = case["inputs"], case["expected"]
    scores = np.array(inputs["y"], np.float64)
    observed = np.array([[arm == "A" for arm in inputs["sequence"]]])
    groups = np.zeros((len(scores), 1), np.int64)
    found = every_sequence(RandomBlocks((1, 1), (4,)), 2, groups, 1, 999)
    assert found is not None
    (here,) = deviations(scores, observed, "mann_whitney")
    drawn = deviations(scores, found.arms == 0, "mann_whitney")
    p_value = {
        side: (found.chances @ as_extreme(drawn, here, side)).item()
        for side in ("greater", "less", "two-sided")
    }
    assert len(found.chances) == expected["n_sequences"]
    assert here + 0.5 == pytest.approx(expected["mw"], abs=1e-12)
    assert p_value["greater"] == pytest.approx(expected["p_greater"], abs=1e-12)
    assert p_value["two-sided"] == pytest.approx(expected["p_two_sided_about_half"], abs=1e-12)
    tied = found.chances[drawn == here].sum()
    assert p_value["less"] + p_value["greater"] == pytest.approx(1 + tied, abs=1e-12)


def test_random_sizes_are_enumerated_with_their_chances() -> None:
    """Of four patients in blocks of 2 or 4, AABB comes in one block of four alone."""
    found = every_sequence(RandomBlocks((1, 1), (2, 4)), 2, np.zeros((4, 1), int), 1, 999)
    assert found is not None
    one_block = (found.arms == [0, 0, 1, 1]).all(axis=1)
    assert found.chances.sum() == pytest.approx(1)
    assert found.chances[one_block].sum() == pytest.approx(0.5 / 6)
    assert every_sequence(RandomBlocks((1, 1), (2, 4)), 2, np.zeros((4, 1), int), 1, 8) is None


@pytest.mark.parametrize("plan", [Truncated(20), RandomBlocks((1, 1), (4,))])
def test_the_level_is_kept_under_a_trend_where_that_of_a_t_test_is_not(plan: Procedure) -> None:
    """A trend of 3 SD from the first to the last of 40 patients, in 1,000 trials.

    The last patients of a truncated binomial design are all of one arm, blocks balance the trend.
    """
    trials, patients, draws = 1000, 40, 39
    streams = Streams(3, range(trials))
    groups = Groups(1, lambda candidates: np.zeros((*candidates.shape, 1), np.int64), patients)
    everybody = np.broadcast_to(np.arange(patients), (trials, patients))
    allocation = InOrder(plan, 2, groups, streams)
    noise = np.random.default_rng(1).normal(size=(trials, patients))
    scores = noise + 3 * np.arange(patients) / (patients - 1)
    arms = allocation.arms(everybody)
    marks = np.stack([streams.words("again", patients, draw) for draw in range(draws)], axis=1)
    again = allocation.again(everybody, marks, marks)
    observed = deviations(scores, arms[:, None] == 0, "mean_difference")[:, 0]
    drawn = deviations(scores, again == 0, "mean_difference")
    p_value = (1 + as_extreme(drawn, observed, "two-sided").sum(axis=1)) / (draws + 1)
    error = (0.05 * 0.95 / trials) ** 0.5
    assert abs((p_value <= 0.05).mean() - 0.05) < 3 * error
    one, other = (np.where(arms == arm, scores, np.nan) for arm in (0, 1))
    student = student_t_test(one, other).p_value
    assert abs((student <= 0.05).mean() - 0.05) > 5 * error
