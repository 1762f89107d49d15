"""For which estimands an analysis can be, by what it does about events."""

from typing import Any, get_args

import pytest

from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import Missing
from trialsim.scenario.plan.estimands import EVENTS, STRATEGIES, Estimand, Strategy
from trialsim.scenario.plan.handling import departures, handling
from trialsim.scenario.plan.imputation import Imputation
from trialsim.scenario.protocol.intercurrent import Event, TreatmentEvent

DEAD: tuple[Event, ...] = ("death",)
STOPPED: tuple[Event, ...] = ("discontinuation",)
LEFT: tuple[Event, ...] = ("withdrawal",)


PLAN = load("cars1").analysis


def planned(**changes: Any) -> AnalysisPlan:
    return PLAN.model_copy(update=changes)


@pytest.mark.parametrize(
    ("missing", "strategies"),
    [
        ("locf", ("while_on_treatment",)),
        ("worst_rank", ("composite",)),
        ("multiple_imputation", ("hypothetical",)),
        ("likelihood", ("hypothetical",)),
        ("complete_case", ("hypothetical", "principal_stratum")),
        ("bocf", ()),
    ],
)
def test_where_scores_after_stopping_do_not_count_the_missing_rule_decides(
    missing: Missing, strategies: tuple[Strategy, ...]
) -> None:
    plan = planned(missing=missing, intercurrent={"discontinuation": "hypothetical"})
    assert handling(plan, "discontinuation").strategies == strategies


def test_scores_that_count_after_stopping_are_treatment_policy_whatever_is_missing() -> None:
    for missing in ("locf", "worst_rank", "complete_case", "multiple_imputation", "likelihood"):
        assert handling(planned(missing=missing), "discontinuation").strategies == (
            "treatment_policy",
        )


def test_the_dead_rank_below_all_or_are_missing() -> None:
    assert handling(planned(), "death").strategies == ("composite",)
    missing = planned(death="as_missing", missing="multiple_imputation")
    assert handling(missing, "death").strategies == ("hypothetical",)


def test_each_kind_of_event_that_is_handled_otherwise_is_named_once() -> None:
    meant = Estimand(intercurrent=dict.fromkeys(EVENTS, "hypothetical"))
    plan = planned()
    found = list(departures(plan, meant, EVENTS))
    assert [one.event for one in found] == list(EVENTS)
    assert all(one.why for one in found)
    assert [one.event for one in departures(plan, meant, DEAD)] == ["death"]


@pytest.mark.parametrize(
    "missing", ["locf", "bocf", "complete_case", "multiple_imputation", "likelihood"]
)
def test_scores_that_are_missing_only_are_no_event_whatever_fills_them_in(missing: Missing) -> None:
    """ICH E9(R1), A.5.1: under treatment policy they would have counted."""
    plan = planned(missing=missing)
    meant = Estimand(intercurrent={"discontinuation": "treatment_policy"})
    assert list(departures(plan, meant, EVENTS)) == []


@pytest.mark.parametrize("after", ["last_score", "withdrawal"])
def test_a_delta_after_the_trial_was_left_is_for_treatment_policy_too(after: str) -> None:
    imputation = Imputation.model_validate({"after": after, "delta": -2.0})
    plan = planned(missing="multiple_imputation", imputation=imputation)
    assert list(departures(plan, Estimand(), EVENTS)) == []


def test_a_rule_is_not_held_to_what_cannot_happen() -> None:
    meant = Estimand(intercurrent={"withdrawal": "while_on_treatment"})
    imputed = planned(missing="multiple_imputation")
    assert [one.event for one in departures(imputed, meant, LEFT)] == ["withdrawal"]
    assert list(departures(imputed, meant, DEAD)) == []


def test_a_rank_for_the_missing_is_held_to_missed_visits_and_to_nothing_where_none_is() -> None:
    ranked = planned(missing="worst_rank")
    missed = departures(ranked, Estimand(), (*DEAD, "visit_missed"))
    assert [one.event for one in missed] == ["withdrawal"]
    assert list(departures(ranked, Estimand(), DEAD)) == []


@pytest.mark.parametrize("kind", get_args(TreatmentEvent))
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_analysis_that_names_the_strategy_of_its_estimand_is_for_it(
    kind: TreatmentEvent, strategy: Strategy
) -> None:
    meant = Estimand(intercurrent={kind: strategy})
    plan = planned(intercurrent={kind: strategy}, missing="multiple_imputation")
    assert list(departures(plan, meant, EVENTS)) == []
    others = [one for one in STRATEGIES if one != strategy]
    for other in others:
        (found, *_) = departures(plan, Estimand(intercurrent={kind: other}), EVENTS)
        assert found.event == kind
        assert kind.replace("_", " ") in found.why


def test_an_imputation_by_reference_is_at_random_before_its_event() -> None:
    def strategies(kind: Event, after: str) -> tuple[Strategy, ...]:
        imputation = Imputation.model_validate({"model": "copy_reference", "after": after})
        plan = planned(
            missing="multiple_imputation",
            imputation=imputation,
            intercurrent={"rescue": "hypothetical", "discontinuation": "hypothetical"},
        )
        return handling(plan, kind).strategies

    assert strategies("rescue", "last_score") == ("treatment_policy",)
    assert strategies("rescue", "discontinuation") == ("hypothetical",)
    assert strategies("discontinuation", "discontinuation") == ("treatment_policy",)
    assert strategies("discontinuation", "withdrawal") == ("hypothetical",)


def test_few_infusions_leave_out_patients_who_are_of_the_population() -> None:
    plan = planned(minimum_infusion_share=0.8)
    assert [one.event for one in departures(plan, Estimand(), ())] == [None]
    stratum = Estimand(intercurrent={"discontinuation": "principal_stratum"})
    assert list(departures(plan, stratum, STOPPED)) == []


def test_every_strategy_is_one_for_which_some_plan_can_be() -> None:
    plans = [planned(intercurrent={"discontinuation": "composite"}), planned()]
    plans += [
        planned(missing=missing, intercurrent={"discontinuation": "hypothetical"})
        for missing in ("locf", "multiple_imputation", "complete_case")
    ]
    reached = {one for plan in plans for one in handling(plan, "discontinuation").strategies}
    assert reached == set(STRATEGIES)
