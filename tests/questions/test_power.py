"""Operating characteristics: what each number means, what it leaves out, and what is published."""

import json
import math
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from pandas import DataFrame
from scipy.stats import binomtest

from trialsim.analysis.analyse import analyse
from trialsim.errors import InputError, RecruitmentError, RunError
from trialsim.questions.power import power
from trialsim.replicates.quantities import QUANTITIES
from trialsim.replicates.result import SIMULATED, PowerResult
from trialsim.runs.plain_json import as_json
from trialsim.scenario.files.yaml_file import load
from trialsim.simulated import simulate
from trialsim.streams import Streams
from trialsim.trial.trial import Engine, Trial, simulate_batch

SEED = 2016
SMALL: Mapping[str, Any] = {
    "design.patients": 60,
    "operations.recruitment_limit_days": 130,
    "operations.at_limit": "fail",
}
HURRIED = load("cars1").replace(SMALL)
"""A small study whose recruitment is complete in time in about half of the replicates."""


@pytest.fixture(scope="module")
def cars1() -> PowerResult:
    """Return a thousand trials of the published design."""
    return power(load("cars1"), 1_000, SEED, n_jobs=1)


@pytest.fixture(scope="module")
def hurried() -> PowerResult:
    """Return a run in which some replicates fail."""
    return power(HURRIED, 300, SEED, n_jobs=1)


@pytest.fixture(scope="module")
def finished(hurried: PowerResult) -> DataFrame:
    """Return the replicates of that run that were finished."""
    return hurried.per_replicate().dropna()


def test_cars1_reproduces_the_published_estimate(cars1: PowerResult) -> None:
    """Oracle: 0.71 (95% CI 0.63 to 0.79) of Muresanu et al. (2016), Stroke 47:151."""
    assert cars1.estimate.estimate == pytest.approx(0.71, abs=0.01)
    width = cars1.columns["high"] - cars1.columns["low"]
    assert width.mean() == pytest.approx(0.79 - 0.63, abs=0.01)


def test_without_an_effect_one_trial_in_twenty_rejects() -> None:
    """Oracle: the binomial distribution of 4,000 trials at 5%, 3.5 standard errors wide."""
    null = power(load("cars1_null"), 4_000, SEED, n_jobs=1)
    error = math.sqrt(0.05 * 0.95 / 4_000)
    assert null.rejections.estimate == pytest.approx(0.05, abs=3.5 * error)
    assert null.coverage.estimate == pytest.approx(0.95, abs=3.5 * error)
    assert null.estimate.estimate == pytest.approx(0.5, abs=3.5 * float(null.estimate.mcse))
    assert null.truth.estimate == pytest.approx(0.5, abs=3.5 * float(null.truth.mcse))
    assert null.bias.estimate == pytest.approx(0, abs=3.5 * float(null.bias.mcse))


def test_power_is_the_share_of_finished_replicates_that_reject(
    hurried: PowerResult, finished: DataFrame
) -> None:
    """Oracle: Wilson's interval in SciPy."""
    rejecting = int(finished["favoured"].sum())
    assert 0 < rejecting < len(finished) < 300
    assert hurried.power == rejecting / len(finished)
    spread = hurried.power * (1 - hurried.power)
    assert hurried.mcse == pytest.approx(math.sqrt(spread / len(finished)))
    wilson = binomtest(rejecting, len(finished)).proportion_ci(method="wilson")
    assert hurried.ci == pytest.approx((wilson.low, wilson.high), abs=1e-12)
    assert (finished["rejected"] == (finished["p_value"] <= 0.05)).all()


def test_bias_is_the_estimate_less_what_it_were_had_no_score_been_missed(
    hurried: PowerResult, finished: DataFrame
) -> None:
    less = finished["estimate"] - finished["truth_over"]
    assert hurried.bias.estimate == pytest.approx(less.mean(), abs=1e-12)
    assert hurried.bias.sd == pytest.approx(less.std())
    assert hurried.bias.mcse == pytest.approx(less.std() / math.sqrt(len(finished)))
    between = hurried.estimate.estimate - hurried.truth.estimate
    assert hurried.bias.estimate == pytest.approx(between, abs=1e-12)
    assert hurried.bias.mcse < hurried.estimate.mcse / 2  # paired, replicate by replicate


def test_the_truth_is_the_mean_effect_and_coverage_the_share_of_intervals_that_hold_it(
    hurried: PowerResult, finished: DataFrame
) -> None:
    truth = finished["truth_over"].mean()
    assert hurried.truth.estimate == pytest.approx(truth, abs=1e-12)
    share = finished["low"].le(truth) & finished["high"].ge(truth)
    assert hurried.coverage.estimate == share.mean()
    wilson = binomtest(int(share.sum()), len(share)).proportion_ci(method="wilson")
    assert (hurried.coverage.low, hurried.coverage.high) == pytest.approx((wilson.low, wilson.high))


