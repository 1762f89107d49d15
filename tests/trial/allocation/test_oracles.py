"""Every reference case of randomisation, met in every number of it within its tolerance.

The chances of a procedure are compared exactly; where strata or sizes of blocks are random, trials
are simulated, and agree within 3 Monte Carlo standard errors.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import product
from math import comb
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests.stats.reference import reference
from tests.trial.allocation.exact import properties, walk
from trialsim.arrays import Floats, Integers, take_rows
from trialsim.stats.allocation_balance import guessed_right
from trialsim.streams import Streams
from trialsim.trial.allocation.coins import TolerantCoin
from trialsim.trial.allocation.in_order import InOrder
from trialsim.trial.allocation.minimisation import PocockSimon
from trialsim.trial.allocation.permuted_blocks import PermutedBlocks
from trialsim.trial.allocation.procedure import Before, Procedure
from trialsim.trial.allocation.random_blocks import RandomBlocks
from trialsim.trial.allocation.strata import Groups
from trialsim.trial.allocation.truncated_binomial import Truncated
from trialsim.trial.allocation.urn import WeisUrn

CASES = reference("randomisation")["cases"]
MEASURES = {"range": "range", "variance": "variance", "sd": "standard_deviation"}


def procedure(name: str, numbers: list[Any], patients: int) -> Procedure:
    """Return a procedure under the name that the reference values give it."""
    match name:
        case "pbr":
            return RandomBlocks((1, 1), tuple(numbers))
        case "rar":
            return RandomBlocks((1, 1), (patients,))
        case "ebc":
            return TolerantCoin(*numbers)
        case "bsd":
            return TolerantCoin(0.5, *numbers)
        case "chen":
            return TolerantCoin(numbers[1], numbers[0])
        case "ud":
            return WeisUrn(*numbers)
    return Truncated(patients // 2)


def exact_properties(inputs: Any) -> dict[str, Any]:
    name, *numbers = inputs["procedure"]
    return properties(procedure(name, numbers, inputs["N"]), inputs["N"])._asdict()


def closed_form(inputs: Any) -> dict[str, Any]:
    if "block_size" in inputs:
        size = inputs["block_size"]
        right = float(walk(RandomBlocks((1, 1), (size,)), size).guessed.sum())
        return {"expected_correct_guesses": right, "excess_over_half": right - size / 2}
    if "n" in inputs:
        var = properties(WeisUrn(0, 1), inputs["n"]).E_D2_final
        return {"var_D": var, "n_over_3": inputs["n"] / 3}
    coin = TolerantCoin(inputs["p"])
    even, odd = walk(coin, 400), walk(coin, 401)
    shares = np.zeros(6)
    for chance, patients in ((even.chance, 400), (odd.chance, 401)):
        difference = abs(2 * np.arange(len(chance)) - patients)
        of_first = chance.sum(axis=1)
        shares += [of_first[difference == one].sum() / 2 for one in range(6)]
    return {
        "stationary_abs_D_0to5": shares,
        "limit_P_balance_even": even.chance.sum(axis=1)[200],
        "P_balance_n400": even.chance.sum(axis=1)[200],
        "limit_predictability": odd.guessed[-2:].mean(),
    }


def differences(arms: Integers) -> Integers:
    """Return by how many patients the first arm is ahead in each replicate."""
    ahead: Integers = arms.shape[1] - 2 * arms.sum(axis=1)
    return ahead


def within_errors(found: Floats | Integers, expected: float) -> bool:
    """Return whether a mean agrees within 3 Monte Carlo standard errors."""
    error = found.std(ddof=1) / len(found) ** 0.5
    return bool(abs(found.mean() - expected) <= 3 * error + 1e-12)


def variance_of_blocks(inputs: Any) -> dict[str, Any]:
    replicates, patients, count = 5000, inputs["N"], inputs.get("strata", 1)
    streams = Streams(5, range(replicates))
    stratum = (streams.uniform("strata", patients) * count).astype(np.int64)
    groups = Groups(count, lambda candidates: take_rows(stratum, candidates)[..., None], patients)
    everybody = np.broadcast_to(np.arange(patients), stratum.shape)
    if "block_size" in inputs:
        plan: Any = PermutedBlocks((1, 1), inputs["block_size"], groups, streams)
    else:
        plan = InOrder(RandomBlocks((1, 1), tuple(inputs["block_sizes"])), 2, groups, streams)
    return {"var_D": differences(plan.arms(everybody)) ** 2.0}


def minimisation(inputs: Any) -> dict[str, Any]:
    if "N" in inputs:
        return minimised(PocockSimon("range", inputs["p_preferred"], (1, 1)), inputs["N"])
    levels = zip(inputs["table"], inputs["new_patient"], strict=True)
    counts = np.array([[table[level] for table, level in levels]])
    found: dict[str, Any] = {}
    for name, measure in MEASURES.items():
        plan = PocockSimon(measure, 0.8, (1.0,) * counts.shape[1])
        (scores,) = plan.imbalances(counts).tolist()
        tie = scores[0] == scores[1]
        found[f"score_if_A_B_{name}"] = scores
        found[f"preferred_{name}"] = "tie" if tie else "AB"[int(scores[1] < scores[0])]
        if name == "range":
            before = Before(counts, np.zeros(1, int), np.zeros((1, 1), int))
            found["prob_A_range_p0.8"] = plan.chances(before)[0, 0]
    sums = counts[0].sum(axis=0).tolist()
    found["taves_sum_A_B"] = sums
    found["taves_preferred"] = "tie" if sums[0] == sums[1] else "AB"[int(sums[1] < sums[0])]
    return found


def minimised(plan: PocockSimon, patients: int) -> dict[str, Any]:
    """Return exact properties with two factors of two levels, by a recursion over patients."""
    states: dict[tuple[int, ...], float] = {
        (0,) * 8: 1.0
    }  # patients of each arm in each of four classes
    largest = 0.0
    for _ in range(patients):
        counts = np.array(list(states)).reshape(-1, 4, 2)
        weights = np.array(list(states.values())) / 4
        after: defaultdict[tuple[int, ...], float] = defaultdict(float)
        for one, two in product((0, 1), (2, 3)):
            own = np.array([one, two])
            nothing = np.zeros(len(counts), int)
            chances = plan.chances(Before(counts[:, own], nothing, np.zeros((1, 2), int)))
            largest += float(chances.max(axis=1) @ weights) / patients
            for arm in (0, 1):
                then = counts.copy()
                then[:, own, arm] += 1
                for state, weight in zip(then, weights * chances[:, arm], strict=True):
                    after[tuple(state.ravel().tolist())] += float(weight)
        states = after
    counts, weights = np.array(list(states)).reshape(-1, 4, 2), np.array(list(states.values()))
    ahead = counts[..., 0] - counts[..., 1]
    overall = ahead[:, :2].sum(axis=1)
    return {
        "E_abs_overall_imbalance": abs(overall) @ weights,
        "var_overall_imbalance": overall**2 @ weights,
        "E_sum_abs_marginal_imbalance": abs(ahead).sum(axis=1) @ weights,
        "P_overall_balanced": (overall == 0) @ weights,
        "mean_max_allocation_prob": largest,
    }


FOUND: dict[str, Callable[[Any], dict[str, Any]]] = {
    "properties": exact_properties,
    "closed form": closed_form,
    "blocks": variance_of_blocks,
    "minimisation": minimisation,
}
HERE = [case for case in CASES if case["family"] in FOUND]


def test_no_case_is_left_out() -> None:
    assert Counter(case["family"] for case in CASES) == {
        "properties": 23,
        "closed form": 7,
        "blocks": 5,
        "minimisation": 4,
        "re-randomisation": 2,  # in tests/stats/test_re_randomisation.py
    }


@pytest.mark.parametrize("case", HERE, ids=[case["id"] for case in HERE])
def test_a_procedure_has_the_properties_of_the_reference(case: Any) -> None:
    found, tolerance = FOUND[case["family"]](case["inputs"]), case["tolerance"]
    for name, expected in case["expected"].items():
        if name == "sd_D":  # the root of var_D
            assert_allclose(case["expected"]["var_D"] ** 0.5, expected)
        elif case["family"] == "blocks":
            assert within_errors(found[name], expected)
        elif isinstance(expected, str) or (isinstance(expected, list) and "taves" in name):
            assert found[name] == expected, name
        else:
            within = tolerance.get(name, tolerance)["abs"]
            assert_allclose(found[name], expected, rtol=0, atol=within, err_msg=name)


def test_the_sum_of_guesses_in_a_block_is_that_of_blackwell_and_hodges() -> None:
    """They are b + 4^b / (2 C(2b, b)) - 1/2 for a block of 2b (1957, Ann Math Stat 28:449)."""
    for half in range(1, 9):
        right = walk(RandomBlocks((1, 1), (2 * half,)), 2 * half).guessed.sum()
        assert right == pytest.approx(half + 4**half / (2 * comb(2 * half, half)) - 0.5, abs=1e-12)


@pytest.mark.parametrize(
    "plan",
    [
        TolerantCoin(2 / 3),
        TolerantCoin(0.5, 3),
        TolerantCoin(2 / 3, 4),
        WeisUrn(1, 1),
        Truncated(24),
        RandomBlocks((1, 1), (6,)),
    ],
    ids=lambda plan: f"{plan}",
)
def test_simulated_arms_have_the_exact_properties(plan: Procedure) -> None:
    patients, streams = 48, Streams(7, range(4000))
    groups = Groups(1, lambda candidates: np.zeros((*candidates.shape, 1), np.int64), patients)
    everybody = np.broadcast_to(np.arange(patients), (4000, patients))
    arms = InOrder(plan, 2, groups, streams).arms(everybody)
    ahead = np.cumsum(1 - 2 * arms, axis=1)
    exact = properties(plan, patients)
    final, largest = abs(ahead[:, -1]), abs(ahead).max(axis=1)
    for found, expected in (
        (final, exact.E_abs_imbalance_final),
        (final**2, exact.E_D2_final),
        (final == 0, exact.P_balance_final),
        (largest, exact.E_max_abs_imbalance),
        (guessed_right(arms, 0 * arms, 1, (1, 1)), exact.pred_correct_guess_convergence),
    ):
        assert within_errors(found, expected)
