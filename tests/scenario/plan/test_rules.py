"""What does not go together in a plan is refused, by its path, rule and value."""

from typing import Any

import pytest

from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load

WHOLE = load("cars1")
CARS1 = WHOLE.replace(
    {
        "analysis.secondary": {},
        "outcome_correlation": {},
        **{f"outcomes.{name}": None for name in WHOLE.outcomes if name != "arat"},
    }
)
"""With one outcome and one analysis."""
RESPONDERS = {"method": "responders", "threshold": 40}
LATER = {"later": {"visit": "day_42"}}
SEVERE = {
    "severe": {"subgroup": {"label": "Severe", "covariate": "nihss", "more_than": 9}},
}


def in_family(analyses: list[str], procedure: str = "holm", **others: object) -> dict[str, Any]:
    family = {"analyses": analyses, "procedure": procedure, **others}
    return {"procedure": "families", "families": {"all": family}}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "continuity with strata": (
        {"continuity_correction": True, "strata": "site"},
        "analysis.continuity_correction: must be false with strata: van Elteren's test has no "
        "continuity correction (got true)",
    ),
    "continuity with another test": (
        {"continuity_correction": True, "test": "brunner_munzel"},
        "analysis.continuity_correction: must be false with brunner_munzel: only mann_whitney has "
        "a continuity correction (got true)",
    ),
    "strata with a test that knows none": (
        {"strata": "site", "test": "exact_mann_whitney"},
        "analysis.strata: must be none with exact_mann_whitney: only mann_whitney, "
        "adjusted_rank, wei_lachin, win_statistic, responders and log_rank know strata (got site)",
    ),
    "weights without strata": (
        {"stratum_weighting": "pairs"},
        "analysis.stratum_weighting: must be left at van-elteren without strata (got pairs)",
    ),
    "win odds of means": (
        {"effect": "win_odds", "test": "welch", "death": "as_missing"},
        "analysis.effect: must be left at mann_whitney with welch, which estimates something else "
        "(got win_odds)",
    ),
    "a win ratio within strata": (
        {"effect": "win_ratio", "strata": "site"},
        "analysis.effect: cannot be win_ratio, that of two unadjusted, unstratified "
        "samples: use win_odds (got win_ratio)",
    ),
    "the mean of a rank": (
        {"test": "ancova", "missing": "worst_rank", "death": "as_missing"},
        "analysis.missing: cannot be worst_rank with ancova, which needs a number: use locf "
        "(got worst_rank)",
    ),
    "the mean of the dead": (
        {"test": "t_test"},
        "analysis.death: cannot be worst_rank with t_test, which needs a number: use as_missing "
        "(got worst_rank)",
    ),
    "imputation for a test that pools nothing": (
        {"missing": "multiple_imputation", "test": "exact_mann_whitney"},
        "analysis.missing: cannot be multiple_imputation, which is pooled for mann_whitney, "
        "brunner_munzel, adjusted_rank, wei_lachin, obrien, t_test, welch, ancova, responders, "
        "proportional_odds and standardised_mann_whitney alone, without strata and continuity "
        "correction: use locf (got multiple_imputation)",
    ),
    "a profile likelihood of imputed trials": (
        {
            "missing": "multiple_imputation",
            "test": {"method": "proportional_odds", "interval": "profile"},
        },
        "analysis.test.interval: must be wald with multiple_imputation, which pools standard "
        "errors (got profile)",
    ),
    "a model of all visits with a score filled in": (
        {"test": "mmrm", "death": "as_missing"},
        "analysis.missing: must be likelihood with mmrm, which fills in no score (got locf)",
    ),
    "weights beside a score filled in": (
        {"test": {"method": "weighted_mann_whitney", "covariates": ["arat"]}},
        "analysis.missing: must be complete_case with weighted_mann_whitney, which fills in no "
        "score (got locf)",
    ),
    "the likelihood of a test that has none": (
        {"missing": "likelihood"},
        "analysis.missing: cannot be likelihood with mann_whitney: only mmrm models all visits "
        "(got likelihood)",
    ),
    "a time to nothing": (
        {"test": "log_rank", "missing": "censored"},
        "analysis.test.threshold: must be given, the score that is to be reached, such as 45; or "
        "else events",
    ),
    "a time to two kinds of event": (
        {
            "test": {"method": "restricted_mean", "threshold": 45, "events": ["death"]},
            "missing": "censored",
        },
        "analysis.test.events: must be left out where a score is to be reached: a time has one "
        "kind of event",
    ),
    "an event twice": (
        {"test": {"method": "log_rank", "events": ["death", "death"]}, "missing": "censored"},
        "analysis.test.events: must name each event once",
    ),
    "a time with a score filled in": (
        {"test": {"method": "log_rank", "threshold": 45}},
        "analysis.missing: must be censored with log_rank, which fills in no score (got locf)",
    ),
    "censored scores": (
        {"missing": "censored"},
        "analysis.missing: cannot be censored with mann_whitney: only log_rank and "
        "restricted_mean have times that are censored (got censored)",
    ),
    "a score that nobody reaches": (
        {"test": {"method": "log_rank", "threshold": 58}, "missing": "censored"},
        "analysis.test.threshold: must lie between 1 and 57, or all patients or none respond "
        "(got 58)",
    ),
    "a change that all begin with": (
        {
            "test": {"method": "log_rank", "threshold": -3},
            "missing": "censored",
            "measure": "change",
        },
        "analysis.test.threshold: must lie above 0, where all begin (got -3)",
    ),
    "a horizon after the end": (
        {
            "test": {"method": "restricted_mean", "threshold": 45, "horizon_days": 91},
            "missing": "censored",
        },
        "analysis.test.horizon_days: must be at most 90, the day of the last visit (got 91)",
    ),
    "a horizon before anybody is seen to recover": (
        {
            "test": {"method": "restricted_mean", "threshold": 45, "horizon_days": 7},
            "missing": "censored",
        },
        "analysis.test.horizon_days: must be more than 7, the day of the first visit to reach a "
        "score at (got 7)",
    ),
    "imputed times": (
        {"test": {"method": "log_rank", "threshold": 45}, "missing": "multiple_imputation"},
        "analysis.missing: must be censored with log_rank, which fills in no score (got "
        "multiple_imputation)",
    ),
    "a time while on treatment": (
        {
            "test": {"method": "log_rank", "threshold": 45},
            "missing": "censored",
            "intercurrent": {"rescue": "while_on_treatment"},
        },
        "analysis.intercurrent.rescue: cannot be while_on_treatment with log_rank: use "
        "hypothetical or composite (got while_on_treatment)",
    ),
    "an event that did not happen": (
        {
            "test": {"method": "log_rank", "events": ["rescue"]},
            "missing": "censored",
            "intercurrent": {"rescue": "hypothetical"},
        },
        "analysis.intercurrent.rescue: cannot be hypothetical: it is an event whose time is "
        "analysed (got hypothetical)",
    ),
    "weights of strata that are summed": (
        {
            "test": {"method": "log_rank", "threshold": 45},
            "missing": "censored",
            "strata": "site",
            "stratum_weighting": "pairs",
        },
        "analysis.stratum_weighting: must be left at van-elteren with log_rank, which adds strata "
        "up without weights (got pairs)",
    ),
    "an assumption of what is not imputed": (
        {"imputation": {"model": "copy_reference"}},
        "analysis.imputation: must be left out where missing is locf: nothing is imputed",
    ),
    "an event after which nothing is different": (
        {"missing": "multiple_imputation", "imputation": {"after": "withdrawal"}},
        "analysis.imputation.after: must be left at last_score where nothing is other than at "
        "random after it (got withdrawal)",
    ),
    "a delta of nothing": (
        {"missing": "multiple_imputation", "imputation": {"delta_arms": "both"}},
        "analysis.imputation.delta_arms: must be left at treated without a delta (got both)",
    ),
    "a delta on a scale that is not drawn": (
        {
            "missing": "multiple_imputation",
            "imputation": {"delta": -5, "delta_scale": "latent", "scores": "rounded"},
        },
        "analysis.imputation.delta_scale: must be points where scores are rounded as they are "
        "drawn (got latent)",
    ),
    "a score by a later one": (
        {
            "missing": "multiple_imputation",
            "imputation": {"predictors": ["baseline", "day_90"]},
        },
        "analysis.imputation.predictors: must be before day_90, which is analysed (got day_90)",
    ),
    "a score by a visit that is not": (
        {"missing": "multiple_imputation", "imputation": {"predictors": ["day_43"]}},
        "analysis.imputation.predictors: must be a visit that exists; did you mean day_42? "
        "(got day_43)",
    ),
    "permutations that cannot reject": (
        {
            "test": {"method": "permutation", "statistic": "mann_whitney", "permutations": 50},
            "alpha": 0.01,
        },
        "analysis.test.permutations: must be at least 99: with fewer no p-value reaches alpha "
        "(got 50)",
    ),
    "several outcomes of one": (
        {"test": {"method": "wei_lachin", "outcomes": ["arat", "nihss"]}},
        "analysis.test.method: must be a method for one outcome: the scenario has arat alone "
        "(got wei_lachin)",
    ),
    "one outcome at one visit": (
        {"test": {"method": "wei_lachin", "outcomes": ["arat"], "visits": ["day_90"]}},
        "analysis.test.outcomes: must be several, or one at several visits (got arat)",
    ),
    "visits that end elsewhere": (
        {"test": {"method": "wei_lachin", "outcomes": ["arat"], "visits": ["day_21", "day_42"]}},
        "analysis.test.visits: must end with day_90, at which the trial is analysed "
        "(got day_21, day_42)",
    ),
    "visits out of order": (
        {
            "test": {
                "method": "wei_lachin",
                "outcomes": ["arat"],
                "visits": ["day_42", "day_21", "day_90"],
            }
        },
        "analysis.test.visits: must be in the order of the design (got day_42, day_21, day_90)",
    ),
    "a visit that is not one of the outcomes": (
        {"test": {"method": "wei_lachin", "outcomes": ["arat"], "visits": ["day_41", "day_90"]}},
        "analysis.test.visits: must be a visit after baseline that exists; did you mean day_42? "
        "(got day_41)",
    ),
    "one outcome twice": (
        {"test": {"method": "obrien", "outcomes": ["arat", "arat"]}},
        "analysis.test.outcomes: must name each outcome once (got arat)",
    ),
    "a threshold at the floor": (
        {"test": {"method": "responders", "threshold": 0}},
        "analysis.test.threshold: must lie between 1 and 57, or all patients or none respond "
        "(got 0)",
    ),
    "a covariate that is not there": (
        {"test": {"method": "adjusted_rank", "covariates": {"nihs": "rank"}}},
        "analysis.test.covariates.nihs: must be a covariate that exists; did you mean nihss? "
        "(got nihs)",
    ),
    "a covariate of names": (
        {"test": {"method": "adjusted_rank", "covariates": {"sex": "mean"}}},
        "analysis.test.covariates.sex: must be a covariate that is a number, true or false "
        "(got sex)",
    ),
    "a choice that is missing": (
        {"test": "responders"},
        "analysis.test.threshold: must be given: points of the score, or of its change, such as 2; "
        "who has it exactly responds",
    ),
    "a choice of another method": (
        {"test": {"method": "brunner_munzel", "threshold": 3}},
        "analysis.test.threshold: is not known; known here: method, reference",
    ),
    "a secondary analysis of its own visit": (
        {"secondary": {"day_42": {"visit": "day_42"}}},
        "analysis.secondary.day_42: must not bear the name of a visit, whose analysis is so called",
    ),
    "a secondary analysis at no visit": (
        {"secondary": {"early": {"visit": "day_12"}}},
        "analysis.secondary.early.visit: must be a visit that exists; did you mean day_42? "
        "(got day_12)",
    ),
    "a secondary analysis that breaks a rule": (
        {"secondary": {"means": {"test": "welch"}}},
        "analysis.secondary.means.death: cannot be worst_rank with welch, which needs a number: "
        "use as_missing (got worst_rank)",
    ),
    "a family of none": (
        {"multiplicity": "holm"},
        "analysis.multiplicity: must be none without secondary analyses (got holm)",
    ),
    "a family of two levels": (
        {"multiplicity": "holm", "secondary": {"early": {"alpha": 0.01, "visit": "day_21"}}},
        "analysis.secondary.early.alpha: must be that of the primary analysis under a "
        "multiplicity procedure (got 0.01)",
    ),
    "a procedure that nobody knows": (
        {"multiplicity": "holms"},
        "analysis.multiplicity.procedure: must be one of none, bonferroni, holm, hochberg, hommel, "
        "fixed_sequence, families, graph; did you mean holm? (got holms)",
    ),
    "a family without the primary analysis": (
        {"multiplicity": in_family(["later"]), "secondary": {"later": {"visit": "day_42"}}},
        "analysis.multiplicity: must name primary, or its error would not be among those that are "
        "bounded",
    ),
    "a family of an analysis that there is not": (
        {"multiplicity": in_family(["primary", "latter"]), "secondary": LATER},
        "analysis.multiplicity: must be an analysis that exists; did you mean later? (got latter)",
    ),
    "an analysis in two families": (
        {
            "multiplicity": {
                "procedure": "families",
                "families": {
                    "one": {"analyses": ["primary"], "procedure": "holm"},
                    "two": {"analyses": ["primary", "later"], "procedure": "holm"},
                },
            },
            "secondary": LATER,
        },
        "analysis.multiplicity.families.two.analyses: must not be in two families (it is in one "
        "too) (got primary)",
    ),
    "a truncated Hommel procedure": (
        {
            "multiplicity": in_family(["primary", "later"], procedure="hommel", truncation=0.5),
            "secondary": LATER,
        },
        "analysis.multiplicity.families.all.truncation: must be 1 with hommel: only holm and "
        "hochberg are truncated (got 0.5)",
    ),
    "weights of another analysis": (
        {
            "multiplicity": in_family(
                ["primary", "later"], procedure="fallback", weights={"primary": 0.7, "late": 0.3}
            ),
            "secondary": LATER,
        },
        "analysis.multiplicity.families.all.weights: must be those of the analyses of the family "
        "(got late)",
    ),
    "Dunnett's test of one arm at two visits": (
        {"multiplicity": in_family(["primary", "later"], "dunnett"), "secondary": LATER},
        "analysis.multiplicity.families.all.procedure: must be of analyses that differ in treated "
        "alone (they differ in visit)",
    ),
    "two visits as everybody and a subgroup": (
        {
            "multiplicity": in_family(
                ["primary", "later"], "spiessens_debois", weights={"primary": 0.8}
            ),
            "secondary": LATER,
        },
        "analysis.multiplicity.families.all.analyses: must be of everybody first, and then of the "
        "same analysis of a subgroup (they differ in visit) (got primary, later)",
    ),
    "a level for the subgroup": (
        {
            "multiplicity": in_family(
                ["primary", "severe"], "spiessens_debois", weights={"primary": 0.8, "severe": 0.2}
            ),
            "secondary": SEVERE,
        },
        "analysis.multiplicity.families.all.weights: must give the share of the overall population "
        "alone, such as {primary: 0.8}: that of severe follows from the correlation",
    ),
    "a lenient level that is none": (
        {
            "multiplicity": in_family(
                ["primary", "severe"], "song_chi", weights={"primary": 0.8}, lenient=0.05
            ),
            "secondary": SEVERE,
        },
        "analysis.multiplicity.families.all.lenient: must be above alpha, 0.05, or the subgroup is "
        "never tested by itself (got 0.05)",
    ),
    "a subgroup by a test without a known law": (
        {
            "test": "brunner_munzel",
            "multiplicity": in_family(
                ["primary", "severe"], "spiessens_debois", weights={"primary": 0.8}
            ),
            "secondary": SEVERE,
        },
        "analysis.multiplicity.families.all.procedure: must be of mann_whitney, t_test, welch and "
        "ancova, without strata, imputation and margins: others have no known law "
        "(got brunner_munzel)",
    ),
    "more than the level": (
        {
            "multiplicity": {"procedure": "graph", "weights": {"primary": 0.7, "later": 0.5}},
            "secondary": LATER,
        },
        "analysis.multiplicity.weights: must be at most 1 together (got 1.2)",
    ),
    "an analysis that no level reaches": (
        {
            "multiplicity": {
                "procedure": "graph",
                "weights": {"primary": 1},
                "transitions": {"later": {"primary": 1}},
            },
            "secondary": LATER,
        },
        "analysis.multiplicity.transitions: must have a weight, or a transition from what has one: "
        "no level ever reaches it (got later)",
    ),
    "a parametric test of what has no known law": (
        {
            "multiplicity": {
                "procedure": "graph",
                "weights": {"primary": 0.5, "other": 0.5},
                "intersections": "parametric",
            },
            "secondary": {"other": {"test": {"method": "responders", "threshold": 40}}},
        },
        "analysis.multiplicity.intersections: must be of mann_whitney, t_test, welch and ancova, "
        "without strata, imputation and margins: others have no known law (got responders)",
    ),
    "any of one analysis": (
        {"success": "any"},
        "analysis.success: must be primary, the only analysis: any is of several (got any)",
    ),
    "a success that nobody knows": (
        {"success": "latter", "secondary": LATER},
        "analysis.success: must be an analysis that exists; did you mean later? (got latter)",
    ),
    "a secondary analysis called any": (
        {"secondary": {"any": {"visit": "day_42"}}},
        "analysis.secondary.any: must have another name: any has a meaning",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_plan_is_refused_with_path_rule_and_value(name: str) -> None:
    changes, told = WRONG[name]
    with pytest.raises(InputError) as caught:
        CARS1.replace({f"analysis.{field}": value for field, value in changes.items()})
    assert str(caught.value).splitlines() == [told]


def test_an_exact_test_is_refused_for_more_patients_than_it_can_take() -> None:
    exact = {"analysis.test": "exact_mann_whitney"}
    CARS1.replace({**exact, "design.patients": 500})
    with pytest.raises(InputError, match=r"analysis.test: must be mann_whitney with more than 500"):
        CARS1.replace({**exact, "design.patients": 504})


def test_what_is_wrong_in_the_primary_analysis_is_not_told_again_of_the_secondary_ones() -> None:
    changes = {
        "analysis.visit": "day_9",
        "analysis.secondary": {"responders": {"test": RESPONDERS}},
    }
    with pytest.raises(InputError) as caught:
        CARS1.replace(changes)
    assert [problem.path for problem in caught.value.problems] == ["analysis.visit"]


def test_a_method_without_choices_is_written_by_its_name() -> None:
    for written in ("exact_mann_whitney", {"method": "exact_mann_whitney"}):
        plan = CARS1.replace({"analysis.test": written}).analysis
        assert plan.model_dump()["test"] == "exact_mann_whitney"


def test_a_variant_with_another_method_keeps_nothing_of_the_old_one() -> None:
    changed = CARS1.replace({"analysis.test": RESPONDERS})
    assert changed.replace({"analysis.test.threshold": 30}).analysis.test.model_dump() == {
        "method": "responders",
        "threshold": 30,
        "effect": "risk_difference",
        "interval": "newcombe",
        "covariates": (),
        "variance": "simple",
    }
    again = changed.replace({"analysis.test": "brunner_munzel"})
    assert again.analysis.test.model_dump() == {"method": "brunner_munzel", "reference": "t"}
