"""What became of sizes that a look set again, against the trials that had them."""

from typing import Any

import numpy as np
import pytest

import trialsim as ts
from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.analysis.monitoring.monitored import monitor
from trialsim.analysis.monitoring.statistics import statistics_of_all
from trialsim.errors import InputError
from trialsim.replicates.monitoring.monitored import largest
from trialsim.replicates.monitoring.re_estimated import ReEstimated
from trialsim.replicates.run import Simulation
from trialsim.reporting.text.power import power_text
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.monitoring import boundary_of
from trialsim.streams import Streams
from trialsim.trial.trial import Pause, simulate_batch

TRIALS = 192


def study(by: str = "blinded", **more: Any) -> Scenario:
    """Return CARS-1 of 104 patients, whose number a look sets again that may also stop it."""
    plan = {
        "looks": {"first": {"when": {"known": 0.5}}},
        "efficacy": "pocock",
        "planned_effect": 0.66,
        "re_estimation": {"at": "first", "by": by, "power": 0.9, "at_least": 104, "at_most": 150}
        | more,
        "final": {"test": "conventional" if by == "blinded" else "inverse_normal"},
    }
    changes = {"design.patients": 104, "outcomes.arat.effect.value": 0.66, "monitoring": plan}
    found = ts.load("cars1").replace(changes)
    assert isinstance(found, Scenario)
    return found


def re_estimated(result: ts.PowerResult) -> ReEstimated:
    """Return the sizes of a run that has some."""
    assert result.looks is not None
    assert result.looks.re_estimated is not None
    return result.looks.re_estimated


@pytest.fixture(scope="module")
def blinded() -> ts.PowerResult:
    """Return trials whose size is set again between 90 and 150, blinded."""
    return ts.power(study(at_least=90), TRIALS, 5, n_jobs=1)


def test_sizes_are_counted_where_the_trial_went_on_and_recruitment_was_open(
    blinded: ts.PowerResult,
) -> None:
    """Read another way: from the looks of the batch itself."""
    planned = study(at_least=90)
    trial = simulate_batch(largest(planned), Streams(5, range(TRIALS)))
    seen = monitor(FinishedTrial(trial), boundary_of(planned))
    goes_on = (seen.stop == 1) & (seen.moments.randomised_by_decision[:, 0] < 104)
    assert 0 < goes_on.sum() < TRIALS
    found = re_estimated(blinded)
    assert (found.was_set == goes_on).all()
    sizes = seen.patients[goes_on]
    counts = {
        "set_again": goes_on.sum(),
        "enlarged": (sizes > 104).sum(),
        "reduced": (sizes < 104).sum(),
        "at_the_most": (sizes == 150).sum(),
        "at_the_least": (sizes == 90).sum(),
    }
    for what, count in counts.items():
        assert found.share(what).estimate == count / TRIALS
    assert found.spread.mean.estimate == pytest.approx(sizes.mean())
    assert found.spread.mean.mcse == pytest.approx(sizes.std(ddof=1) / np.sqrt(len(sizes)))
    quantiles = [float(one.estimate) for one in found.spread.quantiles]
    assert quantiles == pytest.approx(np.quantile(sizes, [0.05, 0.5, 0.95]))


def test_sizes_stand_in_text_and_in_json(blinded: ts.PowerResult) -> None:
    told = blinded.to_dict()["monitoring"]["re_estimation"]
    assert (told["look"], told["planned"], told["at_least"], told["at_most"]) == (
        "first",
        104,
        90,
        150,
    )
    assert told["enlarged"]["mcse"] > 0
    text = power_text("title", blinded)
    assert "sample size re-estimated at first, of all trials" in text
    assert "at the most, 150" in text


def test_a_study_whose_size_stays_has_no_such_rows() -> None:
    result = ts.power(study().replace({"monitoring.re_estimation": None}), 16, n_jobs=1)
    assert result.looks is not None
    assert result.looks.re_estimated is None
    assert "re_estimation" not in result.to_dict()["monitoring"]


def test_where_no_trial_had_its_size_set_there_is_no_mean() -> None:
    late = study().replace({"monitoring.looks.first.decided_after_days": 400.0})
    result = ts.power(late, 16, n_jobs=1)
    found = re_estimated(result)
    assert found.share("set_again").estimate == 0
    assert np.isnan(found.spread.mean.estimate)
    assert "size where it was set again" in power_text("title", result)