def test_without_anything_missed_there_is_no_bias() -> None:
    never = {"probability": 0, "days": {"distribution": "constant", "value": 1}}
    complete = load("cars1").replace(
        {
            "design.patients": 60,
            "operations.withdrawal": never,
            "operations.death": never,
            "operations.visit_missed_probability": 0,
        }
    )
    result = power(complete, 64, SEED, n_jobs=1)
    assert [float(number) for number in result.bias] == [0, 0, 0]


@pytest.mark.parametrize("quantity", ["screened", "duration_days", "infusions_given", "withdrawn"])
def test_a_mean_over_replicates_has_the_error_of_a_mean(
    hurried: PowerResult, finished: DataFrame, quantity: str
) -> None:
    values = finished[quantity]
    mean = hurried.mean_of(quantity)
    assert mean.estimate == pytest.approx(values.mean())
    assert mean.sd == pytest.approx(values.std())
    assert mean.mcse == pytest.approx(values.sem())


def test_failed_replicates_are_counted_named_and_left_out(
    hurried: PowerResult, finished: DataFrame
) -> None:
    told = hurried.to_dict()
    assert hurried.replicates == told["replicates"] == 300
    assert hurried.failed == told["failed"] == 300 - len(finished)
    numbers = [failure["replicate"] for failure in told["failures"]]
    assert numbers == sorted(set(range(300)) - set(finished["replicate"]))
    reasons = {failure["reason"] for failure in told["failures"]}
    assert reasons == {"recruitment was not complete after 130 days"}


def test_a_replicate_that_raises_is_left_out_of_the_power(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = load("cars1").replace({"design.patients": 40})
    whole = power(scenario, 100, SEED, n_jobs=1)

    def faulty(study: Any, streams: Streams, engine: Engine) -> Trial:
        if 41 in streams.replicates:
            raise OverflowError("too much")
        return simulate_batch(study, streams, engine)

    module = import_module("trialsim.replicates.run")
    monkeypatch.setattr(module, "simulate_batch", faulty)
    monkeypatch.setattr(module, "quantities_at_once", lambda *_: None)  # which makes no trial
    result = power(scenario, 100, SEED, n_jobs=1)
    (failure,) = result.failures
    assert failure[:2] == (41, "OverflowError('too much')")
    assert result.power == np.delete(whole.columns["favoured"], 41).mean()
    others = np.delete(whole.columns["estimate"], 41)
    assert result.estimate.estimate == pytest.approx(others.mean(), abs=1e-12)


def test_if_every_replicate_fails_the_first_is_named_with_its_address_and_reason() -> None:
    hopeless = HURRIED.replace(
        {"operations.recruitment_limit_days": 20, "operations.at_limit": "fail"}
    )
    expected = (
        "all 70 replicates failed; replicate 0 of seed 5: "
        "recruitment was not complete after 20 days"
    )
    with pytest.raises(RunError) as failure:
        power(hopeless, 70, 5, n_jobs=1)
    assert str(failure.value) == expected


def test_recruitment_that_can_never_finish_is_refused_before_any_replicate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[Any] = []
    monkeypatch.setattr(
        import_module("trialsim.runs.runner"),
        "finished_tasks",
        lambda *task: begun.append(task),
    )
    bounds = {"eligibility.inclusion.age.at_least": 101, "eligibility.inclusion.age.at_most": 102}
    nobody = load("cars1").replace(bounds)
    with pytest.raises(RecruitmentError, match=r"can never finish, .* none of .* rule age$"):
        power(nobody, 10_000, SEED, n_jobs=1)
    assert not begun


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"replicates": 0}, r"replicates: must be at least 1 \(got 0\)"),
        ({"replicates": -5}, r"replicates: must be at least 1 \(got -5\)"),
        ({"batch": 0}, r"batch: must be at least 1 \(got 0\)"),
        ({"n_jobs": 0}, r"n_jobs: must not be 0"),
        ({"seed": -1}, r"seed: must lie in 0 to 2\*\*64 - 1 \(got -1\)"),
        ({"seed": 2**64}, r"seed: must lie in 0 to 2\*\*64 - 1 \(got 18446744073709551616\)"),
        ({"engine": "warp"}, r"engine: must be auto, events or vector \(got warp\)"),
    ],
)
def test_a_wrong_argument_is_refused_with_its_rule_and_value(
    wrong: dict[str, Any], rule: str
) -> None:
    with pytest.raises(ValueError, match=rf"^{rule}"):
        power(HURRIED, **{"replicates": 4, "n_jobs": 1, **wrong})


def test_the_vector_engine_is_refused_where_patients_wait_for_a_chair() -> None:
    chairs = load("cars1_chairs")
    with pytest.raises(InputError, match=r"^engine: .*infusion_chairs_per_site \(got vector\)$"):
        power(chairs, 4, n_jobs=1, engine="vector")
    assert power(chairs, 1, n_jobs=1).engine == "events"


def test_more_replicates_change_none_of_the_earlier_ones(hurried: PowerResult) -> None:
    fewer = power(HURRIED, 77, SEED, n_jobs=1)
    for name, values in fewer.columns.items():
        np.testing.assert_array_equal(values, hurried.columns[name][:77], err_msg=name)


