"""The true values of estimands: laws, a closed form, and the built-in study."""

from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

import trialsim as ts
from trialsim.errors import InputError
from trialsim.questions.estimands.result import Estimands
from trialsim.scenario.plan.estimands import STRATEGIES
from trialsim.scenario.programme import single_trial
from trialsim.scenario.scenario import Scenario

SEED = 15
CARS1 = single_trial(ts.load("cars1")).replace({"analysis.secondary": {}})
EVENTS = ("discontinuation", "withdrawal", "death")


def asked(study: Scenario, replicates: int, **options: Any) -> Estimands:
    return ts.estimands(study, replicates, SEED, n_jobs=1, **options)


def thetas(found: Estimands) -> dict[str, tuple[float, float]]:
    """Return the Mann-Whitney effect of each estimand and its Monte Carlo error."""
    return {
        one.estimand: (float(one.value.estimate), float(one.value.mcse))
        for one in found.truths
        if one.measure == "Mann-Whitney effect"
    }


def test_without_any_event_all_estimands_are_equal_to_the_bit() -> None:
    never = {f"operations.{event}.probability": 0.0 for event in EVENTS}
    found = asked(CARS1.replace(never), 32)
    for measure in {one.measure for one in found.truths}:
        values = [one.value for one in found.truths if one.measure == measure]
        assert len(values) == len(STRATEGIES)
        assert all(np.isfinite(one.estimate) for one in values)
        assert {(float(one.estimate), float(one.mcse)) for one in values} == {
            (float(values[0].estimate), float(values[0].mcse))
        }
    assert len({float(one.estimate) for one in found.individual.values()}) == 1


def test_events_without_an_effect_leave_no_effect_in_any_estimand() -> None:
    """The same in both arms, for the same patients: nobody's value depends on the arm."""
    without = {
        "outcomes.arat.effect": {**CARS1.model_dump()["outcomes"]["arat"]["effect"]}
        | {"anchor": "latent_shift", "value": 0.0},
        "operations.discontinuation.probability": 0.3,
        "operations.death.probability": 0.1,
    }
    for theta, mcse in thetas(asked(CARS1.replace(without), 64)).values():
        assert theta == pytest.approx(0.5, abs=1e-12)
        assert mcse == pytest.approx(0, abs=1e-12)


def test_stopping_more_on_a_drug_that_does_nothing_is_an_effect_only_where_it_counts() -> None:
    """Unequal stopping, independent of the outcome: no effect on scores, a harm as a failure."""
    without = {
        "outcomes.arat.effect": {**CARS1.model_dump()["outcomes"]["arat"]["effect"]}
        | {"anchor": "latent_shift", "value": 0.0},
        "operations.discontinuation.probability": 0.3,
        "operations.discontinuation.arms": {"cerebrolysin": {"odds_ratio": 2}},
    }
    found = thetas(asked(CARS1.replace(without), 64))
    for strategy in ("treatment_policy", "hypothetical", "principal_stratum"):
        assert found[strategy][0] == pytest.approx(0.5, abs=1e-12)
    theta, mcse = found["composite"]
    assert theta < 0.5 - 10 * mcse


def half_given(share: float) -> Scenario:
    """Return a normal outcome, of which `share` of all stop at half of the infusions."""
    velocity = CARS1.model_dump()["outcomes"]["gait_velocity"]
    course = {**velocity["course"], "start_sd": 1.0, "end_sd": 1.0, "start_mean": 0.0}
    course |= {"end_mean": 0.0, "end_baseline_correlation": -0.6}
    scale = {"low": -8.0, "high": 8.0, "step": 0.05}
    effect = {**velocity["effect"], "anchor": "latent_shift", "value": 0.8}
    parts = {"course": course, "effect": effect}
    return CARS1.replace(
        {
            "outcomes": {"gait_velocity": {**velocity, **scale, **parts}},
            "outcome_correlation": {},
            "analysis.endpoint": "gait_velocity",
            "operations.refusal_probability": {"distribution": "constant", "value": 0.0},
            "operations.discontinuation.probability": share,
            "operations.discontinuation.days": {"distribution": "constant", "value": 10.5},
            "operations.withdrawal.probability": 0.0,
            "operations.death.probability": 0.0,
        }
    )


def test_policy_differs_from_hypothetical_by_the_closed_form_of_proportional_exposure() -> None:
    """A share d stops after 11 of 21 infusions: it has 11/21 of the shift of normal scores.

    So the mean difference is m under the hypothetical strategy and m (1 - d 10/21) as a policy, and
    the Mann-Whitney effect is Phi(m / sqrt 2), and the mixture of two such.
    """
    share, given = 0.4, 11 / 21
    found = asked(half_given(share), 200)
    values = {(one.estimand, one.measure): one.value for one in found.truths}
    meant = float(values["hypothetical", "mean difference"].estimate)
    policy = values["treatment_policy", "mean difference"]
    stayed, error = found.population["principal_stratum"], 4 * float(policy.mcse)
    assert stayed.estimate == pytest.approx(1 - share, abs=4 * float(stayed.mcse))
    assert meant == pytest.approx(0.8, abs=0.002)
    assert policy.estimate == pytest.approx(meant * (1 - share * (1 - given)), abs=error)
    whole, half = (float(norm.cdf(one / sqrt(2))) for one in (meant, meant * given))
    effects = thetas(found)
    theta, mcse = effects["hypothetical"]
    assert theta == pytest.approx(whole, abs=4 * mcse + 0.003)
    theta, mcse = effects["treatment_policy"]
    assert theta == pytest.approx((1 - share) * whole + share * half, abs=4 * mcse + 0.003)


def test_the_built_in_study_has_its_true_values() -> None:
    """Each within four Monte Carlo errors of what long runs give."""
    found = thetas(asked(single_trial(ts.load("cars1_estimands")), 72))
    known = {
        "treatment_policy": 0.6047,
        "hypothetical": 0.6274,
        "composite": 0.4919,
        "while_on_treatment": 0.5694,
        "principal_stratum": 0.6256,
    }
    for name, value in known.items():
        theta, mcse = found[name]
        assert theta == pytest.approx(value, abs=4 * mcse)
        assert mcse < 0.002


def test_workers_batches_and_engines_change_no_true_value() -> None:
    first = asked(CARS1, 24, batch=5)
    for options in ({"batch": 64}, {"engine": "events"}):
        other = asked(CARS1, 24, **options)
        assert first.to_frame().equals(other.to_frame())
        assert thetas(first) == thetas(other)


def test_a_directory_keeps_what_was_run_and_gives_the_same_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trialsim.runs.runner.BLOCK", 16)
    kept = asked(CARS1, 24, out=tmp_path / "run")
    again = asked(CARS1, 24, out=tmp_path / "run")
    told = [{**one.to_dict(), "seconds": 0} for one in (kept, again, asked(CARS1, 24))]
    assert told[0] == told[1] == told[2]
    with pytest.raises(InputError, match="estimands"):
        ts.power(CARS1, 24, SEED, n_jobs=1, out=tmp_path / "run")


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(InputError, match="replicates: must be at least 1"):
        ts.estimands(CARS1, replicates=0)
    with pytest.raises(InputError):
        ts.estimands(ts.load("cars_pooled"), replicates=4)
