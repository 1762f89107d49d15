"""Power with looks: the same on any engine, batch and run, and what a delayed endpoint leaves."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trialsim as ts
from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.arrays import Floats
from trialsim.clock import DAY, NEVER
from trialsim.compiled.library import NUMPY, computed_by
from trialsim.replicates.monitoring.looks import FINAL, LooksResult
from trialsim.replicates.monitoring.monitored import monitored_quantities
from trialsim.replicates.run import Simulation, summary_of
from trialsim.scenario.programme import single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.monitoring import boundary_of
from trialsim.streams import Streams
from trialsim.trial.trial import Engine, Trial, simulate_batch

LOOK = {"when": {"known": 0.7}, "decided_after_days": 28.0}
PLAN: dict[str, Any] = {"looks": {"first": LOOK}, "efficacy": "obrien_fleming"}
TWO: dict[str, Any] = {
    "looks": {"first": {**LOOK, "when": {"known": 0.4}}, "second": LOOK},
    "efficacy": "pocock",
    "futility": {"scale": "conditional_power", "below": 0.2, "at": ["first"]},
}


def study(monitoring: dict[str, Any] = PLAN, **changes: Any) -> Scenario:
    """Return CARS-1 with an effect of .62, 240 patients and looks."""
    told = {name.replace("__", "."): value for name, value in changes.items()}
    base = {"design.patients": 240, "outcomes.arat.effect.value": 0.62}
    return single_trial(ts.load("cars1").replace({**base, "monitoring": monitoring, **told}))


def bits(columns: Any) -> dict[str, bytes]:
    """Return the bits of every column."""
    return {name: np.asarray(values).tobytes() for name, values in columns.items()}


@pytest.fixture(scope="module")
def effective() -> ts.PowerResult:
    """Return 2,048 trials with an effect."""
    return ts.power(study(), replicates=2048, seed=2016, n_jobs=1)


def looks_of(result: ts.PowerResult) -> LooksResult:
    """Return the looks of a result that has some."""
    assert result.looks is not None
    return result.looks


@pytest.mark.parametrize("plan", [PLAN, TWO], ids=["one look", "two looks"])
def test_engines_batches_and_workers_change_no_bit(plan: dict[str, Any]) -> None:
    small = study(plan, design__patients=60)
    vector = Simulation(small, 7, "vector", 64).run(range(40))
    events = Simulation(small, 7, "events", 64).run(range(40))
    alone = Simulation(small, 7, "vector", 1).run(range(40))
    spread = ts.power(small, replicates=40, seed=7, n_jobs=2, batch=8)
    assert bits(vector.columns) == bits(events.columns)
    assert bits(vector.columns) == bits(alone.columns)
    assert bits(vector.columns) == bits(spread.columns)


BY_DAY = {"when": {"days_after_first_patient": 170}, "planned_share": 0.6}
BY_VARIANCE = {"information": "variance", "planned_standard_error": 0.072}
SIZES = {"at": "first", "by": "blinded", "power": 0.9, "effect": 0.62}
COUNTED: dict[str, dict[str, Any]] = {
    "two looks": {"monitoring": TWO},
    "information by variance": {"monitoring": {**TWO, **BY_VARIANCE}},
    "set again": {
        "monitoring": {**PLAN, "re_estimation": {**SIZES, "at_least": 60, "at_most": 90}}
    },
    "combined": {"monitoring": {**PLAN, "final": {"test": "inverse_normal"}}},
    "by day": {"monitoring": {**PLAN, "looks": {"first": BY_DAY}}},
    "by site, many leave": {
        "analysis.strata": "site",
        "operations.withdrawal.probability": 0.2,
        "operations.death.probability": 0.2,
        "operations.visit_missed_probability": 0.2,
    },
    "responders": {"analysis.test": {"method": "responders", "threshold": 40}},
    "brunner_munzel": {"analysis.test": {"method": "brunner_munzel"}},
    "changes of the NIHSS": {
        "analysis.endpoint": "nihss",
        "analysis.measure": "change",
        "analysis.missing": "worst_rank",
        "outcomes.nihss.effect.value": 0.7,
    },
    "some fail to recruit": {
        "operations.recruitment_limit_days": 420,
        "operations.at_limit": "fail",
    },
}
SIMULATED: dict[str, dict[str, Any]] = {
    "left out": {"monitoring": {**PLAN, "waiting_patients": "left_out"}},
    "pauses": {
        "monitoring": {**PLAN, "looks": {"first": {**LOOK, "recruitment_meanwhile": "pauses"}}}
    },
    "by patients": {"analysis.test": {"method": "t_test"}, "analysis.death": "as_missing"},
}


@pytest.mark.parametrize("name", [*COUNTED, *SIMULATED])
def test_trials_that_are_counted_are_cut_as_those_that_are_kept(name: str) -> None:
    changes = {**COUNTED, **SIMULATED}[name]
    small = single_trial(study(design__patients=60).replace(changes))
    assert (summary_of(small).at_once is not None) == (name in COUNTED)
    found = Simulation(small, 7).run(range(100, 228))
    with computed_by(NUMPY):
        expected = Simulation(small, 7).run(range(100, 228))
    assert bits(found.columns) == bits(expected.columns)
    assert found.failures == expected.failures
    assert np.isfinite(expected.columns["stop"]).sum() > 30
    assert 0 < np.nanmean(expected.columns["stopped_for_efficacy"]) < 1


@pytest.mark.parametrize(("batch", "begun"), [(64, [256, 44]), (300, [300]), (50, [50] * 6)])
def test_looks_simulate_more_at_once_unless_fewer_than_usual_are_wanted(
    monkeypatch: pytest.MonkeyPatch, batch: int, begun: list[int]
) -> None:
    sizes: list[int] = []

    def simulated(scenario: Scenario, streams: Streams, engine: Engine) -> Trial:
        sizes.append(len(streams.replicates))
        return simulate_batch(scenario, streams, engine)

    monkeypatch.setattr("trialsim.replicates.run.simulate_batch", simulated)
    with computed_by(NUMPY):
        Simulation(study(design__patients=8), 7, batch=batch).run(range(300))
    assert sizes == begun


def test_a_run_directory_keeps_the_looks_and_replays_them(tmp_path: Path) -> None:
    from trialsim.runs.directory import find_run
    from trialsim.runs.replay import replay

    small = study(TWO, design__patients=40)
    kept = ts.power(small, replicates=64, seed=7, n_jobs=1, out=tmp_path / "run")
    fresh = ts.power(small, replicates=64, seed=7, n_jobs=1)
    assert bits(kept.columns) == bits(fresh.columns)
    again = replay(find_run(tmp_path / "run"), 5)
    assert again.numbers["look.first.z"] == fresh.columns["look.first.z"][5]


def test_most_patients_are_in_before_the_board_decides(effective: ts.PowerResult) -> None:
    """238 randomised on average where the textbook, with half of the trials stopped, says 202."""
    looks = looks_of(effective)
    randomised = looks.spread("randomised").mean
    assert float(randomised.estimate) == pytest.approx(238, abs=1)
    textbook = float(effective.mean_of("analysed_at_stop").estimate)
    assert textbook == pytest.approx(202, abs=3)
    assert looks.probability("first", "efficacy").estimate == pytest.approx(0.5, abs=0.04)
    assert looks.at("first", "waiting").estimate > 50


def test_a_trial_without_stops_is_the_trial_without_looks() -> None:
    never = study({**PLAN, "efficacy": "none"}, design__patients=60)
    plain = never.replace({"monitoring": None})
    looked = ts.power(never, replicates=128, n_jobs=1)
    alone = ts.power(plain, replicates=128, n_jobs=1)
    for name in alone.columns:
        if name == "rejected":
            assert (looked.columns[name] == alone.columns[name]).mean() > 0.99
        else:
            assert looked.columns[name] == pytest.approx(alone.columns[name], abs=1e-9), name


def test_under_no_effect_the_level_is_kept() -> None:
    """Both sides together .05, the upper .025, within 3 Monte Carlo errors at 4,096 trials."""
    none = study(TWO | {"futility": None}, outcomes__arat__effect__value=0.5, design__patients=120)
    result = ts.power(none, replicates=4096, seed=90210, n_jobs=1)
    assert result.rejections.estimate == pytest.approx(0.05, abs=3 * 0.0034)
    assert result.power == pytest.approx(0.025, abs=3 * 0.00244)


def test_futility_that_is_not_binding_costs_power_and_no_level() -> None:
    with_it = study(TWO, design__patients=120)
    without = study(TWO | {"futility": None}, design__patients=120)
    some, all_ = (ts.power(one, replicates=512, n_jobs=1) for one in (with_it, without))
    assert some.power < all_.power
    assert not ((some.columns["rejected"] == 1) & (all_.columns["rejected"] == 0)).any()


def test_estimates_after_an_early_stop_are_biased(effective: ts.PowerResult) -> None:
    looks = looks_of(effective)
    stopped, ended = looks.estimation("naive_", "first"), looks.estimation("naive_", FINAL)
    assert stopped.bias.estimate > 3 * stopped.bias.mcse
    assert ended.bias.estimate < -3 * ended.bias.mcse
    overall = looks.estimation("naive_")
    assert overall.trials == stopped.trials + ended.trials == 2048
    square = np.mean((effective.columns["naive_estimate"] - looks.truth) ** 2)
    assert overall.rmse.estimate == pytest.approx(np.sqrt(square))


def test_a_stop_is_undone_by_the_completed_data_at_the_bound_of_the_last_analysis() -> None:
    """Of cars_sequential about 3% of the stops, where the look's own bound would count 16%."""
    result = ts.power(ts.load("cars_sequential"), replicates=1000, seed=2016, n_jobs=1)
    looks = looks_of(result)
    stops = float(np.isfinite(result.columns["reversed"]).sum())
    assert looks.reversals().estimate == pytest.approx(0.028, abs=3 * np.sqrt(0.028 / stops))
    of_futility = result.columns["stopped_for_futility"] == 1
    undone = of_futility & (result.columns["reversed"] == 1)
    assert looks.reversals("futility").estimate == undone.sum() / of_futility.sum() > 0.05
    assert looks.reversals("efficacy").estimate < 0.02


