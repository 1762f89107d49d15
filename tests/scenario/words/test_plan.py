"""Every option of a plan is told, and no two options are told alike."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from trialsim.own.analyses import own_analysis
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.analysis_plan import AnalysisPlan, FurtherAnalysis
from trialsim.scenario.plan.estimands import STRATEGIES
from trialsim.scenario.plan.methods.registry import AnyMethod, name_of
from trialsim.scenario.protocol.intercurrent import TreatmentEvent
from trialsim.scenario.words.description import as_text, describe
from trialsim.scenario.words.plan import plan_in_words

CARS1 = load("cars1")
own_analysis("told_in_words", estimates="log odds ratio", null=0.0)(lambda data: None)  # type: ignore[arg-type, return-value]
METHODS = get_args(AnyMethod)
GIVEN: dict[str, dict[str, Any]] = {
    "permutation": {"statistic": "mann_whitney", "permutations": 999},
    "re_randomisation": {"statistic": "mann_whitney"},
    "adjusted_rank": {"covariates": {"arat": "rank"}},
    "wei_lachin": {"outcomes": ["arat", "nihss"]},
    "obrien": {"outcomes": ["arat", "nihss"]},
    "win_statistic": {"order": [{"death": {"by": "day_90"}}, {"arat": {"difference": 6}}]},
    "responders": {"threshold": 40},
    "weighted_mann_whitney": {"covariates": ["arat"]},
    "weighted_means": {"covariates": ["arat"]},
    "standardised_mann_whitney": {"covariates": ["arat"]},
    "log_rank": {"threshold": 40},
    "restricted_mean": {"threshold": 40},
    "interaction": {
        "subgroup": {"label": "Severe stroke", "covariate": "nihss", "more_than": 12},
        "of": "mann_whitney",
    },
    "mcp_mod": {"candidates": [{"linear": {}}, {"emax": {"ed50": 10}}], "target": 0.6},
    "own": {"analysis": "told_in_words"},
}
"""What the methods that need it are told."""
COMPANIONS: dict[tuple[str, Any], dict[str, Any]] = {
    ("missing", "likelihood"): {"test": "mmrm", "death": "as_missing"},
    ("missing", "censored"): {"test": {"method": "log_rank", "threshold": 40}},
}
for weighting in get_args(AnalysisPlan.model_fields["stratum_weighting"].annotation):
    COMPANIONS["stratum_weighting", weighting] = {"strata": "site"}
AT_A_MARGIN: dict[str, Any] = {"interval": "logit", "alternative": "greater", "secondary": {}}
for name, margin in (("non_inferiority", 0.45), ("superiority_by_margin", 0.55)):
    COMPANIONS["claim", name] = {**AT_A_MARGIN, "margin": margin}
EQUIVALENT = {"margin": 0.45, "upper_margin": 0.55, "alternative": "two-sided"}
COMPANIONS["claim", "equivalence"] = {**AT_A_MARGIN, **EQUIVALENT}
"""What must stand beside an option for it to be of use."""


def plan(**changes: object) -> AnalysisPlan:
    return AnalysisPlan.model_validate({**CARS1.analysis.model_dump(), **changes})


def method_named(name: str, **changes: object) -> dict[str, Any]:
    return {"method": name, **GIVEN.get(name, {}), **changes}


def planned_with(method: dict[str, Any]) -> AnalysisPlan:
    (model,) = (one for one in METHODS if name_of(one) == method["method"])
    missing = {} if model.own_missing is None else {"missing": model.own_missing}
    return plan(test=method, death="as_missing", **missing)


def choices(model: type[BaseModel]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the fields of a model that are a choice among words, with all their values."""
    for name, field in model.model_fields.items():
        if get_origin(field.annotation) is Literal and name != "method":
            yield name, get_args(field.annotation)


@pytest.mark.parametrize(("field", "values"), list(choices(AnalysisPlan)))
def test_every_value_of_a_choice_is_told_in_words_of_its_own(
    field: str, values: tuple[Any, ...]
) -> None:
    told = {
        tuple(plan_in_words(plan(**{field: value}, **COMPANIONS.get((field, value), {}))).values())
        for value in values
    }
    assert len(told) == len(values) > 1


def test_every_method_is_told_in_words_of_its_own() -> None:
    names = [get_args(one.model_fields["method"].annotation)[0] for one in METHODS]
    told = {tuple(plan_in_words(planned_with(method_named(name))).values()) for name in names}
    assert len(told) == len(names) == len(METHODS)


@pytest.mark.parametrize("model", METHODS)
def test_every_choice_of_a_method_is_told_in_words_of_its_own(model: type[BaseModel]) -> None:
    (name,) = get_args(model.model_fields["method"].annotation)
    for field, values in choices(model):
        standardised = (name, field) == ("responders", "variance")
        beside: dict[str, Any] = {"covariates": ["arat"]} if standardised else {}
        told = {
            tuple(
                plan_in_words(planned_with(method_named(name, **{field: value}, **beside))).values()
            )
            for value in values
        }
        assert len(told) == len(values) > 1, (name, field)


