"""The numbers kept of each replicate: those of the trial alone, whatever ran beside it."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from trialsim.analysis.analyse import analyse
from trialsim.clock import DAY
from trialsim.errors import RecruitmentError
from trialsim.replicates.quantities import QUANTITIES
from trialsim.replicates.run import Replicates, Simulation, _most_at_once, joined, summary_of
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import simulate
from trialsim.streams import Streams
from trialsim.trial.trial import Engine, Trial, simulate_batch

SEED = 2016
SMALL: Mapping[str, Any] = {"design.patients": 60}
TROUBLED: Mapping[str, Any] = {
    "design.patients": 60,
    "operations.withdrawal.probability": 0.2,
    "operations.death": {"probability": 0.2, "days": {"distribution": "exponential", "mean": 60}},
    "operations.discontinuation.probability": 0.3,
    "operations.visit_missed_probability": 0.1,
}
CARS1 = load("cars1").replace(SMALL)
HURRIED = CARS1.replace({"operations.recruitment_limit_days": 130, "operations.at_limit": "fail"})
"""A study whose recruitment is complete in time in about half of the replicates."""
CROWDED = load("cars1_chairs").replace(
    {**SMALL, "operations.infusion_chairs_per_site": 1, "operations.infusion_minutes": 240}
)
STUDIES = {
    "as it is": CARS1,
    "troubled": load("cars1").replace(TROUBLED),
    "without effect": load("cars1_null").replace(SMALL),
    "hurried": HURRIED,
    "by site": CARS1.replace({"analysis.strata": "site"}),
    "change": CARS1.replace({"analysis.measure": "change"}),
}


def assert_same(one: Replicates, other: Replicates) -> None:
    assert one.failures == other.failures
    assert one.columns.keys() == other.columns.keys()
    for name, values in one.columns.items():
        assert_array_equal(values, other.columns[name], err_msg=name)


def run(name: str, replicates: range, engine: Engine = "vector", batch: int = 64) -> Replicates:
    return Simulation(STUDIES[name], SEED, engine, batch).run(replicates)


@pytest.mark.parametrize("name", STUDIES)
def test_the_size_of_a_batch_changes_nothing(name: str) -> None:
    whole = run(name, range(150), batch=128)
    for batch in (50, 64, 1000):
        assert_same(run(name, range(150), batch=batch), whole)
    assert_same(run(name, range(40), batch=1), run(name, range(40)))


def test_the_size_of_a_batch_changes_nothing_where_patients_wait() -> None:
    whole = Simulation(CROWDED, SEED, "events", 10).run(range(10))
    for batch in (1, 3):
        assert_same(Simulation(CROWDED, SEED, "events", batch).run(range(10)), whole)
    assert not np.array_equal(
        whole.columns["infusions_given"],
        Simulation(CARS1, SEED, "events").run(range(10)).columns["infusions_given"],
    )


@pytest.mark.parametrize("name", STUDIES)
def test_a_range_is_cut_from_the_run_of_all(name: str) -> None:
    whole, part = run(name, range(150)), run(name, range(37, 90))
    for column, values in part.columns.items():
        assert_array_equal(values, whole.columns[column][37:90], err_msg=column)
    assert part.failures == tuple(one for one in whole.failures if 37 <= one.replicate < 90)


def test_every_replicate_has_every_quantity() -> None:
    columns = run("as it is", range(70)).columns
    assert tuple(columns) == QUANTITIES
    assert all(values.shape == (70,) and values.dtype == float for values in columns.values())
    assert all(np.isfinite(values).all() for values in columns.values())


def test_another_seed_gives_other_trials() -> None:
    one, other = (Simulation(CARS1, seed, "vector").run(range(20)) for seed in (1, 2))
    for name in ("estimate", "screened", "recruitment_days", "infusions_given"):
        assert not np.array_equal(one.columns[name], other.columns[name])


@pytest.mark.parametrize("name", sorted(STUDIES.keys() - {"hurried"}))
@pytest.mark.parametrize("replicate", [0, 3])
def test_the_numbers_are_those_of_the_trial_analysed_alone(name: str, replicate: int) -> None:
    """Oracle: the analysis and the tables of that one trial."""
    part = run(name, range(8))
    trial = simulate(STUDIES[name], SEED, replicate)
    result, tables = analyse(trial), trial.tables()
    disposition, visits = tables["disposition"], tables["visits"]
    expected = {
        "estimate": result.estimate,
        "low": result.ci[0],
        "high": result.ci[1],
        "p_value": result.p_value,
        "rejected": result.primary.rejected,
        "favoured": result.primary.rejected and result.estimate > result.primary.null,
        "treated_analysed": result.primary.treated,
        "control_analysed": result.primary.control,
        "screened": len(tables["screening"]),
        "recruitment_days": tables["subjects"]["randomised_minute"].max() / DAY,
        "duration_days": visits.loc[visits["status"] == "attended", "due_minute"].max() / DAY,
        "infusions_given": (tables["infusions"]["status"] == "given").sum(),
        "discontinued": disposition["treatment_discontinued"].sum(),
        "withdrawn": (disposition["status"] == "withdrawn").sum(),
        "died": (disposition["status"] == "died").sum(),
    }
    assert {column: part.columns[column][replicate] for column in expected} == expected


@pytest.mark.parametrize("looks", [False, True])
def test_events_that_few_studies_have_are_counted_by_arm(looks: bool) -> None:
    """Oracle: the disposition of each trial; a look that stops nothing changes nothing."""
    often = {"probability": 0.3, "arms": {"cerebrolysin": {"odds_ratio": 3}}}
    events = ("drug_related_discontinuation", "rescue", "switching")
    study = CARS1.replace(
        {
            "design.patients": 60,
            **{f"operations.{event}": often for event in events[:2]},
            "operations.switching": {"probability": 0.3, "to": "placebo"},
        }
    )
    if looks:
        look = {"when": {"known": 0.7}, "decided_after_days": 28.0}
        study = study.replace({"monitoring": {"looks": {"first": look}, "efficacy": "none"}})
    found = Simulation(study, SEED, "vector").run(range(4)).columns
    for replicate in range(4):
        table = simulate(study, SEED, replicate).tables()["disposition"]
        for arm, label in (("treated", "cerebrolysin"), ("control", "placebo")):
            own = table[table["arm"] == label]
            assert found[f"{arm}_stopped_for_drug"][replicate] == own["discontinued_for_drug"].sum()
            for name in ("rescued", "switched"):
                assert found[f"{arm}_{name}"][replicate] == own[f"{name}_minute"].notna().sum()
    assert found["treated_rescued"].sum() > found["control_rescued"].sum() > 0
    assert found["control_switched"].sum() == 0 < found["treated_switched"].sum()
    assert not {"treated_rescued", "control_switched"} & run("as it is", range(8)).columns.keys()


@pytest.mark.parametrize("name", ["as it is", "troubled"])
def test_mean_scores_are_those_of_the_analysed_who_lived(name: str) -> None:
    """Oracle: pandas; LOCF, the efficacy set, and no score for the dead."""
    trial = simulate(STUDIES[name], SEED, 1)
    tables = trial.tables()
    visits = tables["visits"]
    died = visits.loc[(visits["visit"] == "day_90") & (visits["status"] == "died"), "subject"]
    after = visits[(visits["visit"] != "baseline") & visits["attended"]]
    kept = after["subject"].drop_duplicates()
    kept = kept[~kept.isin(died)]
    last = visits[visits["subject"].isin(kept)].groupby(["arm", "subject"], observed=True)
    means = last["arat"].last().groupby("arm", observed=True).mean()
    columns = run(name, range(1, 2)).columns
    assert columns["treated_mean"].item() == pytest.approx(means["cerebrolysin"], abs=1e-12)
    assert columns["control_mean"].item() == pytest.approx(means["placebo"], abs=1e-12)


def pairwise(treated: NDArray[Any], control: NDArray[Any]) -> float:
    """Return the Mann-Whitney effect by looking at every pair."""
    return float((np.sign(treated[:, None] - control) / 2 + 0.5).mean())


@pytest.mark.parametrize("name", ["as it is", "troubled"])
def test_the_truth_is_the_effect_had_no_score_been_missed(name: str) -> None:
    """Oracle: every pair of all randomised patients; who died by day 90 is below all scores."""
    trial = simulate(STUDIES[name], SEED, 2).batch
    score = trial.underlying["arat"][0, :, -1].copy()
    score[trial.conduct.died[0] <= trial.conduct.visit_minute[0, :, -1]] = -1
    expected = pairwise(score[trial.arms[0] == 0], score[trial.arms[0] == 1])
    columns = run(name, range(2, 3)).columns
    assert columns["truth_over"].item() == pytest.approx(expected, abs=1e-12)
    assert columns["truth_under"].item() == 1


def test_a_replicate_that_cannot_be_recruited_is_named_and_has_no_numbers() -> None:
    part = run("hurried", range(40))
    failed = {failure.replicate for failure in part.failures}
    assert 5 < len(failed) < 35
    assert [failure.replicate for failure in part.failures] == sorted(failed)
    for name, values in part.columns.items():
        assert set(np.flatnonzero(np.isnan(values)).tolist()) == failed, name


def test_a_batch_that_nobody_could_recruit_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each replicate fails for the reason that it has alone, and none is run again to find it."""
    never = CARS1.replace({"operations.recruitment_limit_days": 40, "operations.at_limit": "fail"})
    alone = Simulation(never, SEED, "vector").run(range(5, 6))
    sizes = []

    def counted(study: Scenario, streams: Streams, engine: Engine) -> Trial:
        sizes.append(len(streams.replicates))
        return simulate_batch(study, streams, engine)

    module = import_module("trialsim.replicates.run")
    monkeypatch.setattr(module, "simulate_batch", counted)
    whole = Simulation(never, SEED, "vector").run(range(64))
    assert sizes == [64]
    assert [one.replicate for one in whole.failures] == list(range(64))
    assert {one.reason for one in whole.failures} == {alone.failures[0].reason}
    for name, values in whole.columns.items():
        assert np.isnan(values).all(), name
        assert values.shape == (64,), name


