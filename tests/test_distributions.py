"""Every distribution is the inverse distribution function of its number, as SciPy has it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from trialsim.arrays import Floats
from trialsim.distributions import Beta, Distribution, Normal, Uniform, support, whole_cuts

U = (np.arange(4000) + 0.5) / 4000
EXTREMES = np.array([2.0**-53, 1e-12, 1e-6, 1 - 1e-6, 1 - 1e-12, 1 - 2.0**-53])
EVERYWHERE = np.sort(np.concatenate([U, EXTREMES]))


def described(distribution: str, **parameters: Any) -> Any:
    """Build a distribution as a scenario file describes it."""
    adapter: TypeAdapter[Any] = TypeAdapter(Distribution)
    return adapter.validate_python({"distribution": distribution, **parameters})


CONTINUOUS: list[tuple[str, dict[str, float], Any]] = [
    ("uniform", {"low": -2, "high": 5}, stats.uniform(-2, 7)),
    ("normal", {"mean": 63.9, "sd": 11.9}, stats.norm(63.9, 11.9)),
    ("lognormal", {"median": 10, "log_sd": 1.0}, stats.lognorm(1.0, scale=10)),
    ("exponential", {"mean": 15}, stats.expon(scale=15)),
    (
        "gamma",
        {"mean": 3.6, "coefficient_of_variation": 0.97},
        stats.gamma(0.97**-2, scale=3.6 * 0.97**2),
    ),
    (
        "gamma",
        {"mean": 3.6, "coefficient_of_variation": 0.01},
        stats.gamma(1e4, scale=3.6e-4),
    ),
    ("beta", {"mean": 0.25, "sd": 0.125}, stats.beta(2.75, 8.25)),
    ("beta", {"mean": 5, "sd": 10 / 12**0.5, "low": 0, "high": 10}, stats.uniform(0, 10)),
]
"""Name and parameters of a distribution, and the same one by SciPy."""


@pytest.mark.parametrize(("name", "parameters", "oracle"), CONTINUOUS)
def test_values_are_scipys_quantiles(name: str, parameters: dict[str, float], oracle: Any) -> None:
    values = described(name, **parameters).at(EVERYWHERE)
    np.testing.assert_allclose(values, oracle.ppf(EVERYWHERE), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("low", "high"),
    [(-1.0, 2.0), (0.5, None), (None, -0.5), (2.0, 3.0), (-3.0, -2.0), (9.0, 10.0), (6.0, None)],
)
def test_a_truncated_normal_is_scipys_and_stays_within_its_bounds(
    low: float | None, high: float | None
) -> None:
    """Far in the upper tail too, where shares counted from below have lost their digits."""
    values = described(
        "normal",
        mean=10,
        sd=2,
        low=None if low is None else 10 + 2 * low,
        high=None if high is None else 10 + 2 * high,
    ).at(EVERYWHERE)
    least, most = -np.inf if low is None else low, np.inf if high is None else high
    oracle = stats.truncnorm(least, most, 10, 2).ppf(EVERYWHERE)
    np.testing.assert_allclose(values, oracle, rtol=1e-9)
    assert values.min() >= 10 + 2 * least
    assert values.max() <= 10 + 2 * most


def test_a_beta_near_its_bounds_is_scipys() -> None:
    """The baseline of CARS-1: most of its mass lies near the floor."""
    beta = Beta(distribution="beta", mean=10.3, sd=16.2, low=0, high=57)
    mean, variance = 10.3 / 57, (16.2 / 57) ** 2
    size = mean * (1 - mean) / variance - 1
    oracle = stats.beta(mean * size, (1 - mean) * size, scale=57).ppf(U)
    np.testing.assert_allclose(beta.at(U), oracle, rtol=1e-9, atol=1e-12)


def test_a_logit_normal_is_the_logistic_of_a_normal() -> None:
    values = described("logit_normal", median=0.01, logit_sd=1.2).at(U)
    oracle = 1 / (1 + np.exp(-stats.norm(np.log(0.01 / 0.99), 1.2).ppf(U)))
    np.testing.assert_allclose(values, oracle, rtol=1e-12)


def test_a_constant_is_its_value() -> None:
    assert (described("constant", value=2.5).at(EVERYWHERE) == 2.5).all()


def test_discrete_values_are_scipys_quantiles() -> None:
    shares = {0: 0.125, 1: 0.5, 4: 0.0, 5: 0.25, 9: 0.125}
    oracle = stats.rv_discrete(values=(list(shares), list(shares.values())))
    assert (described("discrete", values=shares).at(EVERYWHERE) == oracle.ppf(EVERYWHERE)).all()


def test_categories_take_their_shares_in_the_order_written() -> None:
    levels = {"never": 0.0, "b": 0.25, "a": 0.5, "c": 0.25}
    values = described("categorical", levels=levels).at(U)
    assert np.bincount(values.astype(int), minlength=4).tolist() == [0, 1000, 2000, 1000]
    assert (np.diff(values) >= 0).all()


@pytest.mark.parametrize("probability", [0.0, 0.25, 1.0])
def test_a_flag_is_raised_with_its_probability_and_by_low_numbers(probability: float) -> None:
    raised = described("bernoulli", probability=probability).at(U)
    assert raised.mean() == probability
    assert (np.diff(raised) <= 0).all()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        *[(name, parameters) for name, parameters, _ in CONTINUOUS],
        ("normal", {"mean": 0, "sd": 1, "low": 5, "high": 6}),
        ("logit_normal", {"median": 0.3, "logit_sd": 2}),
        ("discrete", {"values": {0: 0.4, 3: 0.6}}),
    ],
)
def test_values_rise_with_their_number(name: str, parameters: dict[str, Any]) -> None:
    assert (np.diff(described(name, **parameters).at(EVERYWHERE)) >= 0).all()


@pytest.mark.parametrize(
    ("name", "parameters", "changed"),
    [
        ("uniform", {"low": 0, "high": 1}, "high"),
        ("normal", {"mean": 10, "sd": 2}, "mean"),
        ("normal", {"mean": 10, "sd": 2, "low": 3, "high": 14}, "sd"),
        ("normal", {"mean": 10, "sd": 2, "low": 9.9999, "high": 14}, "low"),
        ("lognormal", {"median": 10, "log_sd": 1}, "log_sd"),
        ("exponential", {"mean": 10}, "mean"),
        ("gamma", {"mean": 3, "coefficient_of_variation": 1}, "coefficient_of_variation"),
        ("beta", {"mean": 0.3, "sd": 0.2}, "sd"),
        ("logit_normal", {"median": 0.2, "logit_sd": 1}, "median"),
    ],
)
def test_a_small_change_of_a_parameter_moves_every_value_a_little(
    name: str, parameters: dict[str, float], changed: str
) -> None:
    """A ten-thousandth more moves no value by a hundredth of the SD: the pairing stays."""
    values = described(name, **parameters).at(U)
    moved = described(name, **{**parameters, changed: parameters[changed] * 1.0001}).at(U)
    assert 0 < np.abs(moved - values).max() < 0.01 * values.std()


@pytest.mark.parametrize(
    "margin",
    [
        Uniform(distribution="uniform", low=-3, high=8),
        Normal(distribution="normal", mean=63.9, sd=11.9, low=18, high=100),
        Normal(distribution="normal", mean=10, sd=1, low=0, high=57),
        Normal(distribution="normal", mean=-30, sd=5, low=0, high=12),
        Beta(distribution="beta", mean=10.3, sd=16.2, low=0, high=57),
        Beta(distribution="beta", mean=0.5, sd=0.3, low=0, high=1),
    ],
)
def test_whole_numbers_are_the_continuous_quantiles_rounded(
    margin: Uniform | Normal | Beta,
) -> None:
    """Between the cuts on both sides of a number lies its continuous quantile, rounded."""
    u = (np.arange(100_000) + 0.5) / 100_000
    continuous = margin.at(u)
    clear = np.abs(continuous % 1 - 0.5) > 1e-9
    assert clear.mean() > 0.9999
    values, cuts = whole_cuts(margin)
    found = values[np.searchsorted(cuts, u)]
    assert (found[clear] == np.rint(continuous)[clear]).all()
    assert (values[0], values[-1]) == (margin.low, margin.high)


WRONG = [
    ("uniform", {"low": 2, "high": 2}, "low must be below high"),
    ("uniform", {"low": 0, "high": np.inf}, "finite number"),
    ("normal", {"mean": 0, "sd": 0}, "greater than 0"),
    ("normal", {"mean": 0, "sd": 1, "low": 3, "high": 1}, "low must be below high"),
    ("normal", {"mean": 0, "sd": 1, "low": 31, "high": 32}, "30 sd from the mean"),
    ("normal", {"mean": 0, "sd": 1, "high": -31}, "30 sd from the mean"),
    ("normal", {"mean": np.nan, "sd": 1}, "finite number"),
    ("lognormal", {"median": 0, "log_sd": 1}, "greater than 0"),
    ("exponential", {"mean": -1}, "greater than 0"),
    ("gamma", {"mean": 1, "coefficient_of_variation": 0}, "greater than or equal to 0.000001"),
    ("beta", {"mean": 57, "sd": 1, "low": 0, "high": 57}, "between low and high"),
    ("beta", {"mean": 0.5, "sd": 0.5}, "two-point distribution"),
    ("logit_normal", {"median": 1, "logit_sd": 1}, "median must lie between low and high"),
    ("bernoulli", {"probability": 1.1}, "less than or equal to 1"),
    ("categorical", {"levels": {"a": 0.5, "b": 0.4}}, "must add to 1 "),
    ("categorical", {"levels": {}}, "at least 1 item"),
    ("discrete", {"values": {0: 0.5, 1: 0.6}}, "must add to 1 "),
    ("discrete", {"values": {1: 0.5, 0: 0.5}}, "increasing order"),
    ("normal", {"mean": 0, "sd": 1, "variance": 1}, "Extra inputs"),
    ("poisson", {"mean": 1}, "does not match any of the expected tags"),
]


@pytest.mark.parametrize(("name", "parameters", "rule"), WRONG)
def test_what_cannot_be_a_distribution_is_refused(
    name: str, parameters: dict[str, Any], rule: str
) -> None:
    with pytest.raises(ValidationError, match=rule):
        described(name, **parameters)


@pytest.mark.parametrize(
    "margin",
    [
        Normal(distribution="normal", mean=0, sd=1),
        Normal(distribution="normal", mean=0, sd=1, low=0.5, high=3),
    ],
)
def test_whole_numbers_need_whole_bounds(margin: Normal) -> None:
    with pytest.raises(ValueError, match="need a whole low and a whole high"):
        whole_cuts(margin)


@pytest.mark.parametrize(
    "change", [lambda normal: setattr(normal, "mean", 2), lambda normal: delattr(normal, "mean")]
)
def test_a_distribution_cannot_be_changed(change: Callable[[Normal], None]) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        change(Normal(distribution="normal", mean=0, sd=1))


def test_the_score_of_a_number_gives_the_value_of_the_number() -> None:
    """At a standard normal score, a normal and a lognormal have the quantile of its share."""
    scores: Floats = stats.norm.ppf(U)
    for margin in (
        described("normal", mean=3, sd=2),
        described("normal", mean=3, sd=2, low=1, high=4),
        described("lognormal", median=3, log_sd=2),
    ):
        np.testing.assert_allclose(margin.at_score(scores), margin.at(U), rtol=1e-12)


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
    distribution = described(**content)
    values = distribution.at(EXTREMES)
    assert support(distribution) == bounds
    assert (values >= bounds[0]).all()
    assert (values <= bounds[1]).all()
