"""The event engine and the vector engine give the same arrays, to the bit."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trialsim.compiled.library import NUMPY, builds_here, computed_by
from trialsim.errors import InputError, RecruitmentError
from trialsim.scenario.files.builtin import builtin_scenarios
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.conduct import couples_patients
from trialsim.trial.trial import Engine, simulate_batch

ArraysOf: TypeAlias = Callable[[Any], dict[str, NDArray[Any]]]

SCHEDULES = [
    {"per_cycle": 21, "days": "every_day"},
    {"per_cycle": 10, "days": "monday_to_friday"},
    {"per_cycle": 5, "days": "monday_to_friday", "cycles": 2, "cycle_every_days": 10},
    {"per_cycle": 1, "days": "every_day"},
]
EXPOSURES = [
    {"model": "none"},
    {"model": "proportional", "full_dose": 630},
    {"model": "threshold", "full_dose": 630, "needed_dose": 300},
    {"model": "emax", "full_dose": 630, "half_dose": 200, "hill": 3},
]
VISITS = [
    {"baseline": {"day": 0}, "day_90": {"day": 90, "after": "onset", "window_days": 5}},
    {
        "baseline": {"day": 0},
        "day_2": {"day": 2, "after": "onset"},
        "day_21": {"day": 21, "window_days": 3},
        "day_90": {"day": 90, "window_days": 60},
    },
]
CLINIC_HOURS = [(8, 20), (0, 24), (9.5, 12.25), (0, 1), (23, 24), (8, 8 + 1 / 60)]
PROBABILITIES = st.sampled_from([0.0, 0.05, 0.5, 1.0])


@st.composite
def scores(draw: st.DrawFn) -> dict[str, Any]:
    """Draw how scores change the odds that something happens: not, little or very much."""
    risk = st.fixed_dictionaries(
        {
            "seen": st.sampled_from(["last_observed", "unseen"]),
            "log_odds_per_unit": st.sampled_from([0.0, 0.05, -0.1, 3.0]),
            "reference": st.sampled_from([0, 25]),
        }
    )
    outcomes = draw(st.sampled_from([*[[]] * 27, ["arat"], ["mrs"], ["arat", "mrs"]]))
    return {name: draw(risk) for name in outcomes}


@st.composite
def happenings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw something that befalls patients: soon or late, seldom or always."""
    days = draw(
        st.sampled_from(
            [
                {"distribution": "constant", "value": 0},
                {"distribution": "exponential", "mean": 15},
                {"distribution": "uniform", "low": 1, "high": 21},
            ]
        )
    )
    return {"probability": draw(PROBABILITIES), "days": days, "scores": draw(scores())}


@st.composite
def fading(draw: st.DrawFn) -> dict[str, Any]:
    """Draw something after which the drug's effect stays, fades or is gone."""
    half_life = draw(st.sampled_from([None, 0, 10]))
    return {**draw(happenings()), "drug_effect_half_life_days": half_life}


