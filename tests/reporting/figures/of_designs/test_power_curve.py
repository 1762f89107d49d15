"""The line through the powers of a curve."""

import numpy as np
from pandas import DataFrame
from scipy.stats import norm

from trialsim.reporting.figures.of_designs.power_curve import fitted


def test_powers_whose_probits_lie_on_a_parabola_are_fitted_by_it() -> None:
    value = np.array([100.0, 150.0, 220.0, 300.0, 400.0, 500.0])

    def truth(at: np.ndarray) -> np.ndarray:
        return np.asarray(norm.cdf(-1.5 + 0.01 * at - 4e-6 * at**2))

    data = DataFrame({"value": value, "power": truth(value), "replicates": 10_000})
    values, powers = fitted(data)
    assert (values[0], values[-1]) == (100.0, 500.0)
    assert np.abs(powers - truth(values)).max() < 1e-9


def test_values_with_many_trials_draw_the_line_to_them() -> None:
    value = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    power = np.array([0.2, 0.35, 0.7, 0.65, 0.8])  # the third off the line of the others
    near, far = (
        fitted(DataFrame({"value": value, "power": power, "replicates": [100, 100, n, 100, 100]}))
        for n in (100_000, 100)
    )
    assert abs(np.interp(3.0, *near) - 0.7) < abs(np.interp(3.0, *far) - 0.7) / 10
