"""Hierarchical composites of simulated trials, against pairs compared by hand."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import trialsim as ts
from trialsim.analysis.comparison import LevelPairs
from trialsim.analysis.data import Data
from trialsim.analysis.methods.registry import compare, truth_parts
from trialsim.analysis.whole.covered import not_covered
from trialsim.clock import DAY, NEVER
from trialsim.errors import InputError
from trialsim.replicates.quantities import kept_of
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

ORDER: list[dict[str, Any]] = [
    {"death": {"by": "day_90"}},
    {"mrs": {"difference": 1}},
    {"arat": {"difference": 6, "visit": "day_42"}},
]
REPLICATES = 6


def study_with(order: list[dict[str, Any]], **fields: Any) -> Scenario:
    return load("cars1").replace(
        {
            "design.patients": 60,
            "analysis.secondary": {},
            "operations.death.probability": 0.2,
            "operations.withdrawal.probability": 0.2,
            "analysis.missing": "complete_case",
            "analysis.analysis_set": "all_randomised",
            "analysis.test": {"method": "win_statistic", "order": order, **fields},
        }
    )


@pytest.fixture(scope="module")
def trials() -> Trial:
    """Return trials of 60 patients, of whom many die, leave, or miss a visit."""
    return simulate_batch(study_with(ORDER), Streams(2016, range(REPLICATES)))


def plan_of(trials: Trial, **changes: Any) -> AnalysisPlan:
    content = {**trials.scenario.analysis.model_dump(), **changes}
    return AnalysisPlan.model_validate(content)


def method(order: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    return {"method": "win_statistic", "order": order, **fields}


def levels_of(data: Data) -> LevelPairs:
    found = compare(data).levels
    assert found is not None
    return found


def by_hand(trials: Trial, replicate: int) -> list[list[int]]:
    """Return wins and losses at each level of `ORDER`, from the trial's own records."""
    conduct, scenario = trials.conduct, trials.scenario
    visits = list(scenario.design.visits)
    last, early = visits.index("day_90"), visits.index("day_42")
    mrs = trials.scores.at("mrs", last)[replicate]
    arat = trials.scores.at("arat", early)[replicate]
    start, due = conduct.randomised[replicate], conduct.visit_minute[replicate]
    died, left = conduct.died[replicate], conduct.withdrawn[replicate]
    treated = trials.arms[replicate] == list(scenario.design.arms).index(scenario.analysis.treated)
    counts = [[0, 0] for _ in ORDER]

    def outlives(one: int, other: int) -> bool:
        if died[other] > due[other, last]:
            return False
        day = (died[other] - start[other]) // DAY
        gone = min(died[one], left[one])
        return bool(gone > due[one, last] or (gone - start[one]) // DAY > day)

    def better(one: int, other: int, level: int) -> bool:
        if level == 0:
            return outlives(one, other)
        at = (last, early)[level - 1]
        dead = [died[person] <= due[person, at] for person in (one, other)]
        if any(dead):
            values = (mrs, arat)[level - 1]
            return bool(dead[1] and not dead[0] and not np.isnan(values[one]))
        if level == 1:
            return bool(mrs[other] - mrs[one] >= 1)
        return bool(arat[one] - arat[other] >= 6)

    for one, other in product(np.flatnonzero(treated).tolist(), np.flatnonzero(~treated).tolist()):
        for level in range(len(ORDER)):
            if better(one, other, level):
                counts[level][0] += 1
            elif better(other, one, level):
                counts[level][1] += 1
            else:
                continue
            break
    return counts


def test_pairs_of_each_level_are_those_compared_by_hand(trials: Trial) -> None:
    found = levels_of(Data(trials, trials.scenario.analysis))
    assert ((trials.conduct.withdrawn < NEVER).sum(axis=1) > 0).all()
    for replicate in range(REPLICATES):
        by_level = np.array(by_hand(trials, replicate))
        assert_array_equal(found.wins[replicate], by_level[:, 0])
        assert_array_equal(found.losses[replicate], by_level[:, 1])
    assert (found.wins[:, 0] > 0).any()


def test_one_level_without_a_tolerance_is_the_mann_whitney_effect_to_the_bit(
    trials: Trial,
) -> None:
    """In the win odds and their interval, and in the win ratio and its."""
    for report in ("win_odds", "net_benefit", "win_ratio"):
        alone = plan_of(trials, missing="locf", test=method([{"arat": {}}], report=report))
        ranks = plan_of(trials, missing="locf", test="mann_whitney", effect=report)
        ranks = ranks.model_copy(update={"interval": "logit"})
        one, other = compare(Data(trials, alone)), compare(Data(trials, ranks))
        for name in ("estimate", "low", "high", "treated", "control"):
            assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_a_difference_of_one_step_decides_as_any_does(trials: Trial) -> None:
    found = [
        compare(Data(trials, plan_of(trials, missing="locf", test=method([{"arat": level}]))))
        for level in ({}, {"difference": 1}, {"difference": 6})
    ]
    assert_array_equal(found[0].estimate, found[1].estimate)
    assert (found[0].estimate != found[2].estimate).any()


def test_the_test_is_that_which_the_interval_inverts(trials: Trial) -> None:
    for report, strata in (("win_odds", "none"), ("win_ratio", "none"), ("net_benefit", "site")):
        plan = plan_of(trials, strata=strata, test=method(ORDER, report=report))
        found = compare(Data(trials, plan))
        null = plan.quantity.null
        assert_array_equal(found.p_value <= 0.05, (found.low > null) | (found.high < null))
        assert_allclose(found.against(found.low[0].item()).statistic[0], 1.959964, rtol=1e-5)


def test_pairs_in_strata_are_those_of_one_site_at_a_time(trials: Trial) -> None:
    plan = plan_of(trials, strata="site", test=method(ORDER))
    found = levels_of(Data(trials, plan))
    sites = range(len(trials.scenario.operations.sites))
    parts = [
        levels_of(Data(trials, plan_of(trials, test=method(ORDER)), among=trials.site == site))
        for site in sites
    ]
    assert_array_equal(found.wins, sum(part.wins for part in parts))
    assert_array_equal(found.pairs, sum(part.pairs for part in parts))


def test_the_bits_of_a_trial_do_not_depend_on_those_beside_it(trials: Trial) -> None:
    alone = simulate_batch(trials.scenario, Streams(2016, range(3, 4)))
    for report, strata in (("win_ratio", "none"), ("win_odds", "none"), ("win_odds", "site")):
        plan = plan_of(trials, strata=strata, test=method(ORDER, report=report))
        one, every = compare(Data(alone, plan)), compare(Data(trials, plan))
        for name in ("estimate", "low", "high", "p_value"):
            assert getattr(one, name)[0] == getattr(every, name)[3], (report, strata, name)


def test_the_true_effect_is_that_of_all_followed_up(trials: Trial) -> None:
    """Wins less losses over all pairs of patients, nobody having left."""
    plan = plan_of(trials, test=method(ORDER, report="net_benefit"))
    complete = Data(trials, plan, complete=True)
    over, under = truth_parts(complete)
    pairs = levels_of(complete)
    sizes = [(trials.arms == arm).sum(axis=1) for arm in range(2)]
    assert_array_equal(pairs.pairs, sizes[0] * sizes[1])
    net = (pairs.wins - pairs.losses).sum(axis=1) / pairs.pairs
    assert_allclose(over / under, net, rtol=1e-12)


def test_the_result_says_what_each_level_decided_in_text_and_json() -> None:
    result = ts.analyse(ts.simulate(study_with(ORDER), seed=2016))
    content = result.to_dict()
    levels = content["levels"]
    assert [one["level"] for one in levels] == [
        "death by day_90",
        "mrs score at day_90 (a difference of 1 or more)",
        "arat score at day_42 (a difference of 6 or more)",
    ]
    first, last = levels[0], levels[-1]
    decided = sum(one["wins"] + one["losses"] for one in levels)
    pairs = first["wins"] + first["losses"] + first["ties"]
    assert decided + last["ties"] == pairs == content["treated"] * content["control"]
    assert f"death by day 90: won {first['wins']:,} (" in str(result)
    assert "levels" not in result.to_frame()


def test_power_says_what_each_level_decides() -> None:
    study = study_with(ORDER, report="net_benefit")
    result = ts.power(study, replicates=16, seed=2016, n_jobs=1)
    levels = ("death", "mrs", "arat")
    names = [f"pairs_{what}_on_{level}" for level in levels for what in ("won", "lost")]
    assert result.besides == tuple(names)
    net = sum(
        result.columns[won] - result.columns[lost]
        for won, lost in zip(names[::2], names[1::2], strict=True)
    )
    assert_allclose(net, result.columns["estimate"], rtol=1e-12, atol=1e-12)
    assert "pairs won on death" in str(result)
    twice = study_with([*ORDER, {"arat": {"difference": 1}}])
    assert kept_of(twice)[-2:] == ("pairs_won_on_arat_level_4", "pairs_lost_on_arat_level_4")
    assert "pairs_won_on_arat_level_3" in kept_of(twice)


def test_whole_trials_in_c_leave_a_hierarchy_to_numpy() -> None:
    assert "analysis.test" in set(not_covered(study_with(ORDER)))


@pytest.mark.parametrize(
    ("order", "changes", "message"),
    [
        ([{"death": {}}, {"arat": {}}], {}, "order.0.death: must say by which visit"),
        ([{"death": {"by": "day_90", "difference": 2}}, {"arat": {}}], {}, "nothing but by"),
        ([{"arat": {"by": "day_90"}}], {}, "order.0.arat.by: must be left out of an outcome"),
        ([{"death": {"by": "day_90"}}], {}, "order: must name an outcome beside death"),
        ([{"arat": {}}, {"arat": {"difference": 6}}], {}, "must decide by less than"),
        ([{"arat": {"difference": 58}}], {}, "must be at most 57, the width of the scale"),
        ([{"arrat": {}}], {}, "order.0.arrat: must be an outcome that exists; did you mean arat"),
        ([{"arat": {"visit": "day_9"}}], {}, "must be a visit after baseline that exists"),
        ([{"death": {"by": "baseline"}}, {"arat": {}}], {}, "must be a visit after baseline"),
        ([], {}, "order: "),
        ([{"arat": {}, "mrs": {}}], {}, "order.0"),
        ([{"arat": {}}], {"report": "win_ratio", "strata": "site"}, "cannot be win_ratio with"),
        ([{"arat": {}}], {"missing": "multiple_imputation"}, "cannot be multiple_imputation"),
        ([{"arat": {}}], {"effect": "win_odds"}, "effect: must be left at mann_whitney"),
    ],
)
def test_an_order_that_cannot_decide_is_refused(
    order: list[dict[str, Any]], changes: dict[str, Any], message: str
) -> None:
    report = changes.pop("report", "win_odds")
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        study_with(order, report=report).replace(
            {f"analysis.{name}": value for name, value in changes.items()}
        )
