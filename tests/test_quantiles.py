"""What is drawn at words is the exact quantile, and what is discrete is exact to the word."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import special

from trialsim.arrays import Words
from trialsim.distributions import Distribution
from trialsim.quantiles import Smooth, Steps, normal_scores, quantiles
from trialsim.streams import WORDS, numbers

WORDS_EVERYWHERE: Words = np.linspace(0, WORDS - 1, 100_003).astype(np.uint32)
SCORES = np.linspace(-6, 6, 4_001)

SMOOTH: list[tuple[str, dict[str, Any]]] = [
    ("uniform", {"low": -2, "high": 5}),
    ("normal", {"mean": 63.9, "sd": 11.9}),
    ("normal", {"mean": 63.9, "sd": 11.9, "low": 40, "high": 90}),
    ("lognormal", {"median": 10, "log_sd": 1.0}),
    ("exponential", {"mean": 15}),
    ("gamma", {"mean": 3.6, "coefficient_of_variation": 0.97}),
    ("beta", {"mean": 10.4, "sd": 16.2, "low": 0, "high": 57}),
    ("logit_normal", {"median": 0.01, "logit_sd": 1.2}),
]
STEPS: list[tuple[str, dict[str, Any]]] = [
    ("constant", {"value": 2.5}),
    ("bernoulli", {"probability": 0.05}),
    ("bernoulli", {"probability": 0}),
    ("bernoulli", {"probability": 1}),
    ("categorical", {"levels": {"a": 0.0, "b": 0.3, "c": 0.7}}),
    ("discrete", {"values": {0: 0.7, 1: 0.2, 5: 0.1}}),
]


def described(distribution: str, **parameters: Any) -> Any:
    """Build a distribution as a scenario file describes it."""
    adapter: TypeAdapter[Any] = TypeAdapter(Distribution)
    return adapter.validate_python({"distribution": distribution, **parameters})


@pytest.mark.parametrize(("name", "parameters"), SMOOTH)
def test_values_at_words_are_the_exact_quantiles(name: str, parameters: dict[str, Any]) -> None:
    distribution = described(name, **parameters)
    exact = distribution.at(numbers(WORDS_EVERYWHERE))
    found = quantiles(distribution).at(WORDS_EVERYWHERE)
    np.testing.assert_allclose(found, exact, rtol=1e-8, atol=1e-7 * exact.std())


@pytest.mark.parametrize(("name", "parameters"), [*SMOOTH, *STEPS])
def test_values_at_scores_are_those_of_the_shares_below_them(
    name: str, parameters: dict[str, Any]
) -> None:
    distribution = described(name, **parameters)
    exact = distribution.at(special.ndtr(SCORES))
    found = quantiles(distribution).at_score(SCORES)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-6 * exact.std())


@pytest.mark.parametrize(("name", "parameters"), STEPS)
def test_discrete_values_are_exact(name: str, parameters: dict[str, Any]) -> None:
    distribution = described(name, **parameters)
    exact = distribution.at(numbers(WORDS_EVERYWHERE))
    assert (quantiles(distribution).at(WORDS_EVERYWHERE) == exact).all()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("uniform", {"low": -3, "high": 8}),
        ("normal", {"mean": 63, "sd": 14, "low": 18, "high": 100}),
        ("beta", {"mean": 10.4, "sd": 16.2, "low": 0, "high": 57}),
    ],
)
def test_whole_numbers_are_the_quantiles_rounded(name: str, parameters: dict[str, Any]) -> None:
    distribution = described(name, **parameters)
    exact = distribution.at(numbers(WORDS_EVERYWHERE))
    clear = np.abs(exact % 1 - 0.5) > 1e-9
    found = quantiles(distribution, whole=True).at(WORDS_EVERYWHERE)
    assert (found[clear] == np.rint(exact)[clear]).all()


def test_every_word_has_one_value_and_its_runs_hold_it() -> None:
    """The runs of each value cover all words once, next to one another."""
    steps = quantiles(described("discrete", values={0: 0.7, 1: 0.0, 5: 0.1, 9: 0.2}))
    assert isinstance(steps, Steps)
    alone = [partial(np.equal, value) for value in (0, 1, 5, 9)]
    runs = [run for is_value in alone for run in steps.runs(is_value)]
    assert runs[0][0] == 0
    assert runs[-1][1] == WORDS
    assert [after for _, after in runs[:-1]] == [first for first, _ in runs[1:]]
    for first, after in runs:
        ends = np.array([first, after - 1], np.uint32)
        assert len(set(steps.at(ends).tolist())) == 1


def test_the_first_word_that_meets_a_bound_is_found() -> None:
    smooth = quantiles(described("normal", mean=155, sd=24))
    assert isinstance(smooth, Smooth)
    first = smooth.first(lambda values: values > 220)
    assert smooth.at(np.array([first - 1, first], np.uint32)).tolist() == pytest.approx([220, 220])
    assert abs(first / WORDS - special.ndtr((220 - 155) / 24)) < 1e-9
    assert smooth.first(lambda values: values > 1e9) == WORDS
    assert smooth.first(lambda values: values > -1e9) == 0


def test_normal_scores_are_scipys() -> None:
    exact = special.ndtri(numbers(WORDS_EVERYWHERE))
    np.testing.assert_allclose(normal_scores(WORDS_EVERYWHERE), exact, atol=2e-10)
