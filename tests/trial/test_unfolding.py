"""The same patients in other arms and without events: what changes, and what keeps every bit."""

from collections.abc import Callable
from typing import Any, TypeAlias, get_args

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from trialsim.clock import NEVER
from trialsim.errors import InputError, RunError
from trialsim.scenario.protocol.intercurrent import Happening
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.conduct import Recruitment
from trialsim.trial.trial import Trial, simulate_batch
from trialsim.trial.waiting import recruit_with_waiting

ArraysOf: TypeAlias = Callable[[Any], dict[str, NDArray[Any]]]
EVENTFUL = {
    "design.patients": 60,
    "operations.discontinuation.probability": 0.4,
    "operations.withdrawal.probability": 0.3,
    "operations.death.probability": 0.1,
    "operations.visit_missed_probability": 0.2,
    "operations.refusal_probability": {"distribution": "constant", "value": 0.1},
}


@pytest.fixture(scope="module")
def eventful(cars1: Scenario) -> Trial:
    """Return five replicates in which much happens."""
    return simulate_batch(cars1.replace(EVENTFUL), Streams(9, range(5)))


def assert_alike(one: Trial, other: Trial, arrays_of: ArraysOf) -> None:
    """Compare every array to the bit."""
    found, expected = arrays_of(one), arrays_of(other)
    assert found.keys() == expected.keys()
    for name in found:
        assert_array_equal(found[name], expected[name], err_msg=name)


def test_own_arms_and_nothing_off_are_the_trial_as_run(
    eventful: Trial, arrays_of: ArraysOf
) -> None:
    assert_alike(eventful.world(), eventful, arrays_of)
    assert_alike(eventful.world(eventful.arms), eventful, arrays_of)
    assert {".underlying.arat", ".conduct.infusion_given"} <= arrays_of(eventful).keys()


@pytest.mark.parametrize("what", get_args(Happening))
def test_switching_off_what_cannot_happen_changes_nothing(
    undisturbed: Scenario, what: Happening, arrays_of: ArraysOf
) -> None:
    trial = simulate_batch(undisturbed, Streams(3, range(2)))
    assert_alike(trial.world(off={what}), trial, arrays_of)


def test_what_is_off_happens_to_nobody_and_the_others_keep_every_bit(eventful: Trial) -> None:
    fields = {"discontinuation": "discontinued", "withdrawal": "withdrawn", "death": "died"}
    for what in ("discontinuation", "withdrawal", "death"):
        without = eventful.world(off={what})
        happened = getattr(eventful.conduct, fields[what]) < NEVER
        assert happened.sum() > 10
        assert (getattr(without.conduct, fields[what]) == NEVER).all()
        for name, scores in without.underlying.items():
            assert_array_equal(scores[~happened], eventful.underlying[name][~happened])
        assert (without.underlying["arat"] != eventful.underlying["arat"])[happened].any()
    present = eventful.world(off={"visit_missed", "withdrawal", "death"})
    assert present.conduct.visit_attended.all()
    willing = eventful.world(off=("refusal", "discontinuation", "withdrawal", "death"))
    assert willing.conduct.infusion_given.all()


def test_discontinuation_in_one_arm_switched_off_changes_nobody_in_the_other(
    cars1: Scenario,
) -> None:
    study = cars1.replace(
        {
            **EVENTFUL,
            "operations.discontinuation.arms": {"cerebrolysin": {"odds_ratio": 3}},
        }
    )
    trial = simulate_batch(study, Streams(4, range(4)))
    placebo, treated = (trial.world(arm) for arm in ("placebo", "cerebrolysin"))
    stopped = [(one.conduct.discontinued < NEVER).mean() for one in (placebo, treated)]
    assert stopped[0] < stopped[1]
    assert list(study.design.arms) == ["cerebrolysin", "placebo"]
    for arm, forced in enumerate((treated, placebo)):
        own = trial.arms == arm
        assert_array_equal(forced.underlying["arat"][own], trial.underlying["arat"][own])
        assert_array_equal(forced.conduct.died[own], trial.conduct.died[own])