@pytest.mark.parametrize(
    ("name", "field", "values"),
    [
        ("permutation", "permutations", (999, 1999)),
        ("re_randomisation", "draws", (999, 1999)),
        ("responders", "threshold", (40, 41)),
        ("adjusted_rank", "covariates", ({"arat": "rank"}, {"arat": "mean"}, {"nihss": "rank"})),
        ("mmrm", "covariates", ([], ["age_years"], ["nihss"])),
        ("weighted_mann_whitney", "covariates", (["arat"], ["nihss"])),
        ("weighted_means", "covariates", (["arat"], ["nihss"])),
        ("standardised_mann_whitney", "covariates", (["arat"], ["nihss"], ["arat", "nihss"])),
        ("wei_lachin", "visits", ([], ["day_42", "day_90"], ["day_21", "day_42", "day_90"])),
        ("wei_lachin", "outcomes", (["arat", "nihss"], ["arat", "barthel"])),
        ("obrien", "outcomes", (["arat", "nihss"], ["arat", "barthel"])),
        (
            "win_statistic",
            "order",
            (
                [{"death": {"by": "day_90"}}, {"arat": {}}],
                [{"death": {"by": "day_42"}}, {"arat": {}}],
                [{"arat": {}}, {"death": {"by": "day_90"}}],
                [{"arat": {"difference": 6}}],
                [{"arat": {"difference": 6, "visit": "day_42"}}],
                [{"mrs": {}}, {"arat": {}}],
            ),
        ),
        ("log_rank", "threshold", (40, 41)),
        ("restricted_mean", "horizon_days", (None, 60, 61)),
        ("interaction", "of", ("mann_whitney", "t_test", "welch", "ancova", "proportional_odds")),
        (
            "mcp_mod",
            "candidates",
            ([{"linear": {}}], [{"emax": {"ed50": 10}}], [{"emax": {"ed50": 20}}]),
        ),
        ("mcp_mod", "target", (None, 0.6, 0.62)),
        ("mcp_mod", "doses", (None, {"high": 30, "low": 10}, {"high": 60, "low": 10})),
        ("own", "parameters", ({}, {"threshold": 40}, {"threshold": 41})),
    ],
)
def test_the_numbers_and_names_of_a_method_are_told(
    name: str, field: str, values: tuple[Any, ...]
) -> None:
    told = {
        tuple(plan_in_words(planned_with(method_named(name, **{field: value}))).values())
        for value in values
    }
    assert len(told) == len(values)


def test_every_other_field_of_the_plan_is_told() -> None:
    changes: dict[str, Any] = {
        "estimand": "main",
        "endpoint": "nihss",
        "visit": "day_42",
        "treated": "third",
        "control": "third",
        "minimum_infusion_share": 0.8,
        "intercurrent": {"rescue": "hypothetical"},
        "subgroup": {"label": "Severe stroke", "covariate": "nihss", "more_than": 12},
        "continuity_correction": True,
        "alpha": 0.0123456,
        "confidence": 0.9,
    }
    plain = tuple(plan_in_words(CARS1.analysis).values())
    for field, value in changes.items():
        assert tuple(plan_in_words(plan(**{field: value})).values()) != plain, field
    alike = {"claim": "equivalence", **COMPANIONS["claim", "equivalence"]}
    for field, value in {"margin": 0.41234, "upper_margin": 0.54321}.items():
        assert f"{value:g}" in plan_in_words(plan(**{**alike, field: value}))["alternative"]
        changes[field] = value
    imputed = {"missing": "multiple_imputation", "imputations": 37}
    assert "37 times" in plan_in_words(plan(**imputed))["missing_data"]
    score = {"method": "ancova", "covariates": ["prognostic_score"]}
    learned = {"learned_from": "cars1_natural", "covariates": ["arat", "nihss"]}
    said = plan_in_words(plan(test=score, death="as_missing", prognostic=learned))["test"]
    assert "squares and products say of the score at day 90" in said
    changes["prognostic"] = learned
    chosen = {name for name, _ in choices(AnalysisPlan)}
    rest = {"test", "imputations", "imputation", "secondary", "multiplicity", "success"}
    assert AnalysisPlan.model_fields.keys() == {*changes, *chosen, *rest}


def test_what_is_done_about_each_kind_of_event_is_told() -> None:
    kinds = get_args(TreatmentEvent)
    ways: list[dict[str, str]] = [{}, {"discontinuation": "composite", "rescue": "composite"}]
    ways += [{kind: one} for kind in kinds for one in STRATEGIES if one != "treatment_policy"]
    told = {plan_in_words(plan(intercurrent=one))["missing_data"] for one in ways}
    assert len(told) == len(ways)
    assert not any("_" in sentence for sentence in told)
    assert plan(intercurrent=dict.fromkeys(kinds, "treatment_policy")).intercurrent
    both = {"discontinuation": "composite", "drug_related_discontinuation": "hypothetical"}
    words = plan_in_words(plan(intercurrent=both))["missing_data"]
    assert "Scores after discontinuation because of the drug are missing" in words
    assert "discontinuation of the infusions for another reason than the drug by" in words


