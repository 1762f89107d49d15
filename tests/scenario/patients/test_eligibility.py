"""Rules are data: who meets them is found without evaluating code."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.distributions import Bernoulli, Categorical, Uniform
from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.patients.eligibility import Rule
from trialsim.scenario.patients.population import Covariate
from trialsim.streams import WORDS, are_within

COVARIATES = {
    "age": Covariate(label="Age", margin=Uniform(distribution="uniform", low=0, high=99)),
    "limit": Covariate(label="Limit", margin=Uniform(distribution="uniform", low=0, high=99)),
    "sex": Covariate(
        label="Sex", margin=Categorical(distribution="categorical", levels={"f": 0.5, "m": 0.5})
    ),
    "coma": Covariate(label="Coma", margin=Bernoulli(distribution="bernoulli", probability=0.1)),
}
VALUES = {
    "age": np.array([44.0, 45.0, 60.0, 85.0, 86.0]),
    "limit": np.array([50.0, 45.0, 50.0, 90.0, 10.0]),
    "sex": np.array([0.0, 1.0, 0.0, 1.0, 0.0]),
    "coma": np.array([0.0, 0.0, 1.0, 0.0, 1.0]),
}


def met(**condition: object) -> list[bool]:
    rule = Rule.model_validate({"label": "A rule", **condition})
    return [bool(one) for one in rule.holds(COVARIATES, VALUES)]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"covariate": "age", "at_least": 45}, [False, True, True, True, True]),
        ({"covariate": "age", "more_than": 45}, [False, False, True, True, True]),
        ({"covariate": "age", "at_most": 85}, [True, True, True, True, False]),
        ({"covariate": "age", "less_than": 85}, [True, True, True, False, False]),
        ({"covariate": "age", "at_least": 45, "at_most": 85}, [False, True, True, True, False]),
        ({"covariate": "age", "at_most": "limit"}, [True, True, False, True, False]),
        ({"covariate": "age", "equals": 60}, [False, False, True, False, False]),
        ({"covariate": "age", "one_of": [44, 86]}, [True, False, False, False, True]),
        ({"covariate": "sex", "equals": "m"}, [False, True, False, True, False]),
        ({"covariate": "sex", "one_of": ["f", "m"]}, [True] * 5),
        ({"covariate": "coma", "equals": True}, [False, False, True, False, True]),
        ({"covariate": "coma", "equals": False}, [True, True, False, True, False]),
    ],
)
def test_a_condition_holds_for_whom_it_says(
    condition: dict[str, object], expected: list[bool]
) -> None:
    assert met(**condition) == expected


@settings(derandomize=True, max_examples=50)
@given(bound=st.just(0.0) | st.floats(1e-9, 99))
def test_below_and_at_least_split_everybody(bound: float) -> None:
    below, above = met(covariate="age", less_than=bound), met(covariate="age", at_least=bound)
    assert [one != other for one, other in zip(below, above, strict=True)] == [True] * 5


RULES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"at_least": 45, "at_most": 85}, {"distribution": "normal", "mean": 63, "sd": 14}),
    ({"more_than": 3}, {"distribution": "lognormal", "median": 10, "log_sd": 1.2}),
    ({"less_than": 0.25}, {"distribution": "beta", "mean": 0.3, "sd": 0.2}),
    (
        {"more_than": 9, "less_than": 9.001},
        {"distribution": "gamma", "mean": 9, "coefficient_of_variation": 0.5},
    ),
    ({"at_least": 5, "at_most": 5}, {"distribution": "constant", "value": 5}),
    ({"equals": 4}, {"distribution": "uniform", "low": 1, "high": 9}),
    ({"one_of": [0, 5]}, {"distribution": "discrete", "values": {0: 0.4, 3: 0.1, 5: 0.5}}),
    ({"equals": True}, {"distribution": "bernoulli", "probability": 0.3}),
    ({"equals": False}, {"distribution": "bernoulli", "probability": 1}),
    (
        {"one_of": ["b", "c"]},
        {"distribution": "categorical", "levels": {"a": 0.2, "b": 0.0, "c": 0.8}},
    ),
]


@pytest.mark.parametrize(("condition", "margin"), RULES)
def test_a_rule_on_words_judges_as_the_rule_on_values(
    condition: dict[str, Any], margin: dict[str, Any]
) -> None:
    """At 20,000 words, and at the edges of every run and their neighbours."""
    flat = {"label": "A covariate", "margin": margin}
    covariates = {"it": Covariate.model_validate(flat)}
    rule = Rule.model_validate({"label": "A rule", "covariate": "it", **condition})
    runs = rule.words(covariates)
    edges = [edge + by for run in runs for edge in run for by in (-1, 0, 1)]
    words = np.unique([*range(0, WORDS, WORDS // 20_000), *np.clip(edges, 0, WORDS - 1)])
    words = words.astype(np.uint32)
    met = rule.holds(covariates, {"it": covariates["it"].quantiles.at(words)})
    assert (are_within(words, runs) == met).all()


def test_rules_are_judged_in_the_order_of_the_file_inclusion_first() -> None:
    rules = list(load("cars1").eligibility.rules)
    assert rules[:3] == ["age", "mechanism", "territory"]
    assert rules[3] == "haemorrhage"
    assert rules[-1] == "recent_myocardial_infarction"


def test_a_name_is_an_inclusion_or_an_exclusion() -> None:
    rule = {"label": "A rule", "covariate": "nihss", "at_most": 30}
    with pytest.raises(InputError, match=r"exclusion\.age: must not be an inclusion too"):
        load("cars1").replace({"eligibility.exclusion": {"age": rule}})


def test_there_are_at_most_as_many_rules_as_bits() -> None:
    rule = {"label": "A rule", "covariate": "nihss", "at_most": 30}
    study = load("cars1").replace({"eligibility.exclusion": {}, "eligibility.inclusion": {}})
    most = {f"rule_{number}": rule for number in range(62)}
    assert len(study.replace({"eligibility.inclusion": most}).eligibility.rules) == 62
    with pytest.raises(InputError, match=r"eligibility: must have at most 62 rules \(got 63\)"):
        study.replace({"eligibility.inclusion": {**most, "one_more": rule}})
