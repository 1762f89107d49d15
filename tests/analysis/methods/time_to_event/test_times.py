"""Times to an event of simulated trials, against what happened to each patient, one by one."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import trialsim as ts
from trialsim.analysis.data import Data
from trialsim.analysis.methods.time_to_event.times import by_arm, days_of, times_of
from trialsim.clock import DAY, NEVER
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.time_to_event.events import EventMethod
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.scenario.words.plan import plan_in_words
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

REPLICATES = 4
MET: dict[str, dict[str, Any]] = {
    "a score": {"test": {"threshold": 45}},
    "a score, deaths censored": {"test": {"threshold": 45}, "death": "as_missing"},
    "a gain": {"test": {"threshold": 20}, "measure": "change", "visit": "day_42"},
    "a score before a rescue": {
        "test": {"threshold": 30},
        "intercurrent": {"rescue": "composite", "discontinuation": "hypothetical"},
    },
    "a low score": {"test": {"threshold": 3}, "endpoint": "nihss"},
    "death": {"test": {"events": ["death"]}},
    "death or withdrawal": {"test": {"events": ["death", "withdrawal"]}, "visit": "day_42"},
    "rescue": {"test": {"events": ["rescue"]}, "intercurrent": {"discontinuation": "composite"}},
    "rescue, deaths censored": {
        "test": {"events": ["rescue"]},
        "death": "as_missing",
        "intercurrent": {"discontinuation": "hypothetical"},
    },
}


@pytest.fixture(scope="module")
def trials() -> Trial:
    """Return trials of 80 patients to whom everything happens often."""
    often = {
        f"operations.{what}.probability": 0.2
        for what in ("death", "withdrawal", "rescue", "discontinuation")
    }
    study = load("cars1").replace(
        {
            **often,
            "operations.visit_missed_probability": 0.2,
            "design.patients": 80,
            "analysis.secondary": {},
            "analysis.analysis_set": "all_randomised",
        }
    )
    return simulate_batch(study, Streams(2016, range(REPLICATES)))


def data_of(trials: Trial, met: dict[str, Any], **others: Any) -> tuple[Data, EventMethod]:
    test = {"method": "log_rank", **met["test"]}
    content = {**trials.scenario.analysis.model_dump(), "missing": "censored", **met, **others}
    plan = AnalysisPlan.model_validate({**content, "test": test})
    assert isinstance(plan.test, EventMethod)
    return Data(trials, plan), plan.test


def by_hand(
    data: Data, method: EventMethod, replicate: int, patient: int
) -> tuple[int, bool, bool]:
    """Return day, event and whether the patient is followed, from the patient's own records."""
    plan, conduct = data.plan, data.trial.conduct
    start = int(conduct.randomised[replicate, patient])
    minutes = conduct.visit_minute[replicate, patient].tolist()
    end = minutes[data.visit]
    kinds: tuple[Event, ...] = ("death", "withdrawal", "rescue", "discontinuation")
    happened = {kind: int(conduct.minute_of(kind)[replicate, patient]) for kind in kinds}
    bad: list[Event] = [kind for kind, one in plan.intercurrent.items() if one == "composite"]
    gone: list[Event] = [kind for kind, one in plan.intercurrent.items() if one == "hypothetical"]
    if "death" not in method.events:
        (bad if plan.death == "worst_rank" else gone).append("death")
    worst = min([happened[kind] for kind in bad], default=NEVER)
    if method.threshold is None:
        if "withdrawal" not in method.events:
            gone.append("withdrawal")
        event = min(worst, *(happened[kind] for kind in method.events))
        stop = min([end, *(happened[kind] for kind in gone)])
        return (min(event, stop) - start) // DAY, event <= stop, True
    sign, seen, came = data.outcome.sign, 0, minutes[0]
    planned = [visit.day for visit in data.trial.scenario.design.visits.values()]
    scores = data.trial.scores[plan.endpoint][replicate, patient]
    base = float(data.trial.underlying.at(plan.endpoint, 0)[replicate, patient])
    nought = base if plan.measure == "change" else 0.0
    if plan.measure == "score" and sign * base >= sign * method.threshold:
        return 0, False, False
    for visit in range(1, data.visit + 1):
        ends = min([happened[kind] for kind in gone if kind != "death"], default=NEVER)
        if np.isnan(scores[visit]) or minutes[visit] >= ends:
            continue
        seen, came = planned[visit], minutes[visit]
        if sign * (scores[visit] - nought) >= sign * method.threshold and came < worst:
            return seen, True, True
    return planned[data.visit] if worst <= end else seen, False, True


