"""The share of the full effect is what its formula says, wherever that can be computed."""

from typing import Any

import numpy as np
import pytest

from trialsim.scenario.outcomes.exposure import Emax, Threshold

GIVEN = np.array([0.0, 1.0, 300.0, 630.0, 900.0])


def test_a_saturating_effect_is_the_hill_function_relative_to_the_full_amount(
    received: Any,
) -> None:
    """Oracle: d**h / (e**h + d**h), divided by the same at the full amount."""
    emax = Emax(model="emax", full_dose=630, half_dose=200, hill=2)
    hill, full = GIVEN**2 / (200**2 + GIVEN**2), 630**2 / (200**2 + 630**2)
    np.testing.assert_allclose(emax.share(received(GIVEN), 0), hill / full, rtol=1e-12)


@pytest.mark.parametrize("half_dose", [1e-12, 1e-6, 1e6, 1e12])
def test_a_saturating_effect_is_none_without_drug_and_whole_at_the_full_amount(
    half_dose: float, received: Any
) -> None:
    share = Emax(model="emax", full_dose=630, half_dose=half_dose, hill=20).share(
        received(GIVEN), 0
    )
    assert share[0] == 0
    assert share[3] == 1
    assert (np.diff(share) >= 0).all()
    assert np.isfinite(share).all()


@pytest.mark.parametrize("course", [3, 7, 21, 60])
def test_a_threshold_that_is_reached_exactly_is_reached(course: int, received: Any) -> None:
    """Count times dose in binary falls short of the decimal product in one case of ten."""
    tenths = np.arange(1, 301)
    for tenth in tenths.tolist():
        needed = tenth * course / 10
        whole = Threshold(model="threshold", full_dose=needed, needed_dose=needed)
        given = np.array([course * (tenth / 10), (course - 1) * (tenth / 10)])
        assert whole.share(received(given), 0).tolist() == [1.0, 0.0], (tenth, course)
