"""Every reference case that is computed is met, and would not be if a value of it were another."""

import dataclasses
from collections import Counter
from typing import Any

import numpy as np
import pytest

from trialsim.validation.cases import Case, cases
from trialsim.validation.checks import Check
from trialsim.validation.reference import FOUND, checked, computation, values_of

Found = list[tuple[Case, dict[str, Any]]]


@pytest.fixture(scope="module")
def found() -> Found:
    """Return each case with what is computed of it."""
    computed = [(case, computation(case)) for case in cases()]
    return [(case, compute(dict(case.inputs))) for case, compute in computed if compute]


def check_of(case: Case, computed: dict[str, Any]) -> Check:
    return checked(case, lambda _: computed)


def test_every_case_is_met_within_its_tolerance(found: Found) -> None:
    checks = [check_of(case, computed) for case, computed in found]
    assert [check for check in checks if check.outcome != "pass"] == []
    assert all(check.source for check in checks)


def test_no_case_is_met_once_its_values_are_moved_by_two_tolerances(found: Found) -> None:
    for case, computed in found:
        for value in values_of(computed, case.expected, case.tolerance):
            *path, last = value.name.removeprefix(".").split(".")
            expected = within = dict(case.expected)
            tolerance: Any = case.tolerance
            for part in path:
                within[part] = dict(within[part])
                within, tolerance = within[part], tolerance.get(part, tolerance)
            tolerance = tolerance.get(last, tolerance)
            allowed = tolerance.get("abs", 0) + tolerance.get("rel", 0) * np.abs(value.expected)
            within[last] = (value.expected + 2.5 * allowed + 1e-300).tolist()
            moved = dataclasses.replace(case, expected=expected)
            if np.any(np.isfinite(value.expected) & (allowed > 1e-13)):
                assert check_of(moved, computed).outcome == "fail", (case.name, value.name)


def test_so_many_cases_and_values_of_each_topic_are_computed(found: Found) -> None:
    """What is added to the cases must be computed, or be named here as not."""
    all_cases = Counter(case.topic for case in cases())
    met = Counter(case.topic for case, _ in found)
    assert all_cases - met == {
        "count_power": 12,  # by chance: tests/stats/planning
        "dose_response": 1,  # a power: tests/stats/dose_response
        "multiplicity": 1,  # a closed test over two stages: tests/stats/multiplicity
        "randomisation": 41,  # by recursions of their own: tests/trial/allocation
        "sample_size": 4,  # of proportional odds, which nothing computes; a simulated power
    }
    values = [value for case, one in found for value in values_of(one, case.expected, {"abs": 1})]
    assert (len(found), len(values)) == (240, 1234)


def test_sequential_cases_are_met_in_every_number(found: Found) -> None:
    for case, computed in found:
        if case.topic in ("group_sequential", "adaptive"):
            assert case.expected.keys() <= computed.keys(), case.name


def test_no_computation_is_left_without_a_case(found: Found) -> None:
    names = [f"{case.name}." for case, _ in found]
    assert [start for start in FOUND if not any(name.startswith(start) for name in names)] == []


def test_what_another_program_does_not_know_is_not_compared() -> None:
    expected = {"p": "NaN", "z": "error: none", "q": ["NA", 1], "bound": "Inf"}
    found = {"p": 1.0, "z": 0.0, "q": [0, 1], "bound": np.inf, "more": 3}
    assert [value.name for value in values_of(found, expected, {"abs": 0})] == [".bound"]
    (value,) = values_of({"v": [1, 2]}, {"v": [1, 2, 3]}, {"abs": 9})
    assert value.share == np.inf