def test_the_address_of_a_failure_finds_it_again() -> None:
    """Oracle: the replicate simulated alone fails for the same reason, any other does not."""
    reasons = {one.replicate: one.reason for one in run("hurried", range(12)).failures}
    for replicate in range(12):
        if replicate in reasons:
            with pytest.raises(RecruitmentError) as failure:
                simulate(HURRIED, SEED, replicate)
            assert str(failure.value) == reasons[replicate]
        else:
            simulate(HURRIED, SEED, replicate)


def test_a_limit_of_recruitment_changes_no_replicate_that_keeps_it() -> None:
    limited, unlimited = run("hurried", range(64)), run("as it is", range(64))
    kept = np.isfinite(limited.columns["estimate"])
    closed = unlimited.columns["recruitment_days"]
    assert_array_equal(kept, closed <= closed[kept].max())
    for name, values in limited.columns.items():
        assert_array_equal(values[kept], unlimited.columns[name][kept], err_msg=name)


def break_replicate(
    monkeypatch: pytest.MonkeyPatch, broken: int, error: BaseException
) -> list[range]:
    """Let the simulation of one replicate raise, and return the batches that were begun."""
    begun: list[range] = []

    def faulty(scenario: Any, streams: Streams, engine: Engine) -> Trial:
        begun.append(streams.replicates)
        if broken in streams.replicates:
            raise error
        return simulate_batch(scenario, streams, engine)

    module = import_module("trialsim.replicates.run")
    monkeypatch.setattr(module, "simulate_batch", faulty)
    monkeypatch.setattr(module, "quantities_at_once", lambda *_: None)  # which makes no trial
    return begun


