"""The CONSORT account: everybody who came is somewhere in it, once."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.reporting.consort.conftest import (
    CARS1,
    REPLICATES,
    every_study,
    tables_of,
    trials_of,
)
from trialsim.clock import DAY, NEVER
from trialsim.datasets import cut
from trialsim.reporting.consort.account import consort, consort_text

ANALYSED = {"dose_30": 19, "dose_0": 18}


def assert_reconciles(account: Mapping[str, Any]) -> None:
    excluded = account["excluded"]
    assert excluded["total"] == sum(excluded["reasons"].values())
    somewhere = account["randomised"] + excluded["total"] + account["in_screening"]
    assert account["screened"] == somewhere
    arms = account["arms"].values()
    assert account["randomised"] == sum(dispositions["allocated"] for dispositions in arms)
    for dispositions in arms:
        ends = ("withdrawn", "died", "lost", "completed", "ongoing")
        assert dispositions["allocated"] == sum(dispositions[end] for end in ends)


@every_study
@pytest.mark.parametrize("replicate", [None, 0, 1, 2])
def test_everybody_is_accounted_for_once(study: str, replicate: int | None) -> None:
    account = consort(tables_of(study), ANALYSED, replicate)
    assert_reconciles(account)
    kept = slice(None) if replicate is None else slice(replicate, replicate + 1)
    trial = trials_of(study)
    assert account["replicates"] == len(trial.replicates[kept])
    assert account["screened"] == trial.conduct.screened[kept].sum()
    assert account["randomised"] == trial.arms[kept].size
    assert account["in_screening"] == 0
    assert all(dispositions["ongoing"] == 0 for dispositions in account["arms"].values())


@every_study
def test_fates_are_those_of_the_arrays(study: str) -> None:
    """Oracle: the arrays of the trial, counted arm by arm."""
    trial = trials_of(study)
    conduct, arms = trial.conduct, consort(tables_of(study), ANALYSED)["arms"]
    stayed = conduct.exited > conduct.visit_minute.max(axis=2)
    came = conduct.visit_attended[:, :, -1]
    for code, arm in enumerate(trial.scenario.design.arms):
        inside, dispositions = trial.arms == code, arms[arm]
        assert dispositions["received_infusions"] == inside.sum()  # the first is never refused
        assert dispositions["lost"] == (inside & stayed & ~came).sum() > 0
        assert dispositions["completed"] == (inside & came).sum()
        assert (
            dispositions["withdrawn"]
            == (inside & ~stayed & (conduct.withdrawn < conduct.died)).sum()
        )
        assert dispositions["died"] == (inside & ~stayed & (conduct.died < conduct.withdrawn)).sum()
        for name, minute in (
            ("discontinued_for_drug", conduct.stopped_for_drug),
            ("rescued", conduct.rescued),
        ):
            assert (name in dispositions) == (study == "hard")
            assert dispositions.get(name, 0) == (inside & (minute < NEVER)).sum()


def test_all_replicates_together_are_the_sum_of_each() -> None:
    whole = consort(tables_of("hard"), ANALYSED)
    singles = [consort(tables_of("hard"), ANALYSED, one) for one in range(REPLICATES)]
    assert whole["screened"] == sum(one["screened"] for one in singles)
    for reason, number in whole["excluded"]["reasons"].items():
        assert number == sum(one["excluded"]["reasons"][reason] for one in singles)
    for arm, dispositions in whole["arms"].items():
        for fate in set(dispositions) - {"analysed"}:
            assert dispositions[fate] == sum(one["arms"][arm][fate] for one in singles)


@every_study
@pytest.mark.parametrize("day", [0, 60, 150, 250])
def test_an_account_of_a_cut_counts_who_is_still_on_the_way(study: str, day: int) -> None:
    seen = cut(tables_of(study), day * DAY)
    account = consort(seen, ANALYSED)
    assert_reconciles(account)
    assert account["in_screening"] == (seen["screening"]["outcome"] == "in screening").sum()
    ongoing = sum(dispositions["ongoing"] for dispositions in account["arms"].values())
    assert ongoing == (seen["disposition"]["status"] == "ongoing").sum()


def test_every_rule_has_its_count_even_if_nobody_failed_it() -> None:
    reasons = consort(tables_of("as it is"), ANALYSED, 0)["excluded"]["reasons"]
    assert list(reasons) == [*CARS1.eligibility.rules, "window_missed", "recruitment_closed"]


def test_an_account_is_json() -> None:
    account = consort(tables_of("hard"), ANALYSED)
    assert json.loads(json.dumps(account)) == account


def test_an_arm_outside_the_analysis_has_no_number_analysed() -> None:
    arms = consort(tables_of("hard"), {"dose_30": 30})["arms"]
    assert [dispositions["analysed"] for dispositions in arms.values()] == [None, None, 30]


def test_text_says_the_account_and_leaves_out_what_nobody_met() -> None:
    dispositions = {"allocated": 104, "received_infusions": 104, "discontinued": 2, "withdrawn": 4}
    dispositions |= {"died": 0, "lost": 1, "completed": 99, "ongoing": 0, "analysed": 104}
    account = {
        "replicates": 1,
        "screened": 1360,
        "excluded": {"total": 1152, "reasons": {"age": 1000, "coma": 0, "window_missed": 152}},
        "in_screening": 0,
        "randomised": 208,
        "arms": {
            "cerebrolysin": dispositions,
            "placebo": {**dispositions, "died": 3, "analysed": None},
        },
    }
    assert consort_text(account, CARS1).splitlines() == [
        "Screened                                     1,360",
        "  Excluded                                   1,152",
        "    Not met: 45 to 85 years                  1,000",
        "    Window missed                              152",
        "Randomised                                     208",
        "                                          Cerebrolysin 30 mL in saline    Saline",
        "  Allocated                                                        104       104",
        "  Received infusions                                               104       104",
        "  Discontinued infusions                                             2         2",
        "  Withdrawn                                                          4         4",
        "  Died                                                               0         3",
        "  Last visit missed                                                  1         1",
        "  Last visit attended                                               99        99",
        "  Analysed                                                         104         -",
    ]
    together = consort_text({**account, "replicates": 3}, CARS1)
    assert together.splitlines()[0] == "3 replicates together"
