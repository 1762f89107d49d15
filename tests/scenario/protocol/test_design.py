"""Visits keep their order, whatever they are counted from."""

import pytest

from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load


def test_a_visit_counted_from_onset_must_lie_after_one_counted_from_randomisation() -> None:
    """Randomised three days after onset, day 42 after onset is day 39 after randomisation."""
    study = load("cars1")
    apart = {"design.visits.day_21.day": 34, "design.visits.day_42.window_days": 3}
    assert study.replace(apart).design.visits["day_21"].day == 34
    with pytest.raises(InputError, match=r"visits\.day_42\.day: must not lie .* \(got 42"):
        study.replace({**apart, "design.visits.day_21.day": 36})