@pytest.mark.parametrize("broken", [0, 37, 99])
def test_a_replicate_that_raises_is_named_and_spoils_no_other(
    monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    expected = run("as it is", range(100))
    break_replicate(monkeypatch, broken, ZeroDivisionError("by chance"))
    part = run("as it is", range(100))
    (failure,) = part.failures
    assert failure[:2] == (broken, "ZeroDivisionError('by chance')")
    assert failure.traceback is not None
    assert "trialsim/replicates/run.py" in failure.traceback.splitlines()[0]
    others = np.arange(100) != broken
    for name, values in part.columns.items():
        assert np.isnan(values[broken]), name
        assert_array_equal(values[others], expected.columns[name][others], err_msg=name)


def test_finding_the_one_that_raises_takes_few_simulations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each halving simulates two halves: 1 + 2 * log2(64)."""
    begun = break_replicate(monkeypatch, 37, ValueError())
    run("as it is", range(64))
    assert len(begun) == 13


def test_failures_of_both_kinds_stand_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    late = [failure.replicate for failure in run("hurried", range(64)).failures]
    broken = next(number for number in range(10, 64) if number not in late)
    break_replicate(monkeypatch, broken, ValueError("x"))
    failures = run("hurried", range(64)).failures
    assert [failure.replicate for failure in failures] == sorted([*late, broken])


def test_an_interruption_is_no_failure_of_a_replicate(monkeypatch: pytest.MonkeyPatch) -> None:
    break_replicate(monkeypatch, 3, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run("as it is", range(8))


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_no_failure_of_a_replicate(seed: int) -> None:
    rule = rf"^seed must be a whole number in 0 to 2\*\*64 - 1 \(got {seed}\)$"
    with pytest.raises(ValueError, match=rule):
        Simulation(CARS1, seed, "vector").run(range(4))


def test_parts_join_in_the_order_given() -> None:
    whole = run("hurried", range(90))
    parts = [run("hurried", part) for part in (range(20), range(20, 21), range(21, 90))]
    assert_same(joined(parts), whole)


def test_fewer_are_counted_at_once_where_each_of_many_patients_is_measured_often() -> None:
    twelve = load("cars1").with_analysis("global_status")
    large = {"design.patients": 50_000}
    counted = [Simulation(twelve.replace(one), SEED).counted_at_once for one in ({}, large)]
    assert counted == [256, 1]
    assert Simulation(load("cars1").replace(large), SEED).counted_at_once == 20


def test_room_is_left_for_every_outcome_at_each_visit_of_secondary_analyses() -> None:
    analyses = {f"at_{day}": {"endpoint": "nihss", "visit": day} for day in ("day_7", "day_42")}
    study = load("cars1").replace({"analysis.secondary": analyses, "design.patients": 50_000})
    kept = summary_of(study, secondary=True)
    assert Simulation(study, SEED, summarise=kept).counted_at_once == 20 // 6


def test_a_study_that_one_candidate_in_ten_thousand_can_enter_recruits_them() -> None:
    rare = load("stroke_nihss").replace(
        {
            "design.patients": 4,
            "operations.candidates_per_site_per_month": 2_000,
            "population.covariates.haemorrhagic.margin.probability": 0.9999,
        }
    )
    assert Simulation(rare, SEED).run(range(2)).failures == ()


def test_a_batch_follows_the_size_of_the_trial_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _most_at_once(CARS1) > 64
    assert _most_at_once(CARS1.replace({"design.patients": 1_000_000})) == 1
    whole = run("as it is", range(10))
    monkeypatch.setattr(import_module("trialsim.replicates.run"), "_ROOM", 1)
    assert_same(run("as it is", range(10)), whole)
