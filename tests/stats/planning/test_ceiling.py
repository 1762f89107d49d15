"""What the ends of a scale cost, against simulation and scales that have none."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtr

from trialsim.arrays import Floats
from trialsim.stats.planning.ceiling import ceiling_cost
from trialsim.stats.planning.count_power import count_power
from trialsim.stats.planning.scale_effects import cells_of_censored_normal, shifted_cells


def controls(*means: float) -> Floats:
    return cells_of_censored_normal(np.array(means), 18.0, 0, 57)


def test_the_documented_table_is_true() -> None:
    """Oracle: the numbers in the docstring of the module."""
    cost = ceiling_cost(controls(28.5, 40, 50, 57, 65, 75), 0.4, 205)
    table = {
        "ceiling": [0.06, 0.18, 0.36, 0.51, 0.68, 0.85],
        "shift_power": [0.79, 0.78, 0.74, 0.68, 0.58, 0.40],
        "theta_power": [0.80, 0.80, 0.83, 0.89, 0.98, np.nan],
        "hidden_shift": [0.40, 0.41, 0.45, 0.53, 0.80, np.nan],
    }
    for name, wanted in table.items():
        assert_allclose(getattr(cost, name), wanted, atol=0.0051, err_msg=name)
    assert_allclose(cost.unbounded_theta, 0.611, atol=0.0005)
    assert_allclose(cost.unbounded_power, 0.79, atol=0.005)
    assert_array_equal(cost.hides(), [False, False, True, True, True, True])


def test_powers_are_those_of_simulated_trials() -> None:
    """Oracle: 20,000 trials of each effect by the count path; half a percent for the formula."""
    control = controls(57)[0]
    cost = ceiling_cost(control, 0.4, 205)
    for shift, power in ((0.4, cost.shift_power), (cost.hidden_shift, cost.theta_power)):
        treated = shifted_cells(control, shift)
        found = count_power(treated, control, (103, 102), 20_000, np.random.default_rng(1))
        assert abs(found.power.estimate - power) < 4 * found.power.mcse + 0.005


def test_a_fine_scale_without_ends_costs_nothing() -> None:
    control = cells_of_censored_normal(0.0, 200.0, -2000, 2000)
    cost = ceiling_cost(control, np.array([0.1, 0.4]), 205)
    assert_allclose(cost.theta, ndtr(np.array([0.1, 0.4]) / np.sqrt(2)), atol=1e-6)
    assert_allclose(cost.hidden_shift, [0.1, 0.4], atol=1e-5)
    assert np.all(np.abs(cost.power_lost) < 0.01)
    assert_allclose(cost.theta_power, cost.shift_power, atol=1e-4)
    assert not cost.hides().any()


def test_harm_loses_to_the_floor_what_benefit_loses_to_the_ceiling() -> None:
    control = controls(50)[0]
    benefit, harm = ceiling_cost(control, 0.4, 205), ceiling_cost(control[::-1], -0.4, 205)
    assert_allclose(benefit.power_lost, harm.power_lost)
    assert_array_equal((benefit.ceiling, benefit.floor), (harm.floor, harm.ceiling))


def test_scales_shifts_and_sizes_broadcast() -> None:
    cost = ceiling_cost(controls(40, 57), np.array([[0.2], [0.4], [0.6]]), 205)
    for shift, scale in np.ndindex(3, 2):
        single = ceiling_cost(controls(40, 57)[scale], [0.2, 0.4, 0.6][shift], 205)
        for field, wanted in zip(cost, single, strict=True):
            assert field.shape == (3, 2)
            assert_allclose(field[shift, scale], wanted, atol=1e-9)


def test_a_scale_of_one_cell_loses_everything() -> None:
    cost = ceiling_cost(np.array([0.0, 1.0]), 0.4, 205)
    assert_array_equal((cost.theta, cost.shift_power), (0.5, 0.0))
    assert np.isnan(cost.theta_power)
    assert cost.hides()