def test_a_stop_that_leaves_patients_out_has_no_completed_data() -> None:
    from trialsim.reporting.text.power import power_text

    plan = {**PLAN, "waiting_patients": "left_out"}
    result = ts.power(study(plan, design__patients=60), replicates=64, n_jobs=1)
    assert result.columns["stopped_for_efficacy"].any()
    assert np.isnan(looks_of(result).reversals().estimate)
    assert "reversed by pending endpoints" not in power_text("title", result)


@pytest.mark.parametrize("waiting", ["left_out", "followed"])
def test_a_stopped_trial_has_what_happened_to_those_it_randomised(waiting: str) -> None:
    """Those who are left out have no more when their trial closes."""
    first = {"when": {"known": 0.3}, "decided_after_days": 2.0}
    hasty = {"looks": {"first": first}, "efficacy": "pocock", "waiting_patients": waiting}
    leaving = {"operations__withdrawal__probability": 0.3, "outcomes__arat__effect__value": 0.8}
    small = study(hasty, design__patients=120, **leaving)
    trial = simulate_batch(small, Streams(7, range(64)))
    found, conduct = monitored_quantities(FinishedTrial(trial), boundary_of(small)), trial.conduct
    early = np.flatnonzero(found["stop"] == 0)
    assert found["randomised"][early].min() < 120
    for row in early:
        closes = round((found["look.first.day"][row] + 2) * DAY)
        until = closes if waiting == "left_out" else NEVER
        who = np.flatnonzero(conduct.randomised[row] < closes)
        started = conduct.infusion_start[row, who] < until
        seen = (conduct.visit_minute[row, who] * conduct.visit_attended[row, who]).max()
        assert found["randomised"][row] == len(who)
        assert found["infusions_given"][row] == (conduct.infusion_given[row, who] & started).sum()
        assert found["withdrawn"][row] == (conduct.withdrawn[row, who] < until).sum()
        assert found["died"][row] == (conduct.died[row, who] < until).sum()
        assert found["duration_days"][row] == min(seen, until) / DAY
        arrived = trial.cohort.arrival[row] <= min(closes, conduct.closed[row])
        assert found["screened"][row] == arrived.sum()