@st.composite
def rescues(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a rescue treatment that does nothing, or helps at once or slowly."""
    effect = {"anchor": "mean_difference", "value": 3}
    effects = st.sampled_from([{}, {"arat": effect}, {"arat": {**effect, "full_after_days": 20}}])
    return {**draw(fading()), "effects": draw(effects)}


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a small trial in which everything that an engine reads may differ from CARS-1."""
    patients = draw(st.integers(8, 40))
    days = st.floats(0, 60) | st.integers(0, 60)
    opens, closes = draw(st.sampled_from(CLINIC_HOURS))
    earliest = draw(st.sampled_from([0, 24, 30.5]))
    youngest = draw(st.integers(18, 60))
    chairs = st.none() | st.integers(patients, patients + 1)
    return {
        "design.patients": patients,
        "design.block_size": draw(st.sampled_from([2, 4, 6])),
        "design.stratify_by": draw(st.sampled_from(["site", "nothing"])),
        "design.visits": draw(st.sampled_from(VISITS)),
        "operations.sites": {
            f"site_{number}": {"activation_day": draw(days)}
            for number in range(draw(st.integers(1, 5)))
        },
        "operations.candidates_per_site_per_month": draw(st.sampled_from([20, 60, 200])),
        "operations.site_rate_coefficient_of_variation": draw(st.sampled_from([0, 0.5, 1.5])),
        "operations.recruitment_limit_days": draw(st.sampled_from([120, 600])),
        "operations.at_limit": draw(st.sampled_from(["stop", "fail"])),
        "operations.screening_hours": draw(
            st.sampled_from(
                [
                    {"distribution": "constant", "value": 0},
                    {"distribution": "lognormal", "median": 4, "log_sd": 0.6},
                    {"distribution": "uniform", "low": 0, "high": 60},
                ]
            )
        ),
        "operations.first_infusion_after_onset": {
            "earliest_hours": earliest,
            "latest_hours": earliest + draw(st.sampled_from([25, 48, 96.5])),
        },
        "operations.clinic_opens_hour": opens,
        "operations.clinic_closes_hour": closes,
        "operations.infusion_minutes": draw(st.sampled_from([1, 60, 1440])),
        "operations.infusion_chairs_per_site": draw(chairs),
        "operations.refusal_probability": {
            "distribution": "constant",
            "value": draw(PROBABILITIES),
        },
        "operations.discontinuation": draw(fading()),
        "operations.drug_related_discontinuation": draw(fading()),
        "operations.rescue": draw(rescues()),
        "operations.switching": {
            **draw(happenings()),
            "to": draw(st.sampled_from(["placebo", "cerebrolysin"])),
        },
        "operations.withdrawal": draw(fading()),
        "operations.death": draw(happenings()),
        "operations.visit_missed_probability": draw(PROBABILITIES),
        "operations.visit_missed_odds": {"scores": draw(scores())},
        "eligibility.inclusion.age.at_least": youngest,
        "eligibility.inclusion.age.at_most": youngest + draw(st.integers(20, 40)),
        "treatment.infusions": draw(st.sampled_from(SCHEDULES)),
        "outcomes.arat.effect.exposure": draw(st.sampled_from(EXPOSURES)),
        "analysis.visit": "day_90",
    }


def simulated(
    scenario: Scenario, streams: Streams, engine: Engine, arrays_of: ArraysOf
) -> dict[str, NDArray[Any]] | str:
    """Return every array of a batch, or why it could not be recruited."""
    try:
        trial = simulate_batch(scenario, streams, engine)
    except RecruitmentError as error:
        return str(error)
    assert trial.engine == engine
    return {**arrays_of(trial), "failed": np.array(sorted(trial.failures))}


def assert_engines_agree(
    scenario: Scenario, streams: Streams, arrays_of: ArraysOf, place: int = 0
) -> None:
    """Compare type, shape and bits of every array, of the vector engine by NumPy and a build."""
    builds = builds_here()
    with computed_by(NUMPY):
        events = simulated(scenario, streams, "events", arrays_of)
    for build in {builds[place % len(builds)], NUMPY}:
        with computed_by(build):
            vector = simulated(scenario, streams, "vector", arrays_of)
        assert_same(scenario, events, vector)


def assert_same(
    scenario: Scenario,
    events: dict[str, NDArray[Any]] | str,
    vector: dict[str, NDArray[Any]] | str,
) -> None:
    """Compare two simulations, or why they could not be."""
    if isinstance(events, str) or isinstance(vector, str):
        assert events == vector
        return
    assert events.keys() == vector.keys()
    covariates, outcomes = scenario.population.covariates, scenario.outcomes
    assert len(events) > 25 + len(covariates) + 2 * len(outcomes)
    for path, array in events.items():
        other = vector[path]
        assert (array.dtype, array.shape) == (other.dtype, other.shape), path
        assert array.tobytes() == other.tobytes(), path


@settings(
    derandomize=True,
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    changed=changes(),
    seed=st.integers(0, 2**64 - 1),
    start=st.integers(0, 5000),
    size=st.integers(1, 4),
    build=st.integers(0, 3),
)
def test_event_engine_equals_vector_engine(
    three_scales: Scenario,
    arrays_of: ArraysOf,
    changed: dict[str, Any],
    seed: int,
    start: int,
    size: int,
    build: int,
) -> None:
    """With a chair for everyone, both engines give every array of the trial alike."""
    scenario = three_scales.replace(changed)
    assert_engines_agree(scenario, Streams(seed, range(start, start + size)), arrays_of, build)


@pytest.mark.parametrize("name", [*builtin_scenarios()])
def test_engines_agree_on_every_scenario_file(name: str, arrays_of: ArraysOf) -> None:
    scenario = load(name)
    if couples_patients(scenario):
        scenario = scenario.replace({"operations.infusion_chairs_per_site": None})
    assert_engines_agree(scenario, Streams(2016, range(63, 65)), arrays_of)


@pytest.mark.parametrize(
    ("sites", "patients", "size"), [(1, 2, 3), (1, 150, 2), (100, 208, 2), (40, 5000, 1)]
)
def test_engines_agree_on_the_smallest_and_the_largest_trials(
    cars1: Scenario, arrays_of: ArraysOf, sites: int, patients: int, size: int
) -> None:
    changes = {
        "design.patients": patients,
        "operations.sites": {f"site_{number}": {"activation_day": 0} for number in range(sites)},
        "operations.site_rate_coefficient_of_variation": 0.3,
    }
    assert_engines_agree(cars1.replace(changes), Streams(3, range(size)), arrays_of)


def test_chairs_for_every_patient_are_as_good_as_no_limit(
    cars1: Scenario, arrays_of: ArraysOf
) -> None:
    """In the event engine, where chairs exist: the limit that no patient can meet is none."""
    small = cars1.replace({"design.patients": 30})
    enough = small.replace({"operations.infusion_chairs_per_site": 30})
    trials = [simulate_batch(one, Streams(5, range(8)), "events") for one in (small, enough)]
    without, limited = map(arrays_of, trials)
    assert all(without[path].tobytes() == limited[path].tobytes() for path in without)


@pytest.mark.parametrize("chairs", [1, 39])
def test_the_vector_engine_refuses_limited_chairs_by_name(cars1: Scenario, chairs: int) -> None:
    limited = {"design.patients": 40, "operations.infusion_chairs_per_site": chairs}
    scenario = cars1.replace(limited)
    with pytest.raises(InputError, match=r"engine: .*operations\.infusion_chairs_per_site"):
        simulate_batch(scenario, Streams(1, range(1)), "vector")


@pytest.mark.parametrize(("chairs", "engine"), [(None, "vector"), (40, "vector"), (39, "events")])
def test_the_engine_is_chosen_by_what_couples_patients(
    cars1: Scenario, chairs: int | None, engine: str
) -> None:
    limited = {"design.patients": 40, "operations.infusion_chairs_per_site": chairs}
    assert simulate_batch(cars1.replace(limited), Streams(1, range(1))).engine == engine


def test_a_batch_that_only_some_replicates_finish_fails_alike_in_both_engines(
    cars1: Scenario, arrays_of: ArraysOf
) -> None:
    limit = {"operations.recruitment_limit_days": 300, "operations.at_limit": "fail"}
    scenario = cars1.replace(limit)
    streams = Streams(4, range(40))
    trial = simulate_batch(scenario, streams)
    assert 0 < len(trial.failures) < 40
    assert_engines_agree(scenario, streams, arrays_of)
