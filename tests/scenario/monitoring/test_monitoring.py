"""What cannot be meant in the section `monitoring` is told at its place; the rest reads back."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import trialsim as ts
from trialsim.distributions import FrozenModel
from trialsim.errors import InputError
from trialsim.own.analyses import AnalysisData, Estimates, own_analysis
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.monitoring import efficacy, futility, looks, monitoring, re_estimation
from trialsim.scenario.plan.methods.registry import METHODS, name_of

CARS1 = ts.load("cars1")

PLAN: dict[str, Any] = {
    "looks": {
        "first": {"when": {"known": 0.5}, "decided_after_days": 28.0},
        "second": {"when": {"known": 0.75}, "decided_after_days": 28.0},
    },
    "efficacy": "obrien_fleming",
}
REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "two_moments": (
        {"looks.first.when": {"known": 0.5, "day": 100}},
        ["monitoring.looks.first.when.known: must be given in one way"],
    ),
    "out_of_order": (
        {"looks.first.when.known": 0.8},
        ["monitoring.looks.second.when.known: must be later than the look before it, 0.8"],
    ),
    "after_the_end": (
        {"looks.second.when": {"known_patients": 300}},
        ["monitoring.looks.second.when.known_patients: must be below the 208 patients"],
    ),
    "out_of_order_by_other_clocks": (
        {"looks.first.when.known": 0.6, "looks.second.when": {"known_patients": 104}},
        [
            "monitoring.looks.second.when.known_patients: must come with more information than "
            "the look before it: second has 0.5 of what is planned, first 0.6"
        ],
    ),
    "planned_shares_fall": (
        {"looks.second": {"when": {"day": 300}, "planned_share": 0.5}},
        [
            "monitoring.looks.second.planned_share: must come with more information than the look "
            "before it: second has 0.5 of what is planned, first 0.5"
        ],
    ),
    "futility_in_no_order": (
        {"futility": {"scale": "z", "below": 0.0}, "futility_in_order": "always"},
        ["monitoring.futility_in_order: must be left out unless an estimate or an interval is by"],
    ),
    "no_futility_in_the_order": (
        {"estimate": "median_unbiased", "futility_in_order": "always"},
        ["monitoring.futility_in_order: must be left out without a rule for futility"],
    ),
    "randomised_before_known": (
        {"looks.second": {"when": {"randomised": 0.5}, "planned_share": 0.6}},
        ["monitoring.looks.second.when.randomised: must be above 0.5: so many are randomised"],
    ),
    "randomised_before_known_patients": (
        {
            "looks.first.when": {"known_patients": 104},
            "looks.second": {"when": {"randomised": 0.4}, "planned_share": 0.6},
        },
        ["monitoring.looks.second.when.randomised: must be above 0.5: so many are randomised"],
    ),
    "a_day_before_one_after_the_first_patient": (
        {
            "looks.first": {"when": {"days_after_first_patient": 300}, "planned_share": 0.4},
            "looks.second": {"when": {"day": 300}, "planned_share": 0.6},
        },
        ["monitoring.looks.second.when.day: must be later than first, 300 days after the first"],
    ),
    "decided_after_the_next_look": (
        {
            "looks.first": {"when": {"day": 200}, "planned_share": 0.5, "decided_after_days": 50},
            "looks.second": {"when": {"day": 250}, "planned_share": 0.75},
        },
        ["monitoring.looks.first.decided_after_days: must be decided before the next look, second"],
    ),
    "given_bounds_spend_too_much": (
        {"efficacy": {"rule": "given_bounds", "z": [2.0, 2.0, 2.0]}},
        ["monitoring.efficacy.z: must spend no more than 0.025 a side: the bounds spend 0.04"],
    ),
    "given_bounds_leave_nothing": (
        {"efficacy": {"rule": "given_bounds", "z": [2.0, 1.9]}},
        ["monitoring.efficacy.z: must spend no more than 0.025 a side: the bounds spend 0.03"],
    ),
    "haybittle_peto_spends_too_much": (
        {"efficacy": {"rule": "haybittle_peto", "z": 2.05}},
        ["monitoring.efficacy.z: must spend no more than 0.025 a side: the bounds spend 0.03"],
    ),
    "haybittle_peto_beside_futility": (
        {
            "efficacy": {"rule": "haybittle_peto", "z": 1.0},
            "futility": {"scale": "conditional_power", "below": 0.1},
        },
        ["monitoring.efficacy.z: must spend no more than 0.025 a side: the bounds spend 0.2"],
    ),
    "all_of_alpha_is_spent_early": (
        {
            "efficacy": {"rule": "spending_table", "fractions": [0.5], "shares": [1.0]},
            "futility": {"scale": "conditional_power", "below": 0.1},
        },
        [
            "monitoring.efficacy.shares: must leave some of 0.025 a side for the last analysis: "
            "the looks spend all"
        ],
    ),
    "a_look_named_as_the_last_analysis": (
        {"looks.final": {"when": {"known": 0.9}}},
        ["monitoring.looks.final: must have another name: final is what results call the last"],
    ),
    "a_look_named_as_all_trials": (
        {"looks.all": {"when": {"known": 0.9}}},
        ["monitoring.looks.all: must have another name: all is what results call all trials"],
    ),
    "futility_above_efficacy": (
        {"futility": {"scale": "z", "below": 2.5}},
        ["monitoring.futility.below: must leave a look to go on: at second it stops below z = 2.5"],
    ),
    "futility_by_p_above_efficacy": (
        {"futility": {"scale": "p", "above": 0.001, "at": ["first"]}},
        ["monitoring.futility.above: must leave a look to go on: at first it stops below z = 3.09"],
    ),
    "planned_harm": (
        {"planned_effect": 0.4},
        ["monitoring.planned_effect: must be a benefit: above 0.5, which is no effect"],
    ),
    "nothing_planned": (
        {"planned_effect": 0.5},
        ["monitoring.planned_effect: must be a benefit: above 0.5, which is no effect"],
    ),
    "impossible_planned_effect": (
        {"planned_effect": 1.62},
        ["monitoring.planned_effect: must be possible as a Mann-Whitney effect"],
    ),
    "impossible_futility": (
        {"futility": {"scale": "effect", "below": 5.0}},
        ["monitoring.futility.below: must be possible as a Mann-Whitney effect"],
    ),
    "long_after_the_end": (
        {"looks.second": {"when": {"day": 9000}, "planned_share": 0.8}},
        ["monitoring.looks.second.when.day: must be before day 3745"],
    ),
    "no_planned_share": (
        {"looks.second.when": {"day": 300}},
        ["monitoring.looks.second.planned_share: must be given with day"],
    ),
    "unknown_look": (
        {"futility": {"scale": "z", "below": 0.0, "at": ["frist"]}},
        ["monitoring.futility.at: must be a look that exists; did you mean first?"],
    ),
    "unreachable": (
        {"futility": {"scale": "z", "below": -40.0}},
        ["monitoring.futility.below: must be greater than or equal to -8"],
    ),
    "bounds_missing": (
        {"efficacy": {"rule": "given_bounds", "z": [3.0]}},
        ["monitoring.efficacy.z: must hold a bound for each of 2 looks"],
    ),
    "unblinded": (
        {
            "re_estimation": {
                "at": "second",
                "by": "promising_zone",
                "power": 0.8,
                "at_least": 208,
                "at_most": 416,
            }
        },
        ["monitoring.final.test: must be inverse_normal, fisher or cui_hung_wang after"],
    ),
    "sizes": (
        {
            "planned_effect": 0.62,
            "re_estimation": {
                "at": "second",
                "by": "blinded",
                "power": 0.8,
                "at_least": 100,
                "at_most": 200,
            },
        },
        [
            "monitoring.re_estimation.at_most: must enclose the 208 patients of the design with "
            "at_least (change all three; a search for a size keeps their proportion)",
        ],
    ),
    "two_sided_binding": (
        {"futility": {"scale": "z", "below": 0.0, "binding": True}},
        ["monitoring.futility.binding: needs a one-sided test"],
    ),
    "no_effect_planned": (
        {"futility": {"scale": "conditional_power", "below": 0.1, "under": "design"}},
        ["monitoring.planned_effect: must be given"],
    ),
    "several_stages": (
        {"final": {"test": "cui_hung_wang"}},
        ["monitoring.final.test: must be conventional or inverse_normal with several"],
    ),
    "beta_without_alpha": (
        {
            "planned_effect": 0.62,
            "efficacy": {"rule": "none"},
            "futility": {"scale": "beta_spending", "power": 0.9},
        },
        ["monitoring.futility.scale: must be z, p, effect, conditional_power or predictive_power"],
    ),
    "no_planned_information": (
        {"information": "variance"},
        ["monitoring.planned_standard_error: must be given"],
    ),
}


def planned(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the plan with the values at some dotted paths replaced."""
    content: dict[str, Any] = {**PLAN, "looks": {k: dict(v) for k, v in PLAN["looks"].items()}}
    for path, value in changes.items():
        *above, last = path.split(".")
        part = content
        for name in above:
            part[name] = dict(part[name])
            part = part[name]
        part[last] = value
    return content


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_at_its_place(name: str) -> None:
    changes, problems = REFUSED[name]
    with pytest.raises(InputError) as error:
        CARS1.replace({"monitoring": planned(changes)})
    told = str(error.value).splitlines()
    for problem in problems:
        assert any(line.startswith(problem) for line in told), told


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"analysis.test": "exact_mann_whitney"}, "must be left out with exact_mann_whitney"),
        ({"analysis.missing": "multiple_imputation"}, "must be left out where scores are imputed"),
        ({"analysis.continuity_correction": True}, "must be left out with a continuity correction"),
        ({"analysis.effect": "win_ratio"}, "must be left out where the effect is the win ratio"),
        ({"analysis.alternative": "less"}, "needs a test in favour of the treated"),
    ],
)
def test_a_test_without_a_statistic_of_known_variance_cannot_be_monitored(
    changes: dict[str, Any], rule: str
) -> None:
    with pytest.raises(InputError, match=rule):
        CARS1.replace({"monitoring": PLAN, **changes})