def test_repeated_intervals_hold_the_naive_ones(effective: ts.PowerResult) -> None:
    repeated = ts.power(study({**PLAN, "interval": "repeated"}), replicates=256, n_jobs=1)

    def width(columns: Any) -> Floats:
        return np.asarray(columns["high"][:256] - columns["low"][:256])

    assert (width(repeated.columns) >= width(effective.columns) - 1e-9).all()
    assert looks_of(repeated).is_adjusted
    assert not looks_of(effective).is_adjusted


def test_repeated_intervals_have_the_confidence_of_the_analysis() -> None:
    """A level of its own for the bounds: at 95% those of the plan, at 90% inside, at 99% outside.

    Of the whole run about so many hold the truth, and no fewer.
    """
    plan = {**PLAN, "interval": "repeated"}
    small = study(plan, design__patients=60)
    found = {
        confidence: ts.power(
            small.replace({"analysis.confidence": confidence}), replicates=256, n_jobs=1
        )
        for confidence in (0.9, 0.95, 0.99)
    }
    width = {one: run.columns["high"] - run.columns["low"] for one, run in found.items()}
    assert (width[0.9] < width[0.95]).mean() > 0.99
    assert (width[0.95] < width[0.99]).mean() > 0.99
    at_end = found[0.95].columns["stop"] == 1
    last = found[0.95].columns["high"] < 1
    scores = {one: np.median(width[one][at_end & last]) for one in width}
    assert scores[0.99] / scores[0.95] == pytest.approx(2.576 / 1.96, abs=0.04)
    assert scores[0.9] / scores[0.95] == pytest.approx(1.645 / 1.96, abs=0.04)