def test_a_replicate_is_the_trial_simulated_alone(cars1: PowerResult) -> None:
    table = cars1.per_replicate()
    for replicate in (0, 127, 128, 999):
        alone = analyse(simulate(load("cars1"), SEED, replicate))
        row = table.loc[replicate]
        assert (row["estimate"], row["low"], row["high"], row["p_value"]) == (
            alone.estimate,
            *alone.ci,
            alone.p_value,
        )


def test_a_larger_effect_and_more_patients_give_more_power() -> None:
    base = load("cars1").replace({"design.patients": 40})
    changes: tuple[dict[str, Any], ...] = (
        {"outcomes.arat.effect.value": 0.6},
        {},
        {"design.patients": 80},
    )
    low, middle, high = (power(base.replace(one), 300, SEED, n_jobs=1).power for one in changes)
    assert low < middle < high


def test_per_replicate_has_a_row_for_each_and_every_quantity(hurried: PowerResult) -> None:
    table = hurried.per_replicate()
    assert list(table.columns) == ["replicate", *QUANTITIES]
    assert table["replicate"].tolist() == list(range(300))
    failed = table.loc[table["estimate"].isna(), "replicate"].tolist()
    assert failed == [failure.replicate for failure in hurried.failures]


def test_the_frame_says_what_the_dictionary_says(hurried: PowerResult) -> None:
    frame, told = hurried.to_frame(), hurried.to_dict()
    assert list(frame.columns) == ["quantity", "value", "mcse", "low", "high", "sd"]
    assert frame["quantity"].is_unique
    rows = frame.set_index("quantity")
    assert rows.loc["power", "value"] == told["power"]
    assert (rows.loc["power", "low"], rows.loc["power", "high"]) == tuple(told["ci"])
    for name in rows.index.drop("power"):
        if name == "median_bias":
            row = rows.loc[name, ["value", "low", "high"]]
            assert list(row) == list(told[name].values())
            continue
        assert rows.loc[name, "value"] == told[name]["mean"], name
        assert rows.loc[name, "mcse"] == told[name]["mcse"], name
    own = {"low", "high", "p_value", "rejected", "favoured", "truth_over", "truth_under"}
    assert set(QUANTITIES) - set(rows.index) == own


def test_the_dictionary_is_json_with_every_promised_key(hurried: PowerResult) -> None:
    told = json.loads(as_json(hurried.to_dict()))
    assert told == hurried.to_dict()
    promised = (
        "scenario digest seed replicates failed engine power mcse ci estimate conventions seconds"
    )
    assert set(promised.split()) <= told.keys()
    assert {"mean", "mcse", "sd"} <= told["estimate"].keys()
    assert told["estimate"]["quantile_2.5"] < told["estimate"]["mean"]
    assert told["estimate"]["quantile_97.5"] > told["estimate"]["mean"]
    assert (told["scenario"], told["digest"]) == ("cars1", HURRIED.digest)
    assert told["note"] == SIMULATED
    conventions = (
        "estimate direction test alternative alpha ties continuity variance interval analysis_set "
        "missing_data death"
    )
    assert set(conventions.split()) <= told["conventions"].keys()


def test_one_replicate_has_a_result_whose_spread_is_not_known() -> None:
    told = json.loads(as_json(power(load("cars1"), 1, SEED).to_dict()))
    assert told["replicates"] == 1
    assert told["estimate"]["sd"] is told["estimate"]["mcse"] is None
    assert told["ci"][1] - told["ci"][0] > 0.7


def test_a_study_in_which_nobody_is_analysed_never_rejects_and_has_no_estimate() -> None:
    blind = HURRIED.replace(
        {
            "operations.recruitment_limit_days": 3650,
            "operations.at_limit": "fail",
            "operations.visit_missed_probability": 1,
            "analysis.missing": "complete_case",
            "analysis.analysis_set": "all_randomised",
            "analysis.death": "as_missing",
        }
    )
    told = json.loads(as_json(power(blind, 8, SEED, n_jobs=1).to_dict()))
    assert (told["power"], told["failed"]) == (0, 0)
    assert set(told["estimate"].values()) == {None}
    assert told["treated_analysed"]["mean"] == 0


@pytest.mark.parametrize(
    ("effect", "too_many_left_out"), [("win_ratio", True), ("win_odds", False)]
)
def test_a_ratio_is_averaged_on_the_log_scale_and_its_interval_holds_the_truth(
    effect: str, too_many_left_out: bool
) -> None:
    """In small trials a ratio is now and then infinite, which would drown every other."""
    study = load("cars1").replace({"design.patients": 20, "analysis.effect": effect})
    result = power(study, replicates=1500, seed=4, n_jobs=1)
    estimates = result.columns["estimate"]
    logs = np.log(estimates[np.isfinite(estimates) & (estimates > 0)])
    assert result.estimate.estimate == pytest.approx(np.exp(logs.mean()))
    bias = result.median_bias if too_many_left_out else result.bias
    assert np.isnan(result.bias.estimate) == too_many_left_out
    assert abs(bias.estimate) < 0.12  # the estimator's own, in twenty patients
    assert result.coverage.estimate > 0.93
    assert result.to_dict()["quantity"] == effect.replace("_", " ")