WITHOUT_LOOKS: dict[str, dict[str, Any]] = {
    "exact_mann_whitney": {},
    "permutation": {"statistic": "brunner_munzel", "permutations": 99},
    "re_randomisation": {"statistic": "mann_whitney"},
    "obrien": {"outcomes": ["nihss", "mrs"]},
    "win_statistic": {"order": [{"mrs": {}}, {"nihss": {}}]},
    "mmrm": {},
    "weighted_mann_whitney": {"covariates": ["nihss"]},
    "weighted_means": {"covariates": ["nihss"]},
    "standardised_mann_whitney": {"covariates": ["nihss"]},
    "log_rank": {"threshold": 2},
    "restricted_mean": {"events": ["death"]},
    "interaction": {
        "subgroup": {"label": "Severe", "covariate": "nihss", "more_than": 12},
        "of": "mann_whitney",
    },
    "mcp_mod": {"candidates": [{"linear": {}}]},
    "own": {"analysis": "without_looks"},
}


@own_analysis("without_looks", estimates="mean difference", null=0.0)
def without_looks(data: AnalysisData) -> Estimates:
    """Stand for an analysis of one's own, which a plan refuses before it is made."""
    raise AssertionError(data)


def test_every_method_without_looks_is_named_where_they_are_refused() -> None:
    assert {name_of(one) for one in METHODS if not one.can_be_monitored} == WITHOUT_LOOKS.keys()
    for method, choices in WITHOUT_LOOKS.items():
        with pytest.raises(InputError) as error:
            CARS1.replace({"monitoring": PLAN, "analysis.test": {"method": method, **choices}})
        why = {
            "mmrm": "its looks would need the earlier visits of patients who are still followed up",
            "mcp_mod": "its looks would need the joint law of all its contrasts",
            "win_statistic": "the patients known at a look are not those of every level",
            "weighted_mann_whitney": "its weights are estimated anew at every look",
            "weighted_means": "its weights are estimated anew at every look",
            **dict.fromkeys(
                ("log_rank", "restricted_mean"),
                "its looks would be planned by events and need patients who are still followed up",
            ),
            "interaction": "a trial is not stopped for a difference between subgroups",
            "standardised_mann_whitney": "its estimates at two looks have the known law of z only",
        }.get(method, "it has no statistic whose variance is known")
        assert f"monitoring: must be left out with {method}: {why}" in str(error.value)


