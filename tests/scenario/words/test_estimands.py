"""Estimands in words: the five attributes, and warnings of analyses that cannot be for theirs."""

import trialsim as ts
from trialsim.scenario.plan.estimands import Estimand
from trialsim.scenario.programme import single_trial
from trialsim.scenario.words.description import as_text, describe
from trialsim.scenario.words.estimands import (
    attributes_in_words,
    meant_by_analyses,
    misaligned,
    target_of,
)

CARS1 = single_trial(ts.load("cars1"))
NAMED = CARS1.replace(
    {
        "estimands": {
            "as_planned": {"intercurrent": {"discontinuation": "hypothetical"}},
            "strict": {"intercurrent": {"discontinuation": "composite"}},
        },
        "analysis.estimand": "strict",
    }
)


def test_the_five_attributes_are_said() -> None:
    stratum = Estimand(intercurrent={"discontinuation": "principal_stratum"})
    told = attributes_in_words(CARS1, CARS1.analysis, stratum)
    assert list(told) == ["treatment", "population", "variable", "intercurrent_events", "summary"]
    assert told["population"].endswith("would have no discontinuation in either arm")
    assert "discontinuation: the principal stratum" in told["intercurrent_events"]
    assert "below every score after death" in told["variable"]


def test_an_event_that_never_happens_is_said_to() -> None:
    nobody = CARS1.replace({"operations.discontinuation.probability": 0.0})
    named = Estimand(intercurrent={"discontinuation": "composite"})
    told = attributes_in_words(nobody, nobody.analysis, named)["intercurrent_events"]
    assert "discontinuation: the composite strategy, which never happens here" in told
    assert "rescue" not in told


def test_show_prints_every_estimand_and_whose_it_is() -> None:
    text = as_text(describe(NAMED))
    assert "Strict: that of the primary analysis." in text
    assert "Strict: that of global status." in text
    assert "As planned: that of no analysis." in text
    assert "Treatment policy: that of the primary analysis" in as_text(describe(CARS1))


def test_every_analysis_has_its_own_five_attributes_and_those_alike_stand_once() -> None:
    further = {
        "again": {"alpha": 0.01},
        "mean": {"test": "welch", "death": "as_missing"},
        "men": {"subgroup": {"label": "Men", "covariate": "sex", "equals": "male"}},
        "early": {"visit": "day_42", "estimand": "as_planned"},
    }
    study = NAMED.replace({"analysis.secondary": further})
    found = {one.analyses: one for one in meant_by_analyses(study)}
    assert list(found) == [("primary", "again"), ("mean",), ("men",), ("early",)]
    attributes = [one.attributes for one in found.values()]
    assert [list(one) for one in attributes] == [
        ["treatment", "population", "variable", "intercurrent_events", "summary"]
    ] * 4
    assert attributes[1]["summary"] == "mean difference; 0 where the arms do not differ"
    assert attributes[2]["population"] == "all who can be randomised, of the subgroup Men"
    assert "score at day 42" in attributes[3]["variable"]
    text = as_text(describe(study))
    assert text.count("- summary: ") == text.count("- treatment: ") == 4
    nobody = meant_by_analyses(NAMED)[-1]
    assert (nobody.estimand, nobody.analyses) == ("as_planned", ())


def test_an_analysis_that_cannot_be_for_its_estimand_gets_a_warning_with_the_reason() -> None:
    first, second = misaligned(NAMED)
    assert first.startswith("cars1: analysis: cannot be for the estimand strict, which has the")
    assert "for discontinuation: scores after discontinuation count" in first
    assert "analysis.secondary.global_status" in second
    aligned = NAMED.replace({"analysis.intercurrent": {"discontinuation": "composite"}})
    assert misaligned(aligned) == ()


def test_an_analysis_that_names_none_is_for_the_estimand_that_has_the_name_of_the_default() -> None:
    """Beside the values of an estimand stand its attributes, not those of another of its name."""
    undisturbed = {"discontinuation": "hypothetical", "death": "hypothetical"}
    study = CARS1.replace({"estimands": {"treatment_policy": {"intercurrent": undisturbed}}})
    (meant, *_) = meant_by_analyses(study)
    assert meant.analyses == ("primary",)
    assert "death: the hypothetical strategy" in meant.attributes["intercurrent_events"]
    stops, dies = misaligned(study)[:2]
    assert "has the hypothetical strategy for discontinuation: scores after" in stops
    assert "has the hypothetical strategy for death: a death counts as the worst" in dies
    assert target_of(study).others[0].startswith("it is for treatment_policy, with the hypoth")


def test_a_run_says_that_its_true_effect_is_not_that_of_another_estimand() -> None:
    assert target_of(CARS1).is_target
    found = target_of(NAMED)
    assert found.others == ("it is for strict, with the composite strategy for discontinuation",)
    assert "composite" in found.to_dict()["attributes"]["intercurrent_events"]  # type: ignore[index]


def test_imputation_by_reference_is_for_the_treatment_policy_under_an_assumption() -> None:
    imputed = {"analysis.missing": "multiple_imputation"}
    reference = {**imputed, "analysis.imputation": {"model": "jump_to_reference"}}
    assert target_of(CARS1.replace(reference)).is_target


def test_imputation_at_random_is_for_another_effect_only_if_scores_after_stopping_are() -> None:
    """Scores that were never seen are missing data; those after an event are the estimand's."""
    imputed = {"analysis.missing": "multiple_imputation"}
    assert target_of(CARS1.replace(imputed)).is_target
    gone = {**imputed, "analysis.intercurrent": {"discontinuation": "hypothetical"}}
    assert not target_of(CARS1.replace(gone)).is_target
    meant = {
        "estimands": {"policy": {"intercurrent": {"discontinuation": "treatment_policy"}}},
        "analysis.estimand": "policy",
        "analysis.secondary": {},
    }
    assert misaligned(CARS1.replace(imputed | meant)) == ()
    (told,) = misaligned(CARS1.replace(gone | meant))
    assert "scores after discontinuation do not count" in told


def test_each_kind_of_event_is_warned_of_by_itself_and_only_where_it_can_happen() -> None:
    often = {"probability": 0.2}
    kinds = ("drug_related_discontinuation", "rescue", "switching")
    study = CARS1.replace(
        {
            **{f"operations.{kind}": often for kind in kinds[:2]},
            "operations.switching": {**often, "to": "placebo"},
            "estimands": {"strict": {"intercurrent": dict.fromkeys(kinds, "composite")}},
            "analysis.estimand": "strict",
            "analysis.secondary": {},
        }
    )
    assert len(misaligned(study)) == 3
    found = study.replace({"analysis.intercurrent": {"rescue": "hypothetical"}})
    for kind, told in zip(kinds, misaligned(found), strict=True):
        assert f"the composite strategy for {kind.replace('_', ' ')}: scores after" in told
    assert "rescue do not count" in misaligned(found)[1]
    whole = study.replace({"analysis.intercurrent": dict.fromkeys(kinds, "composite")})
    assert misaligned(whole) == ()
    seldom = study.replace({"operations.rescue.probability": 0.0})
    assert not any("rescue" in told for told in misaligned(seldom))


def test_a_rank_for_the_missing_is_no_departure_where_no_score_can_be_missing() -> None:
    ranked = CARS1.replace({"analysis.missing": "worst_rank"})
    assert not target_of(ranked).is_target
    whole = {"operations.withdrawal.probability": 0, "operations.visit_missed_probability": 0}
    assert target_of(ranked.replace(whole)).is_target
