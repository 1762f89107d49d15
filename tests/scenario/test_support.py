"""No distribution gives a value outside the bounds that it is said to have."""

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from trialsim.distributions import Distribution, support

DISTRIBUTION: TypeAdapter[Distribution] = TypeAdapter(Distribution)
EXTREMES = np.array([2.0**-53, 1e-9, 0.5, 1 - 1e-9, 1 - 2.0**-53])


@pytest.mark.parametrize(
    ("content", "bounds"),
    [
        ({"distribution": "constant", "value": -3}, (-3, -3)),
        ({"distribution": "uniform", "low": -1, "high": 2}, (-1, 2)),
        ({"distribution": "normal", "mean": 0, "sd": 1}, (-np.inf, np.inf)),
        ({"distribution": "normal", "mean": 0, "sd": 1, "low": 0}, (0, np.inf)),
        ({"distribution": "lognormal", "median": 1, "log_sd": 1}, (0, np.inf)),
        ({"distribution": "exponential", "mean": 1}, (0, np.inf)),
        ({"distribution": "gamma", "mean": 1, "coefficient_of_variation": 1}, (0, np.inf)),
        ({"distribution": "beta", "mean": 3, "sd": 1, "low": 1, "high": 7}, (1, 7)),
        ({"distribution": "logit_normal", "median": 0.5, "logit_sd": 1}, (0, 1)),
        ({"distribution": "bernoulli", "probability": 0.5}, (0, 1)),
        ({"distribution": "categorical", "levels": {"a": 0.5, "b": 0.2, "c": 0.3}}, (0, 2)),
        ({"distribution": "discrete", "values": {-2: 0.5, 6: 0.5}}, (-2, 6)),
    ],
    ids=lambda one: one.get("distribution") if isinstance(one, dict) else "",
)
def test_every_value_lies_within_the_support(
    content: dict[str, Any], bounds: tuple[float, float]
) -> None:
    distribution = DISTRIBUTION.validate_python(content)
    values = distribution.at(EXTREMES)
    assert support(distribution) == bounds
    assert (values >= bounds[0]).all()
    assert (values <= bounds[1]).all()
