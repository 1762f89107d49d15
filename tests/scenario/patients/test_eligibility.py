"""Rules are data: who meets them is found without evaluating code."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.distributions import Bernoulli, Categorical, Uniform
from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.patients.eligibility import Eligibility, Rule
from trialsim.scenario.patients.population import Covariate

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
@given(bound=st.floats(0, 99))
def test_below_and_at_least_split_everybody(bound: float) -> None:
    below, above = met(covariate="age", less_than=bound), met(covariate="age", at_least=bound)
    assert [one != other for one, other in zip(below, above, strict=True)] == [True] * 5


def test_the_included_must_meet_what_the_excluded_must_not() -> None:
    rule = Rule(label="Old", covariate="age", at_least=60)
    include = Eligibility(inclusion={"old": rule}).failed(COVARIATES, VALUES)["old"]
    exclude = Eligibility(exclusion={"old": rule}).failed(COVARIATES, VALUES)["old"]
    np.testing.assert_array_equal(include, ~exclude)


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