@pytest.mark.parametrize("name", MET)
def test_times_are_those_of_each_patient_by_hand(trials: Trial, name: str) -> None:
    data, method = data_of(trials, MET[name])
    found = times_of(data, method)
    events = 0
    for replicate in range(REPLICATES):
        for patient in range(80):
            day, event, followed = by_hand(data, method, replicate, patient)
            assert found.followed[replicate, patient] == followed
            if followed:
                assert found.day[replicate, patient] == day, (replicate, patient)
                assert found.event[replicate, patient] == event, (replicate, patient)
                events += event
    assert 10 < events < 310


def test_counts_are_of_the_better_arm_first_and_do_not_depend_on_the_batch(trials: Trial) -> None:
    for met, sign in ((MET["a score"], 1), (MET["death"], -1)):
        data, method = data_of(trials, met, strata="site")
        found, times = by_arm(data, method), times_of(data, method)
        assert found.counts.events.shape == (REPLICATES, 12, 2, days_of(data, sign > 0))
        events = [(times.event & times.followed & arm).sum(axis=1) for arm in data.arms]
        assert_array_equal(found.counts.events.sum(axis=(1, 3)).T, events[::sign])
        assert_array_equal(found.counts.patients.sum(axis=1)[:, 0], found[1:3][::sign][0])
        assert_allclose(found.with_event[0], events[0] / found.treated)
        alone = simulate_batch(trials.scenario, Streams(2016, range(2, 3)))
        one, _ = data_of(alone, met, strata="site")
        assert_array_equal(by_arm(one, method).counts.at_risk[0], found.counts.at_risk[2])


def test_who_has_the_event_needs_no_score(trials: Trial) -> None:
    """Who leaves or dies before the first visit has no score and is in the full analysis set."""
    visits = trials.conduct.visit_attended[:, :, 1:].any(axis=2)
    for events in (["withdrawal"], ["death"]):
        met = {"test": {"events": events}, "death": "as_missing"}
        data, method = data_of(trials, met, analysis_set="full_analysis_set")
        times = times_of(data, method)
        assert (times.event & times.followed & ~visits).sum() >= 3
        assert times.followed.all()
        said = plan_in_words(data.plan, trials.scenario.outcomes)["analysis_set"]
        assert said == "All randomised patients, in the arm allocated."
        shown = {"test": {"threshold": 45}}
        assert not data_of(trials, shown, analysis_set="full_analysis_set")[0].included.all()


def test_with_complete_follow_up_nobody_is_censored_before_the_visit(trials: Trial) -> None:
    """Deaths keep their rule, and other events are as if they ended no scores."""
    data, method = data_of(trials, MET["a score before a rescue"])
    complete = times_of(Data(trials, data.plan, complete=True), method)
    censored = complete.followed & ~complete.event
    assert_array_equal(complete.day[censored], 90)
    dead = trials.conduct.died < trials.conduct.visit_minute[:, :, data.visit]
    assert not (complete.event & dead & (complete.day == 90)).any()
    assert complete.event.sum() > times_of(data, method).event.sum()


def test_the_tables_of_a_trial_give_the_same_result_as_the_trial(tmp_path: Any) -> None:
    study = load("cars1").replace(
        {
            "analysis.missing": "censored",
            "operations.death.probability": 0.1,
            "analysis.test": {"method": "restricted_mean", "threshold": 45},
            "analysis.secondary": {"deaths": {"test": {"method": "log_rank", "events": ["death"]}}},
        }
    )
    trial = ts.simulate(study, seed=3)
    for name, table in trial.tables().items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    assert ts.analyse(tmp_path, study).to_dict() == {
        **ts.analyse(trial).to_dict(),
        "seed": 2016,
        "replicate": 0,
    }
