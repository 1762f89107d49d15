"""The participant flow: its numbers are those of the tables, and nobody is lost between lines."""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.reporting.consort.conftest import (
    CARS1,
    REPLICATES,
    SEED,
    STUDIES,
    every_study,
    study_of,
    tables_of,
    trials_of,
)
from trialsim.analysis.analyse import analyse
from trialsim.clock import DAY
from trialsim.datasets import cut
from trialsim.reporting.consort.account import consort
from trialsim.reporting.consort.flow import Entry, Flow, flow_of, trial_flow
from trialsim.simulated import simulate
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch


def entries(flow: Flow) -> Iterator[Entry]:
    """Yield every line of a flow."""
    top = [flow.assessed, flow.excluded, flow.randomised]
    for arm in flow.arms:
        top += [arm.allocation, *arm.follow_up, *arm.analysis]
    while top:
        entry = top.pop()
        yield entry
        top += entry.parts


def mean(entry: Entry) -> float:
    assert entry.people is not None
    return entry.people.mean


@every_study
def test_parts_add_up_to_the_whole(study: str) -> None:
    flow = flow_of(trials_of(study))
    for entry in entries(flow):
        if entry.parts:
            assert mean(entry) == pytest.approx(sum(map(mean, entry.parts)), abs=1e-9)
    assert mean(flow.assessed) == pytest.approx(mean(flow.excluded) + mean(flow.randomised))
    allocated = [mean(arm.allocation) for arm in flow.arms]
    assert mean(flow.randomised) == pytest.approx(sum(allocated))
    for arm, whole in zip(flow.arms, allocated, strict=True):
        told = {entry.label: mean(entry) for entry in arm.follow_up}
        ends = ("Lost to follow-up", "Died", "Attended the last visit")
        assert whole == pytest.approx(sum(told.get(end, 0) for end in ends))
        if arm.analysis[0].people is not None:
            assert whole == pytest.approx(sum(map(mean, arm.analysis)))


@every_study
@pytest.mark.parametrize("replicate", [0, 7])
def test_the_flow_of_one_trial_is_its_account(study: str, replicate: int) -> None:
    """Oracle: the CONSORT account that is exported, and the analysis of the trial alone."""
    trial = simulate(study_of(study), SEED, replicate)
    found = analyse(trial).primary
    plan = trial.scenario.analysis
    analysed = {plan.treated: found.treated, plan.control: found.control}
    account = consort(trial.tables(), analysed)
    flow = flow_of(trial.batch)
    assert (flow.replicates, flow.in_screening) == (1, None)
    assert mean(flow.assessed) == account["screened"]
    assert mean(flow.excluded) == account["excluded"]["total"]
    rules = {name: rule.label for name, rule in trial.scenario.eligibility.rules.items()}
    reasons = {one.label: mean(one) for group in flow.excluded.parts for one in group.parts}
    for name, number in account["excluded"]["reasons"].items():
        assert reasons.get(rules.get(name, name.replace("_", " ").capitalize()), 0) == number
    for arm in flow.arms:
        told = account["arms"][arm.arm]
        assert mean(arm.allocation) == told["allocated"]
        assert mean(arm.allocation.parts[0]) == told["received_infusions"]
        followed = {entry.label: mean(entry) for entry in arm.follow_up}
        assert followed["Lost to follow-up"] == told["withdrawn"] + told["lost"]
        assert followed.get("Died", 0) == told["died"]
        assert followed["Discontinued the infusions"] == told["discontinued"]
        reasons = {part.label: mean(part) for entry in arm.follow_up for part in entry.parts or ()}
        assert reasons.get("Because of the drug", 0) == told.get("discontinued_for_drug", 0)
        assert followed.get("Began a rescue treatment", 0) == told.get("rescued", 0)
        assert (told.get("rescued", 0) > 0) == (study == "hard")
        assert followed["Attended the last visit"] == told["completed"]
        people = arm.analysis[0].people
        assert (people and people.mean) == told["analysed"]


@every_study
def test_the_average_is_that_of_the_single_trials(study: str) -> None:
    """Oracle: each replicate's tables alone, and the quantiles that are one of the trials."""
    trial = trials_of(study)
    singles = [consort(tables_of(study), {}, int(one)) for one in trial.replicates]
    flow = flow_of(trial)
    screened = [one["screened"] for one in singles]
    assert flow.assessed.people == (np.mean(screened), min(screened), max(screened))
    for arm in flow.arms:
        lost = [
            sum(one["arms"][arm.arm][fate] for fate in ("withdrawn", "lost")) for one in singles
        ]
        assert arm.follow_up[0].people == pytest.approx((np.mean(lost), min(lost), max(lost)))


def test_a_range_leaves_out_no_more_than_one_trial_in_forty_at_each_end() -> None:
    """Oracle: among 40 numbers in order, 2.5% lie at or below the first and the 39th is 97.5%."""
    trial = simulate_batch(CARS1.replace({"design.patients": 20}), Streams(SEED, range(40)))
    screened = np.sort(trial.conduct.screened).tolist()
    assert flow_of(trial).assessed.people == (np.mean(screened), screened[0], screened[38])


def test_who_received_no_infusion_is_told_with_what_became_of_the_first() -> None:
    """No engine leaves out the first infusion, so it is taken away from the tables here."""
    trial = simulate(CARS1, SEED)
    found = trial.tables()
    subjects, infusions = found["subjects"], found["infusions"]
    subjects.loc[subjects["subject"].isin([3, 5]), "infusions_given"] = 0
    first = infusions["infusion"] == 1
    infusions.loc[first & (infusions["subject"] == 3), "status"] = "refused"
    infusions.loc[first & (infusions["subject"] == 5), "status"] = "withdrawn"
    flow = trial_flow(found, CARS1, {})
    told = [part for arm in flow.arms for part in arm.allocation.parts]
    without = [part for part in told if part.label == "Received no infusion"]
    reasons = {one.label: mean(one) for part in without for one in part.parts}
    assert sum(map(mean, without)) == 2
    assert reasons == {"Refused": 1, "Withdrawn": 1}


def test_a_cut_trial_tells_who_is_still_on_the_way() -> None:
    seen = cut(tables_of("as it is"), 150 * DAY)
    flow = trial_flow(seen, CARS1, {})
    assert flow.in_screening is not None
    ongoing = [one for arm in flow.arms for one in arm.follow_up if one.label.startswith("Still")]
    waiting = (seen["screening"]["outcome"] == "in screening").sum()
    assert mean(flow.in_screening) == pytest.approx(waiting / REPLICATES)
    still = (seen["disposition"]["status"] == "ongoing").sum()
    assert sum(map(mean, ongoing)) == pytest.approx(still / REPLICATES)


def test_the_frame_has_a_row_for_each_line() -> None:
    flow = flow_of(trials_of("hard"))
    frame = flow.to_frame()
    assert len(frame) == len(list(entries(flow)))
    assert frame["stage"].unique().tolist() == ["enrolment", "allocation", "follow-up", "analysis"]
    unknown = frame[frame["mean"].isna()]
    assert unknown["arm"].tolist() == ["dose_10"]


def test_the_dead_are_not_lost_to_follow_up() -> None:
    """Their outcome is known: they are ranked below everybody, and analysed."""
    dead = False
    for study in STUDIES:
        for arm in flow_of(trials_of(study)).arms:
            told = {entry.label: entry for entry in arm.follow_up}
            assert "Died" not in {part.label for part in told["Lost to follow-up"].parts}
            dead |= "Died" in told
    assert dead