def test_a_problem_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(
        dedent("""\
        extends: cars1
        name: wrong
        monitoring:
          looks:
            first: {when: {known: 1.5}}
          efficacy: obrien_flemming
        """)
    )
    with pytest.raises(InputError) as error:
        ts.load(file)
    assert "5:20: monitoring.looks.first.when.known: must be less than 1" in str(error.value)
    assert "6:3: monitoring.efficacy" in str(error.value)


def test_a_study_without_looks_keeps_its_digest() -> None:
    scenario = CARS1
    assert isinstance(scenario, ts.Scenario)
    assert scenario.monitoring is None
    assert scenario.digest == "ecd4353996e5"
    assert scenario.replace({"monitoring": PLAN}).digest != scenario.digest


def test_a_plan_reads_back_the_same() -> None:
    scenario = CARS1.replace(
        {
            "monitoring": {
                **PLAN,
                "planned_effect": 0.62,
                "efficacy": {"rule": "hwang_shih_decani", "gamma": -4.0},
                "futility": {"scale": "conditional_power", "below": 0.1, "under": "design"},
            }
        }
    )
    assert isinstance(scenario, ts.Scenario)
    again = ts.Scenario.model_validate(scenario.model_dump())
    assert again.monitoring == scenario.monitoring
    changed = scenario.replace({"monitoring.looks.first.when.known": 0.3})
    assert isinstance(changed, ts.Scenario)
    assert changed.monitoring is not None
    assert changed.monitoring.looks["first"].when.known == 0.3


