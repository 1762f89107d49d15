"""What is too much for one page is refused in words."""

from typing import Any

import pytest

import trialsim as ts
from trialsim.app.limits import MOST_DESIGNS, MOST_REPLICATES, check_request, whole
from trialsim.errors import InputError


def test_what_is_usual_is_let_through() -> None:
    check_request([ts.load("cars1")] * 4, 10_000)


@pytest.mark.parametrize(
    ("patients", "designs", "replicates", "told"),
    [
        (5_001, 1, 1, "cars1, patients: must be at most 5,000 on this page"),
        (208, 1, MOST_REPLICATES + 1, "replicates: must be at most 20,000 (got 20,001)"),
        (208, MOST_DESIGNS + 1, 1, "designs: must be at most 8 (got 9)"),
        (5_000, 1, 4_001, "at most 20,000,000 simulated patients"),
    ],
)
def test_what_is_too_much_is_refused(
    patients: int, designs: int, replicates: int, told: str
) -> None:
    study = ts.load("cars1").replace({"design.patients": patients})
    with pytest.raises(InputError) as raised:
        check_request([study] * designs, replicates)
    assert told in str(raised.value)


def test_the_patients_of_a_programme_are_those_of_all_its_trials() -> None:
    with pytest.raises(InputError, match="patients: must be at most 5,000"):
        check_request([ts.load("cars_pooled").replace({"size_percent": 2_000})])


@pytest.mark.parametrize("value", [None, True, "7", 1.5, float("nan"), float("inf"), 0, 21, [1]])
def test_what_is_no_whole_number_in_range_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="seed: must be a whole number from 1 to 20"):
        whole(value, "seed", 1, 20)
