"""One simulated trial, found by its address and read like any trial: by hand, with pandas."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest
from pandas import DataFrame
from pandas.testing import assert_frame_equal
from scipy.stats import mannwhitneyu

from trialsim.analysis.analyse import analyse
from trialsim.errors import InputError, RecruitmentError, RunError
from trialsim.scenario.files.yaml_file import load
from trialsim.simulated import simulate
from trialsim.trial.trial import Engine

ByHand: TypeAlias = Callable[[DataFrame], dict[str, DataFrame]]

SEED = 2016
SMALL = load("cars1").replace({"design.patients": 40})
TABLES = ["screening", "subjects", "infusions", "visits", "disposition"]
MUCH_MISSED: Mapping[str, Any] = {
    "operations.withdrawal.probability": 0.2,
    "operations.death": {"probability": 0.15, "days": {"distribution": "exponential", "mean": 40}},
    "operations.visit_missed_probability": 0.2,
}


@pytest.mark.parametrize(
    ("name", "changes", "replicate"),
    [
        ("cars1", {}, 0),
        ("cars1_null", {}, 1),
        ("cars1_registry", {}, 2),
        ("cars1_chairs", {}, 0),
        ("cars1", MUCH_MISSED, 1),
        ("cars1", MUCH_MISSED, 2),
    ],
)
def test_the_p_value_is_that_of_scipy_on_the_table_of_visits(
    analysed_by_hand: ByHand, name: str, changes: dict[str, Any], replicate: int
) -> None:
    trial = simulate(load(name).replace(changes), SEED, replicate)
    result = analyse(trial)
    arms = analysed_by_hand(trial.tables()["visits"])
    treated, control = (
        arm["value"].to_numpy(float) for arm in (arms["cerebrolysin"], arms["placebo"])
    )
    oracle = mannwhitneyu(treated, control, method="asymptotic", use_continuity=False)
    assert result.p_value == pytest.approx(oracle.pvalue, rel=1e-9, abs=1e-300)
    assert result.estimate == pytest.approx(oracle.statistic / (len(treated) * len(control)))
    assert (result.primary.treated, result.primary.control) == (len(treated), len(control))


def test_where_much_is_missed_every_rule_of_the_plan_is_needed(analysed_by_hand: ByHand) -> None:
    """Or the law above would hold without them."""
    trial = simulate(load("cars1").replace(MUCH_MISSED), SEED)
    visits = trial.tables()["visits"]
    last = visits[visits["visit"] == "day_90"]
    kept = analysed_by_hand(visits)
    rows = [len(arm) for arm in kept.values()]
    assert (last["status"] == "died").sum() > 5
    assert last["arat"].notna().sum() < sum(rows) < len(last)


@pytest.mark.parametrize("address", [(0, 0), (2016, 7), (2**64 - 1, 0), (3, 2**63 - 1)])
def test_an_address_finds_its_trial_again(address: tuple[int, int]) -> None:
    one, again = (simulate(SMALL, *address) for _ in range(2))
    assert (one.seed, one.replicate) == address
    assert list(one.tables()) == TABLES
    for name, table in one.tables().items():
        assert_frame_equal(table, again.tables()[name])
        assert (table["replicate"] == address[1]).all()


@pytest.mark.parametrize("engine", ["events", "vector"])
def test_either_engine_gives_the_same_tables_and_the_same_result(engine: Engine) -> None:
    one, other = simulate(SMALL, SEED, 4), simulate(SMALL, SEED, 4, engine)
    assert other.batch.engine == engine
    for name, table in one.tables().items():
        assert_frame_equal(table, other.tables()[name])
    assert analyse(one).to_dict() == analyse(other).to_dict()


def test_other_addresses_give_other_trials() -> None:
    found = {
        tuple(simulate(SMALL, seed, replicate).tables()["visits"]["arat"].fillna(-1))
        for seed in range(2)
        for replicate in range(2)
    }
    assert len(found) == 4


def test_a_trial_remembers_its_study() -> None:
    trial = simulate(SMALL, SEED)
    assert trial.scenario == SMALL
    assert trial.replicate == 0
    assert len(trial.tables()["subjects"]) == 40


def test_the_engine_is_refused_by_name_where_it_cannot_run_the_study() -> None:
    with pytest.raises(InputError, match=r"^engine: .*infusion_chairs_per_site \(got vector\)$"):
        simulate(load("cars1_chairs"), SEED, engine="vector")
    with pytest.raises(InputError, match=r"^engine: must be auto, events or vector \(got event\)$"):
        simulate(SMALL, SEED, engine="event")  # type: ignore[arg-type]


@pytest.mark.parametrize("address", [(-1, 0), (2**64, 0), (1, -1)])
def test_an_address_out_of_range_is_refused(address: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"must (lie in|be) .* \(got "):
        simulate(SMALL, *address)


def test_a_trial_that_is_not_complete_in_time_fails_with_its_limit() -> None:
    hurried = SMALL.replace(
        {"operations.recruitment_limit_days": 20, "operations.at_limit": "fail"}
    )
    with pytest.raises(RecruitmentError) as failure:
        simulate(hurried, SEED)
    assert str(failure.value) == "recruitment was not complete after 20 days"
    assert isinstance(failure.value, RunError)