def test_every_field_of_the_section_has_a_description() -> None:
    modules = (efficacy, futility, looks, monitoring, re_estimation)
    models = {
        one
        for module in modules
        for one in vars(module).values()
        if isinstance(one, type)
        and issubclass(one, FrozenModel)
        and one.__module__ == module.__name__
    }
    assert len(models) > 20
    for model in models:
        for name, field in model.model_fields.items():
            assert field.description or name in ("rule", "scale"), f"{model.__name__}.{name}"


def test_a_variant_moves_a_look_to_another_kind_of_moment(tmp_path: Path) -> None:
    """The moment of the base gives way, and the rest of the look stays."""
    moved = tmp_path / "moved.yaml"
    looks = "{first: {when: {day: 300}, planned_share: 0.5}}"
    moved.write_text(f"extends: cars_sequential\nmonitoring:\n  looks: {looks}\n")
    study = load(moved)
    assert study.monitoring is not None
    first = study.monitoring.looks["first"]
    assert (first.when.kind, first.when.value) == ("day", 300.0)
    assert first.decided_after_days == 28.0
    assert study.monitoring.looks["second"].when.known == 0.75


def test_a_decision_after_the_end_is_refused() -> None:
    late = {"monitoring.looks.first.decided_after_days": 3650.0, "design.patients": 60}
    limit = {"operations.recruitment_limit_days": 400}
    with pytest.raises(
        InputError, match=r"first\.decided_after_days: must lead to a decision before day 4"
    ):
        load("cars_sequential").replace({**late, **limit})