def test_a_patient_does_no_worse_on_the_drug(eventful: Trial) -> None:
    """ARAT is better higher, and the events are the same in both arms."""
    treated, placebo = eventful.world("cerebrolysin"), eventful.world("placebo")
    gained = treated.underlying["arat"] - placebo.underlying["arat"]
    assert (gained >= 0).all()
    assert (gained[..., -1] > 0).mean() > 0.2
    assert (gained[..., 0] == 0).all()


def test_worlds_leave_out_replicates_that_failed(cars1: Scenario, arrays_of: ArraysOf) -> None:
    slow = {"operations.recruitment_limit_days": 130, "operations.at_limit": "fail"}
    trial = simulate_batch(cars1.replace({**EVENTFUL, **slow}), Streams(1, range(12)))
    assert 0 < len(trial.failures) < 12
    assert_alike(trial.world(), trial, arrays_of)
    assert trial.world("placebo").arms.shape == trial.arms.shape


def test_waits_for_chairs_stay_as_they_were(crowded: Scenario, arrays_of: ArraysOf) -> None:
    trial = simulate_batch(crowded, Streams(2, range(2)))
    assert_alike(trial.world(), trial, arrays_of)
    assert trial.conduct.waited is not None
    assert trial.conduct.waited.any()
    stayed = trial.world(off=["withdrawal"]).conduct
    assert stayed.waited is trial.conduct.waited
    assert_array_equal(stayed.randomised, trial.conduct.randomised)


def test_an_arm_or_a_happening_that_does_not_exist_is_refused(eventful: Trial) -> None:
    with pytest.raises(InputError, match="arm: must be an arm of cars1; did you mean placebo"):
        eventful.world("placbo")
    with pytest.raises(InputError, match=r"off: must be of discontinuation, .* \(got fatigue\)"):
        eventful.world(off=["fatigue"])  # type: ignore[list-item]


def test_rates_of_events_are_those_of_the_arm_put_in(cars1: Scenario) -> None:
    """At an odds ratio of 3, odds of 2/3 become 2: a share of 0.4 becomes one of 2/3."""
    study = cars1.replace(
        {
            "design.patients": 60,
            "operations.death.probability": 0,
            "operations.withdrawal.probability": 0,
            "operations.discontinuation": {
                "probability": 0.4,
                "days": {"distribution": "uniform", "low": 1, "high": 10},
                "arms": {"cerebrolysin": {"odds_ratio": 3}},
            },
        }
    )
    trial = simulate_batch(study, Streams(4, range(64)))
    for arm, share in (("placebo", 0.4), ("cerebrolysin", 2 / 3)):
        stopped = trial.world(arm).conduct.discontinued < NEVER
        error = np.sqrt(share * (1 - share) / stopped.size)
        assert abs(stopped.mean() - share) < 4 * error


def by_next_score(cars1: Scenario) -> Scenario:
    """Return CARS-1 with one chair a site and withdrawals by the next score, as no file can say."""
    days = {"distribution": "uniform", "low": 1, "high": 90}
    by = {"seen": "last_observed", "log_odds_per_unit": -0.05, "reference": 30}
    study = cars1.replace(
        {
            "analysis.secondary": None,
            "operations.infusion_chairs_per_site": 1,
            "operations.withdrawal": {"probability": 0.2, "days": days, "scores": {"arat": by}},
        }
    )
    operations = study.operations
    risk = operations.withdrawal.scores["arat"].model_copy(update={"seen": "unseen"})
    withdrawal = operations.withdrawal.model_copy(update={"scores": {"arat": risk}})
    changed = operations.model_copy(update={"withdrawal": withdrawal})
    return study.model_copy(update={"operations": changed})


def test_histories_that_go_round_are_told_at_once(
    cars1: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ends of the fourth replicate alternate; the pass that comes again is the last."""
    passes = 0

    def counted(*parts: Any) -> Recruitment:
        nonlocal passes
        passes += 1
        assert passes <= 12, "the passes go on"
        return recruit_with_waiting(*parts)

    monkeypatch.setattr("trialsim.trial.unfolding.recruit_with_waiting", counted)
    with pytest.raises(RunError, match=r"agrees with itself.*\(withdrawal by scores\)"):
        simulate_batch(by_next_score(cars1), Streams(2016, range(3, 4)))
    assert passes > 2
