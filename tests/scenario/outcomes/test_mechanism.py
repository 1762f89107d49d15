"""The pathways' share is the solution of their equations, and what the experiments say of it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from trialsim.arrays import Floats
from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.outcomes.mechanism import Pathways
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

RAT = load("rat_dose_response")
EXPOSURE = "outcomes.neurological_score.effect.exposure"
DAYS = 40


def pathways(scenario: Scenario = RAT) -> Pathways:
    (outcome,) = scenario.outcomes.values()
    model = outcome.effect.exposure
    assert isinstance(model, Pathways)
    return model


def integrated(model: Pathways, daily: Floats) -> Floats:
    """Integrate the equations of the module's docstring, day by day, with an ODE solver."""
    ways = (model.sonic_hedgehog, model.pi3k_akt)
    present, state, function = 0.0, np.zeros(4), [0.0]
    for dose in daily:
        present = model.carried_over * present + model.dose_scale * dose
        targets = [
            (1 - way.blocked) * present**way.hill / (way.half_dose**way.hill + present**way.hill)
            for way in ways
        ]

        def slope(_: float, x: Floats, to: list[float] = targets) -> list[float]:
            return [
                *((to[j] - x[j]) / ways[j].turnover_days for j in range(2)),
                x[0] * x[1] * (1 - x[2]) / model.repair_days,
                (x[2] - x[3]) / model.onset_days,
            ]

        state = solve_ivp(slope, (0, 1), state, rtol=1e-9, atol=1e-12).y[:, -1]
        function.append(state[3])
    return np.array(function)


@pytest.mark.parametrize("change", [{}, {"repair_days": 3.0}, {"onset_days": 1.5}])
def test_function_follows_the_equations(change: dict[str, float]) -> None:
    """Oracle: SciPy's ODE solver; repair is straight within a day, which costs a thousandth."""
    model = pathways().model_copy(update=change)
    daily = np.zeros(DAYS)
    daily[:12] = [0, 1, 2, 3, 4, 5, 0, 0, 7.5, 7.5, 2, 1]
    np.testing.assert_allclose(model.function(daily, DAYS), integrated(model, daily), atol=1.5e-3)


doses = st.lists(st.floats(0, 10), min_size=DAYS, max_size=DAYS).map(np.array)


@settings(derandomize=True, max_examples=30, deadline=None)
@given(daily=doses, more=doses)
def test_more_drug_never_helps_less(daily: Floats, more: Floats) -> None:
    model = pathways()
    gained = model.function(daily + more, DAYS) - model.function(daily, DAYS)
    assert gained.min() >= -1e-12


@settings(derandomize=True, max_examples=30, deadline=None)
@given(daily=doses, day=st.integers(1, DAYS - 1))
def test_later_doses_change_nothing_before(daily: Floats, day: int) -> None:
    model, changed = pathways(), daily.copy()
    changed[day:] = 9.0
    before = slice(0, day + 1)
    np.testing.assert_array_equal(
        model.function(changed, DAYS)[before], model.function(daily, DAYS)[before]
    )


@pytest.mark.parametrize("way", ["sonic_hedgehog", "pi3k_akt"])
def test_without_either_pathway_there_is_no_effect_whatever_the_dose(way: str) -> None:
    blocked = pathways(RAT.replace({f"{EXPOSURE}.{way}.blocked": 1.0}))
    assert not blocked.function(np.full(28, 100.0), 90).any()


@pytest.mark.parametrize("variant", ["rat_cyclopamine", "rat_pi3k_blockade"])
def test_a_blocked_rat_scores_as_one_on_saline(variant: str) -> None:
    """The same random numbers with the largest dose and with none."""
    scenario = load(variant)
    trial = simulate_batch(scenario, Streams(3, range(8)))
    none = {f"design.arms.{arm}.dose_ml_per_kg": 0.0 for arm in scenario.design.arms}
    without = simulate_batch(scenario.replace(none), Streams(3, range(8)))
    (name,) = scenario.outcomes
    np.testing.assert_array_equal(trial.underlying[name], without.underlying[name])


def test_the_effect_begins_slowly_and_outlasts_the_doses() -> None:
    """A tenth in the first week, more than four fifths of day 90's by week 3, and none is lost."""
    function = pathways().function(np.full(10, 7.5), 90)
    assert function[7] < 0.25 * function[90]
    assert function[21] > 0.75 * function[90]
    assert (np.diff(function) >= 0).all()


def test_the_window_closes_between_two_and_three_days(received: Any) -> None:
    """As in rats: benefit if begun within 48 hours, none at 72."""
    model = pathways()
    begun = received(np.full((1, 1, 10), 7.5))
    shares = []
    for hours in (4.0, 24.0, 48.0, 72.0):
        begun.start_hours = np.array([[hours]])
        shares.append(model.share(begun, 28).item())
    assert shares[0] == pytest.approx(1.0, abs=1e-12)
    assert shares[2] > 0.95
    assert shares[3] < 0.02


def test_the_dose_response_goes_through_the_published_differences() -> None:
    """Zhang et al. 2016: the 95% interval of the difference from placebo; negative is better."""
    published = {0.8: (-6.0, 18.4), 2.5: (-41.6, -16.2), 5.0: (-45.0, -21.7), 7.5: (-48.2, -24.4)}
    model, largest = pathways(), RAT.outcomes["neurological_score"].effect.value
    reference = model.function(np.full(10, 7.5), 28)[-1]
    for dose, (low, high) in published.items():
        share = model.function(np.full(10, dose), 28)[-1] / reference
        assert low < -largest * share < high


def test_a_reference_course_without_effect_is_refused() -> None:
    with pytest.raises(InputError, match="reference: must have an effect"):
        RAT.replace({f"{EXPOSURE}.reference.start_hours": 1e6})