def test_what_is_done_about_deaths_and_other_events_is_told_of_times() -> None:
    told = set()
    events: list[list[str]] = [["withdrawal"], ["death"], ["death", "withdrawal"], ["rescue"]]
    others: list[dict[str, Any]] = [{}, {"death": "as_missing"}]
    others.append({"intercurrent": {"switching": "composite"}})
    times: list[dict[str, Any]] = [{"threshold": 40}, *({"events": one} for one in events)]
    for chosen in times:
        for other in others:
            said = plan_in_words(
                plan(test={"method": "log_rank", **chosen}, missing="censored", **other)
            )
            told.add((said["estimate"], said["missing_data"], said["death"]))
            del said["secondary"]
            for analysed in ("full_analysis_set", "all_randomised"):
                whole = plan(
                    test={"method": "log_rank", **chosen},
                    missing="censored",
                    analysis_set=analysed,
                )
                whom = plan_in_words(whole)["analysis_set"]
                assert ("has such a score at baseline" in whom) is ("threshold" in chosen)
            assert "rank below" not in " ".join(said.values())
    assert len(told) == 5 * 3 - 2  # where a death is an event it has no other rule


def test_what_is_assumed_of_imputed_scores_is_told() -> None:
    assumptions: list[dict[str, Any]] = [
        {"model": "at_random"},
        *({"model": f"{one}"} for one in ("jump_to_reference", "copy_reference")),
        {"model": "copy_increments"},
        {"model": "copy_increments", "after": "withdrawal"},
        {"model": "copy_increments", "after": "discontinuation"},
        {"delta": -5},
        {"delta": 5},
        {"delta": -5, "delta_arms": "both"},
        {"delta": -5, "delta_scale": "latent"},
        {"predictors": ["baseline", "day_42"]},
        {"predictors": ["day_42"]},
    ]
    told = {
        plan_in_words(plan(missing="multiple_imputation", imputation=one, secondary={}))[
            "missing_data"
        ]
        for one in assumptions
    }
    assert len(told) == len(assumptions)
    assert not any("_" in sentence for sentence in told)


def test_outcomes_are_called_by_their_labels_and_no_name_keeps_its_underscores() -> None:
    words = plan_in_words(CARS1.analysis, CARS1.outcomes)
    assert "a better Action Research Arm Test score at day 90 than" in words["estimate"]
    assert "Nine-hole peg test" in words["secondary"]
    assert not any("_" in sentence for sentence in words.values())


def test_each_secondary_analysis_has_a_line_of_its_own() -> None:
    first, *others = plan_in_words(CARS1.analysis)["secondary"].splitlines()
    assert first.startswith("The primary analysis is repeated")
    assert [line.partition(": ")[0] for line in others] == [
        name.replace("_", " ") for name in CARS1.analysis.secondary
    ]


def test_every_plan_tells_the_same_conventions_in_sentences() -> None:
    names = list(plan_in_words(CARS1.analysis))
    for model in METHODS:
        (name,) = get_args(model.model_fields["method"].annotation)
        words = plan_in_words(planned_with(method_named(name)))
        assert list(words) == names
        assert all(sentence.endswith(".") for sentence in words.values())


def test_a_secondary_analysis_tells_only_what_differs() -> None:
    later = plan(secondary={"responders": {"test": method_named("responders"), "visit": "day_42"}})
    told = plan_in_words(later)["secondary"]
    assert "responders: Risk difference" in told
    assert "day 42" in told
    assert "Two-sided" not in told


def test_a_secondary_analysis_can_say_all_that_the_primary_one_does() -> None:
    own = {"secondary", "multiplicity", "success"}
    assert FurtherAnalysis.model_fields.keys() == AnalysisPlan.model_fields.keys() - own


def test_show_tells_the_options_of_a_method_and_the_secondary_analyses() -> None:
    changes = {
        "analysis.test": {"method": "adjusted_rank", "covariates": {"arat": "rank"}},
        "analysis.secondary": {"early": {"visit": "day_21"}},
    }
    text = " ".join(as_text(describe(CARS1.replace(changes))).split())
    assert "analysis.test.covariates.arat: rank" in text
    assert "analysis.secondary.early.visit: day_21" in text
    assert "early: Mann-Whitney effect: the probability" in text


def test_a_plan_that_uses_no_option_keeps_the_digest_of_one_that_knew_none() -> None:
    plan = CARS1.replace({"analysis.secondary": {}}).analysis
    content = plan.model_dump(mode="json")
    assert "secondary" not in content
    assert content["test"] == "mann_whitney"
    assert AnalysisPlan.model_validate(content) == plan
