"""How the level is shared is said in words, a line for each family or analysis."""

from typing import Any, get_args

import pytest

from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.multiplicity import NESTED, Adjustment, Family
from trialsim.scenario.words.multiplicity import multiplicity_in_words, success_in_words
from trialsim.scenario.words.plan import plan_in_words

SECONDARY = {
    **{name: {"endpoint": name} for name in ("nihss", "mrs")},
    "walk": {"measure": "score"},
}
PLAN = load("cars1").analysis


def plan(multiplicity: Any, **changes: Any) -> AnalysisPlan:
    content = {**PLAN.model_dump(), "secondary": SECONDARY, "multiplicity": multiplicity, **changes}
    return AnalysisPlan.model_validate(content)


def families(*several: dict[str, Any]) -> dict[str, Any]:
    named = dict(zip(("first", "second"), several, strict=False))
    return {"procedure": "families", "families": named}


def test_every_word_has_a_sentence_of_its_own() -> None:
    told = {multiplicity_in_words(plan(word)) for word in ("none", *get_args(Adjustment))}
    assert len(told) == 6
    assert all(sentence.endswith(".") for sentence in told)


def test_every_procedure_of_a_family_is_said_differently() -> None:
    dose = {"other": {"treated": "other"}}
    known = get_args(Family.model_fields["procedure"].annotation)
    arms = {"fallback", "dunnett", "step_down_dunnett"}
    assert set(known) == {*get_args(Adjustment), *arms, *NESTED}
    told = {
        multiplicity_in_words(
            plan(
                families({"analyses": ["primary", "other"], "procedure": procedure}), secondary=dose
            )
        )
        for procedure in known
        if procedure not in NESTED
    }
    assert len(told) == len(known) - len(NESTED)


def test_families_say_what_they_pass_on() -> None:
    told = multiplicity_in_words(
        plan(
            families(
                {"analyses": ["primary", "nihss"], "procedure": "holm", "truncation": 0.5},
                {"analyses": ["mrs"], "procedure": "holm"},
            )
        )
    )
    assert told.splitlines()[1:] == [
        "first: primary and nihss, by Holm's procedure, truncated at 0.5. Each rejection passes "
        "25% of its level on to the next family, and all is passed on once all have rejected.",
        "second: mrs, by Holm's procedure.",
        "Walk and the other visits are not adjusted.",
    ]


def test_a_graph_says_what_each_analysis_has_and_passes_on() -> None:
    graph = {
        "procedure": "graph",
        "weights": {"primary": 1},
        "transitions": {"primary": {"nihss": 0.5, "mrs": 0.5}, "nihss": {"mrs": 1}},
        "intersections": "simes",
    }
    first, *others = multiplicity_in_words(plan(graph)).splitlines()
    assert "Simes" in first
    assert others == [
        "primary: begins with 100% of the level; once rejected passes 50% to nihss and 50% to mrs.",
        "nihss: begins with nothing; once rejected passes 100% to mrs.",
        "mrs: begins with nothing; passes nothing on.",
        "Walk and the other visits are not adjusted.",
    ]


@pytest.mark.parametrize(
    ("success", "words"),
    [
        ("any", "At least one of nihss, mrs and walk rejects"),
        ("all", "Every one of nihss, mrs and walk rejects"),
        ("mrs", "The mrs analysis, its p-value adjusted, rejects"),
    ],
)
def test_success_is_told_where_it_is_more_than_the_primary_analysis(
    success: str, words: str
) -> None:
    assert success_in_words(plan("holm", success=success)).startswith(words)
    assert plan_in_words(plan("holm", success=success))["success"].startswith(words)
    assert "success" not in plan_in_words(plan("holm"))


def test_a_population_and_its_subgroup_say_their_levels() -> None:
    severe = {"severe": {"subgroup": {"label": "Severe", "covariate": "nihss", "more_than": 9}}}
    both = {"analyses": ["primary", "severe"], "weights": {"primary": 0.8}}
    told = {
        procedure: multiplicity_in_words(
            plan(families({**both, "procedure": procedure, **more}), secondary=severe)
        )
        for procedure, more in (("spiessens_debois", {}), ("song_chi", {"lenient": 0.2}))
    }
    assert (
        "primary at 80% of the level (0.04), or severe at what the correlation" in told[NESTED[0]]
    )
    assert "leaves where primary has a p-value of at most 0.2 on the same side;" in told["song_chi"]