def test_repeated_intervals_do_not_count_on_binding_futility() -> None:
    """Binding futility lowers the bounds of the test, and leaves the intervals as they were."""
    one_sided = {"analysis__alternative": "greater", "analysis__alpha": 0.025}
    plan = {**PLAN, "interval": "repeated"}
    futile = {**plan, "futility": {"scale": "z", "below": 1.0, "binding": True}}
    free, bound = (
        ts.power(study(one, design__patients=60, **one_sided), replicates=256, n_jobs=1)
        for one in (plan, futile)
    )
    same = free.columns["stop"] == bound.columns["stop"]
    at_end = same & (free.columns["stop"] == 1)
    assert at_end.sum() > 20
    for end in ("low", "high"):
        assert bound.columns[end][at_end] == pytest.approx(free.columns[end][at_end], abs=1e-9)


def test_trials_that_end_at_full_information_are_counted() -> None:
    """They end at the look, with those who were randomised by its decision."""
    from trialsim.reporting.text.power import power_text

    plan = {**PLAN, "information": "variance", "planned_standard_error": 0.2}
    result = ts.power(study(plan, design__patients=60), replicates=64, n_jobs=1)
    full = result.columns["look.first.share"] >= 1
    assert full.any()
    assert (result.columns["stop"][full] == 0).all()
    in_by_then = result.columns["look.first.randomised_by_decision"][full]
    assert (result.columns["randomised"][full] == in_by_then).all()
    looks = looks_of(result)
    assert looks.probability("first", "full_information").estimate == full.mean()
    not_rejected = full & (result.columns["rejected"] == 0)
    assert (result.columns["stopped_for_information"] == not_rejected).all()
    assert np.isfinite(looks.reversals("information").estimate)
    text = power_text("title", result)
    assert "last analysis, at full information" in text
    assert "stops for full information reversed by pending endpoints" in text


def test_a_bound_that_no_trial_can_reach_is_never_reached() -> None:
    from trialsim.reporting.text.power import power_text

    result = ts.power(study({**PLAN, "efficacy": "none"}), replicates=32, n_jobs=1)
    assert looks_of(result).out_of_reach("first").estimate == 1
    assert np.isnan(looks_of(result).at("first", "bound").estimate)
    (row,) = (one for one in power_text("title", result).splitlines() if one[:10] == "bound on z")
    assert row.split()[-1] == "never"


def test_the_result_tells_its_looks_in_every_form(effective: ts.PowerResult) -> None:
    from trialsim.reporting.text.power import power_text

    told = effective.to_dict()["monitoring"]
    assert told["looks"][0]["look"] == "first"
    assert told["looks"][0]["efficacy_mcse"] > 0
    assert {"randomised", "analysed", "duration_days", "infusions_given"} == told["spread"].keys()
    assert {one["where"] for one in told["estimation"]} == {"all", "first", "final"}
    text = power_text("title", effective)
    assert "stopped for efficacy" in text
    assert "stops for efficacy reversed by pending endpoints" in text


def test_a_stop_of_patients_who_wait_is_a_run_with_recruitment_closed() -> None:
    """As many chairs as nobody waits for leave every bit, though the trials are run again."""
    plan = {"looks": {"first": {**LOOK, "when": {"known": 0.4}}}, "efficacy": "pocock"}
    slow = {"operations__candidates_per_site_per_month": 0.6, "outcomes__arat__effect__value": 0.85}
    free = study(plan, design__patients=40, **slow)
    wide = study(plan, design__patients=40, operations__infusion_chairs_per_site=39, **slow)
    cut, again = (Simulation(one, 7).run(range(24)).columns for one in (free, wide))
    assert 0 < cut["stopped_for_efficacy"].sum() < 24
    assert (cut["randomised"] < 40).any()
    assert bits(cut) == bits(again)


