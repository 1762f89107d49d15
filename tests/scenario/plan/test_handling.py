"""For which estimands an analysis can be, by what it does about events."""

from typing import Any

import pytest

import trialsim as ts
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import Missing
from trialsim.scenario.plan.estimands import EVENTS, STRATEGIES, Estimand, Strategy
from trialsim.scenario.plan.handling import departures, handling
from trialsim.scenario.programme import single_trial
from trialsim.scenario.protocol.intercurrent import Event

DEAD: tuple[Event, ...] = ("death",)
STOPPED: tuple[Event, ...] = ("discontinuation",)


def planned(**changes: Any) -> AnalysisPlan:
    return single_trial(ts.load("cars1")).analysis.model_copy(update=changes)


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
    plan = planned(missing=missing, discontinuation="as_missing")
    assert handling(plan, "discontinuation").strategies == strategies


def test_scores_that_count_after_stopping_are_treatment_policy_whatever_is_missing() -> None:
    for missing in ("locf", "worst_rank", "complete_case"):
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
    assert [one.event for one in departures(plan, meant, DEAD)] == ["withdrawal", "death"]


def test_few_infusions_leave_out_patients_who_are_of_the_population() -> None:
    plan = planned(minimum_infusion_share=0.8)
    assert [one.event for one in departures(plan, Estimand(), ())] == [None]
    stratum = Estimand(intercurrent={"discontinuation": "principal_stratum"})
    assert list(departures(plan, stratum, STOPPED)) == []


def test_every_strategy_is_one_for_which_some_plan_can_be() -> None:
    plans = [planned(discontinuation="worst_rank"), planned()]
    plans += [
        planned(missing=missing, discontinuation="as_missing")
        for missing in ("locf", "multiple_imputation", "complete_case")
    ]
    reached = {one for plan in plans for one in handling(plan, "discontinuation").strategies}
    assert reached == set(STRATEGIES)
