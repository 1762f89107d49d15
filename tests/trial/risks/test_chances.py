"""When events happen, day by day, agrees to the word with the minutes at words."""

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from trialsim.clock import DAY
from trialsim.distributions import Continuous
from trialsim.streams import WORDS
from trialsim.trial.risks.chances import in_layers, minutes_at, words_by_day


@pytest.mark.parametrize(
    "days",
    [
        {"distribution": "exponential", "mean": 15},
        {"distribution": "uniform", "low": 1, "high": 10},
        {"distribution": "constant", "value": 5},
        {"distribution": "constant", "value": 0},
    ],
)
def test_words_by_day_are_those_whose_event_has_happened_by_then(days: dict[str, Any]) -> None:
    """The last word that counts happens by the end of the day, the next one after it."""
    distribution = TypeAdapter[Any](Continuous).validate_python(days)
    counts = words_by_day(distribution, 30)
    assert counts[0] == 0
    assert (np.diff(counts) >= 0).all()
    for day, count in enumerate(counts.tolist()):
        if count:
            assert minutes_at(distribution, np.array([count - 1], np.uint32))[0] <= day * DAY
        if count < WORDS:
            assert minutes_at(distribution, np.array([count], np.uint32))[0] > day * DAY
    if days["distribution"] == "exponential":
        half_a_minute = 0.5 / DAY  # is rounded down to the end of the day
        assert abs(counts[15] / WORDS - (1 - np.exp(-1 - half_a_minute / 15))) < 1e-8


def test_chances_of_any_arm_and_of_each_have_an_axis_for_arms() -> None:
    assert in_layers([0.25], (2, 3)).tolist() == [[[0.25]] * 3] * 2
    assert in_layers([0.25, np.full((2, 3), 0.5)], (2, 3)).shape == (2, 3, 2)