def crowded(
    monitoring: dict[str, Any] | None, patients: int = 60, candidates: float = 3.0
) -> Scenario:
    """Return CARS-1 at sites with one chair, whose infusions take so long that patients wait."""
    changes = {
        "design.patients": patients,
        "operations.candidates_per_site_per_month": candidates,
        "operations.infusion_minutes": 240,
        "operations.infusion_chairs_per_site": 1,
        "monitoring": monitoring,
    }
    found = ts.load("cars1_chairs").replace(changes)
    assert isinstance(found, Scenario)
    return found


EARLY: dict[str, Any] = {"looks": {"first": {"when": {"known": 0.2}}}, "efficacy": "none"}
PAUSE = {"when": {"known": 0.2}, "decided_after_days": 21.0, "recruitment_meanwhile": "pauses"}
PAUSING: dict[str, Any] = {**EARLY, "looks": {"first": PAUSE}}


@pytest.mark.parametrize("early", [EARLY, PAUSING], ids=["goes on", "pauses"])
def test_where_patients_wait_for_chairs_a_size_that_stays_changes_nothing(
    early: dict[str, Any],
) -> None:
    """The zone is so narrow that no trial is in it: every number is that of the plan without."""
    zone = {"at": "first", "by": "promising_zone", "power": 0.9, "least_power": 0.8999}
    final = {"test": "conventional", "because": "no trial is enlarged"}
    rule = {"re_estimation": {**zone, "at_least": 60, "at_most": 120}, "final": final}
    changed, plain = (
        ts.power(crowded({**early, **more}), 6, 7, n_jobs=1) for more in (rule, {"final": final})
    )
    assert (changed.columns["planned_patients"] == 60).all()
    for name, column in plain.columns.items():
        assert np.array_equal(changed.columns[name], column, equal_nan=True), name


def test_a_new_size_where_recruitment_paused_is_one_of_that_design_with_the_pause() -> None:
    """Each trial is run by itself, of its own size, with nobody randomised in its own pause."""
    blinded = {"at": "first", "by": "blinded", "power": 0.8, "effect": 0.7}
    rule = {"re_estimation": {**blinded, "at_least": 45, "at_most": 90}}
    planned = crowded({**PAUSING, **rule}, candidates=1.0)
    trial = simulate_batch(largest(planned), Streams(7, range(6)))
    seen = monitor(FinishedTrial(trial), boundary_of(planned))
    (pause,) = seen.pauses
    assert (pause.begins == seen.moments.minute[:, 0]).all()
    assert len(set(seen.patients.tolist())) > 2
    for row, size in enumerate(seen.patients.tolist()):
        begins, ends = pause.begins[[row]], pause.ends[[row]]
        streams, design = Streams(7, range(row, row + 1)), crowded(None, size, 1.0)
        alone = simulate_batch(design, streams, "events", None, [Pause(begins, ends)])
        conduct, found = alone.conduct, seen.ended.trial.conduct
        assert not ((conduct.randomised >= begins) & (conduct.randomised < ends)).any()
        assert (conduct.randomised[0] >= ends).any()
        assert conduct.waited is not None
        assert (conduct.waited > 0).any()
        for name in ("randomised", "infusion_given", "infusion_start"):
            assert (getattr(conduct, name)[0] == getattr(found, name)[row, :size]).all(), name
        last = statistics_of_all(FinishedTrial(alone), size)
        assert seen.found.z[row, -1] == last.z[0]


def test_chairs_for_all_who_are_planned_may_be_too_few_for_those_a_look_adds() -> None:
    """Then who withdraws cannot go by the score at the next visit."""
    by = {"arat": {"seen": "unseen", "log_odds_per_unit": -0.05, "reference": 30}}
    changes = {"operations.withdrawal.scores": by, "operations.infusion_chairs_per_site": 149}
    with pytest.raises(InputError, match=r"^operations\.withdrawal\.scores\.arat\.seen: must be"):
        study().replace(changes)
    study().replace({**changes, "operations.infusion_chairs_per_site": 150})


def test_where_patients_wait_for_chairs_a_trial_of_a_new_size_is_one_of_that_design() -> None:
    blinded = {"at": "first", "by": "blinded", "power": 0.8, "effect": 0.7}
    rule = {"re_estimation": {**blinded, "at_least": 45, "at_most": 90}}
    found = ts.power(crowded({**EARLY, **rule}), 8, 7, n_jobs=1).columns
    sizes = found["planned_patients"].astype(int)
    assert len(set(sizes.tolist())) > 2
    for row, size in enumerate(sizes.tolist()):
        alone = Simulation(crowded(None, size), 7).run(range(row, row + 1)).columns
        for name in ("estimate", "infusions_given", "duration_days", "screened"):
            assert found[name][row] == alone[name].item(), (row, name)