def test_with_few_chairs_those_who_were_never_recruited_take_none() -> None:
    """The infusions of a stopped trial are those of a trial closed at that minute."""
    from trialsim.streams import Streams
    from trialsim.trial.trial import simulate_batch

    plan = {"looks": {"first": {**LOOK, "when": {"known": 0.4}}}, "efficacy": "pocock"}
    sites = {"east": {"activation_day": 0.0}, "west": {"activation_day": 0.0}}
    crowded = study(
        plan,
        design__patients=40,
        operations__sites=sites,
        operations__infusion_chairs_per_site=1,
        outcomes__arat__effect__value=0.9,
    )
    found = Simulation(crowded, 7).run(range(12)).columns
    early = np.flatnonzero(found["stopped_for_efficacy"] == 1)
    assert early.size
    one = int(early[0])
    closes = int((found["look.first.day"][one] + 28) * 24 * 60)
    alone = simulate_batch(crowded, Streams(7, range(one, one + 1)), "events", closes)
    here = alone.conduct.randomised[0] < closes
    assert here.sum() == found["randomised"][one]
    assert alone.conduct.infusion_given[0][here].sum() == found["infusions_given"][one]


def test_a_pause_recruits_nobody_and_changes_nothing_before_it() -> None:
    """Until the first cut both trials are one; in the pause nobody is randomised."""
    from trialsim.analysis.monitoring.finished import FinishedTrial
    from trialsim.analysis.monitoring.monitored import monitor
    from trialsim.scenario.words.monitoring import boundary_of
    from trialsim.streams import Streams
    from trialsim.trial.trial import simulate_batch

    looks = {
        "first": {"when": {"known": 0.2}, "decided_after_days": 28.0},
        "second": {"when": {"known": 0.5}, "decided_after_days": 28.0},
    }
    pausing = {name: {**look, "recruitment_meanwhile": "pauses"} for name, look in looks.items()}
    slow = {"design__patients": 60, "operations__candidates_per_site_per_month": 1.0}
    goes_on, pauses = (
        study({"looks": one, "efficacy": "none"}, **slow) for one in (looks, pausing)
    )
    trial = simulate_batch(goes_on, Streams(9, range(16)))
    seen = [monitor(FinishedTrial(trial), boundary_of(one)) for one in (goes_on, pauses)]
    first = [one.moments for one in seen]
    assert (first[0].minute[:, 0] == first[1].minute[:, 0]).all()
    assert (seen[0].z[:, 0] == seen[1].z[:, 0]).all()
    randomised = seen[1].finished.randomised
    for place in range(2):
        begins, ends = first[1].minute[:, place], first[1].decided[:, place]
        meanwhile = (randomised >= begins[:, None]) & (randomised < ends[:, None])
        assert not meanwhile.any()
    assert (seen[1].finished.randomised[:, -1] >= seen[0].finished.randomised[:, -1]).all()
    assert (first[1].minute[:, 1] > first[0].minute[:, 1]).any()


def test_a_pause_is_the_same_on_both_engines() -> None:
    look = {"when": {"known": 0.3}, "decided_after_days": 28.0, "recruitment_meanwhile": "pauses"}
    slow = {"design__patients": 40, "operations__candidates_per_site_per_month": 0.8}
    plan = {"looks": {"first": look}, "efficacy": "pocock"}
    free = study(plan, **slow)
    wide = study(plan, operations__infusion_chairs_per_site=39, **slow)
    one, other = (Simulation(each, 7).run(range(12)).columns for each in (free, wide))
    assert bits(one) == bits(other)


def test_recruitment_that_stops_at_its_limit_skips_the_looks_it_does_not_come_to() -> None:
    """Of 60 patients about 40 come in 100 days: the look at half is held, that at 0.9 hardly."""
    plan = {
        "looks": {"first": {"when": {"known": 0.5}}, "second": {"when": {"known": 0.9}}},
        "efficacy": "obrien_fleming",
    }
    changes = {"design.patients": 60, "operations.recruitment_limit_days": 100}
    looked = single_trial(ts.load("cars1").replace({**changes, "monitoring": plan}))
    found = ts.power(looked, 64, 11, n_jobs=1)
    columns, looks = found.columns, found.looks
    assert looks is not None
    assert not found.failures
    assert looks.probability("first", "held").estimate > 0.6
    assert looks.probability("second", "held").estimate < 0.2
    assert 30 < columns["randomised"].mean() < 50
    assert (columns["recruitment_days"] < 110).all()
    assert (columns["duration_days"] < 230).all()
    without = ts.power(looked.replace({"monitoring": None}), 64, 11, n_jobs=1).columns
    went_on = columns["stop"] == 2
    for name in ("estimate", "screened", "recruitment_days", "duration_days", "infusions_given"):
        assert columns[name][went_on].tobytes() == without[name][went_on].tobytes(), name
    events = ts.power(looked, 16, 11, n_jobs=1, engine="events").columns
    assert all(events[name].tobytes() == columns[name][:16].tobytes() for name in columns)
