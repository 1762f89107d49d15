"""Whole trials in C keep of each replicate what the trials of NumPy do, to the bit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from trialsim.analysis.endpoint import cells_of, endpoint
from trialsim.analysis.monitoring.patients import Patients, patients_at_once, patients_of
from trialsim.analysis.whole.counted import counted_trials
from trialsim.analysis.whole.covered import is_covered
from trialsim.arrays import Floats
from trialsim.compiled.library import NUMPY, builds_here, computed_by
from trialsim.errors import RecruitmentError
from trialsim.replicates.quantities import quantities, quantities_at_once
from trialsim.scenario.files.builtin import builtin_scenarios
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

BUILDS = [build for build in builds_here() if build != NUMPY]
pytestmark = pytest.mark.skipif(not BUILDS, reason="no C compiler here")

CARS1 = load("cars1")
DRAWN_BY = st.sampled_from
CHANCES = DRAWN_BY([0.0, 0.05, 0.5, 1.0])
DAYS = DRAWN_BY(
    [
        {"distribution": "constant", "value": 0},
        {"distribution": "exponential", "mean": 15},
        {"distribution": "uniform", "low": 1, "high": 21},
    ]
)
SCHEDULES = [
    {"per_cycle": 21, "days": "every_day"},
    {"per_cycle": 10, "days": "monday_to_friday"},
    {"per_cycle": 5, "days": "monday_to_friday", "cycles": 2, "cycle_every_days": 10},
    {"per_cycle": 3, "days": "every_day", "then": {"per_cycle": 2, "days": "monday_and_thursday"}},
]
EXPOSURES = [
    {"model": "none"},
    {"model": "proportional", "full_dose": 630},
    {"model": "threshold", "full_dose": 630, "needed_dose": 300},
    {"model": "emax", "full_dose": 630, "half_dose": 200, "hill": 3},
    {"model": "umbrella", "full_dose": 300, "most_dose": 900, "rise": 1.5},
]
VISITS: list[dict[str, Any]] = [
    {"baseline": {"day": 0}, "day_90": {"day": 90, "after": "onset", "window_days": 5}},
    {
        "baseline": {"day": 0},
        "day_2": {"day": 2, "after": "onset"},
        "day_21": {"day": 21, "window_days": 3},
        "day_90": {"day": 90, "window_days": 60},
    },
    {"baseline": {"day": 0}, "day_4": {"day": 4, "window_days": 2}, "day_90": {"day": 9}},
]
TENDENCIES = [
    {"distribution": "constant", "value": 0},
    {"distribution": "constant", "value": 1},
    {"distribution": "logit_normal", "median": 0.1, "logit_sd": 1.2},
]
HANDLED = [
    {},
    {"discontinuation": "hypothetical"},
    {"discontinuation": "composite"},
    {"drug_related_discontinuation": "composite", "switching": "principal_stratum"},
]
ON_TREATMENT = {
    "design.patients": 40,
    "analysis.intercurrent": {"discontinuation": "while_on_treatment", "rescue": "composite"},
    "operations.discontinuation.probability": 0.5,
}
"""Whole trials know it of scores that are carried forward, as those of CARS-1 are."""
SCREENING = [
    {"distribution": "constant", "value": 0},
    {"distribution": "lognormal", "median": 4, "log_sd": 0.6},
    {"distribution": "uniform", "low": 0, "high": 60},
    {"distribution": "normal", "mean": 30, "sd": 9, "low": 0, "high": 60},
]


@st.composite
def happenings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw something that befalls patients: soon or late, seldom or always."""
    return {"probability": draw(CHANCES), "days": draw(DAYS)}


@st.composite
def methods(draw: st.DrawFn, outcomes: list[str], visits: dict[str, Any]) -> dict[str, Any]:
    """Draw the test of one outcome, or one of several, at one visit or more."""
    several = draw(DRAWN_BY([outcomes, outcomes[::-2], outcomes[:2]]))
    method = draw(DRAWN_BY(["mann_whitney", "wei_lachin", "wei_lachin", "obrien"]))
    found: dict[str, Any] = {"analysis.test": {"method": method}}
    match method:
        case "mann_whitney":
            found["analysis.interval"] = "null_variance"
        case "obrien":
            found["analysis.test"]["outcomes"] = several if len(several) > 1 else outcomes
            found["analysis.strata"] = "none"
        case _:
            last = [*visits][1:][-draw(st.integers(1, 3)) :]
            together = last if len(last) > 1 and draw(st.booleans()) else []
            found["analysis.test"] |= {
                "outcomes": several if together or len(several) > 1 else outcomes,
                "visits": together,
                "weighting": draw(DRAWN_BY(["equal", "equal", "standardised", "least-squares"])),
                "variance": draw(DRAWN_BY(["placement", "null_variance"])),
            }
    return found


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a small trial in which everything that whole trials look at may differ from CARS-1."""
    missing = draw(DRAWN_BY(["locf", "bocf", "worst_rank", "complete_case"]))
    measure = draw(DRAWN_BY(["score", "change"]))
    endpoints = ["arat", "nihss"]  # which have a baseline
    if missing != "bocf" and measure == "score":
        endpoints += ["barthel", "goodglass_kaplan", "line_cancellation", "nine_hole_peg", "mrs"]
    endpoint, visits = draw(DRAWN_BY(endpoints)), draw(DRAWN_BY(VISITS))
    opens, closes = draw(DRAWN_BY([(8, 20), (0, 24), (9.5, 12.25), (0, 1)]))
    youngest, earliest = draw(st.integers(18, 60)), draw(DRAWN_BY([0, 24, 30.5]))
    return {
        "design.patients": draw(st.integers(8, 90)),
        "design.block_size": draw(DRAWN_BY([2, 4, 6])),
        "design.stratify_by": draw(DRAWN_BY(["site", "nothing"])),
        "design.visits": visits,
        "operations.sites": {
            f"site_{number}": {"activation_day": draw(DRAWN_BY([0, 0.3, 14, 60]))}
            for number in range(draw(st.integers(1, 5)))
        },
        "operations.candidates_per_site_per_month": draw(DRAWN_BY([20, 60, 200])),
        "operations.site_rate_coefficient_of_variation": draw(DRAWN_BY([0, 0.5, 1.5])),
        "operations.screening_hours": draw(DRAWN_BY(SCREENING)),
        "operations.first_infusion_after_onset": {
            "earliest_hours": earliest,
            "latest_hours": earliest + draw(DRAWN_BY([25, 48, 96.5])),
        },
        "operations.clinic_opens_hour": opens,
        "operations.clinic_closes_hour": closes,
        "operations.refusal_probability": draw(DRAWN_BY(TENDENCIES)),
        **{
            f"operations.{name}": draw(happenings())
            for name in ("discontinuation", "withdrawal", "death")
        },
        "operations.visit_missed_probability": draw(CHANCES),
        "eligibility.inclusion.age.at_least": youngest,
        "eligibility.inclusion.age.at_most": youngest + draw(st.integers(20, 40)),
        "treatment.infusions": draw(DRAWN_BY(SCHEDULES)),
        f"outcomes.{endpoint}.effect.exposure": draw(DRAWN_BY(EXPOSURES)),
        f"outcomes.{endpoint}.effect.trial_sd": draw(DRAWN_BY([0, 0.4])),
        "outcome_correlation.common": draw(DRAWN_BY([0, 0.4])),
        "analysis.endpoint": endpoint,
        "analysis.visit": "day_90",
        "analysis.measure": measure,
        "analysis.missing": missing,
        "analysis.death": draw(DRAWN_BY(["worst_rank", "as_missing"])),
        "analysis.intercurrent": draw(DRAWN_BY(HANDLED)),
        "analysis.analysis_set": draw(DRAWN_BY(["all_randomised", "full_analysis_set"])),
        "analysis.minimum_infusion_share": draw(DRAWN_BY([0, 0.8])),
        "analysis.strata": draw(DRAWN_BY(["none", "site"])),
        **draw(methods(endpoints, visits)),
        "analysis.secondary": {},
        "monitoring": None,
    }


def by_numpy(scenario: Scenario, streams: Streams) -> dict[str, Floats] | str:
    """Return what NumPy keeps of each replicate, or why it could not be recruited."""
    try:
        with computed_by(NUMPY):
            trial = simulate_batch(scenario, streams)
            patients = patients_of(trial, endpoint(trial, scenario.analysis))
            return {**quantities(trial), **each_of(patients, scenario)}
    except RecruitmentError as error:
        return str(error)


def each_of(patients: Patients, scenario: Scenario) -> dict[str, Any]:
    """Return all that cuts need of patients, and of candidates who came before recruitment closed.

    The places of those who are counted aside mean nothing.
    """
    plan = scenario.analysis
    cells = cells_of(scenario.outcomes[plan.endpoint], plan)
    aside = patients.place // cells % 3 == 2
    before = patients.arrival <= patients.closed[:, None]
    return {
        "each randomised": patients.randomised,
        "each known": patients.known,
        "each place": np.where(aside, -1, patients.place),
        **{f"each {name} so far": numbers for name, numbers in patients.so_far.items()},
        "each arrival": np.sort(np.where(before, patients.arrival, 0), axis=1)[:, -20:],
    }


def without_trials(scenario: Scenario, streams: Streams) -> dict[str, Any] | None:
    """Return what is counted of each replicate and of its patients; None where NumPy has to."""
    found, patients = quantities_at_once(scenario, streams), patients_at_once(scenario, streams)
    assert (found is None) == (patients is None)
    return None if found is None or patients is None else {**found, **each_of(patients, scenario)}


def assert_builds_agree(scenario: Scenario, streams: Streams) -> None:
    """Compare what is kept in every build, to the bit."""
    expected = by_numpy(scenario, streams)
    for build in BUILDS:
        with computed_by(build):
            if isinstance(expected, str) and "can never finish" in expected:
                with pytest.raises(RecruitmentError):
                    quantities_at_once(scenario, streams)
                continue
            found = without_trials(scenario, streams)
        if found is None:  # a recruitment that is not complete is for NumPy
            assert isinstance(expected, str) or len(expected["estimate"]) == len(streams.replicates)
            continue
        assert not isinstance(expected, str)
        assert found.keys() == expected.keys()
        for name, column in expected.items():
            assert found[name].tobytes() == column.tobytes(), name


@settings(
    derandomize=True,
    max_examples=75,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    changed=changes(),
    seed=st.integers(0, 2**64 - 1),
    start=st.sampled_from([0, 77, 2**58 - 4, 2**58]),  # which no batch spans: streams._seated
    size=st.integers(1, 4),
)
@example(changed=ON_TREATMENT, seed=1, start=0, size=3)
def test_whole_trials_are_those_of_numpy(
    changed: dict[str, Any], seed: int, start: int, size: int
) -> None:
    scenario = CARS1.replace(changed)
    assert is_covered(scenario)
    assert_builds_agree(scenario, Streams(seed, range(start, start + size)))


def test_twelve_scales_and_their_bounds_are_those_of_numpy() -> None:
    """Of patients many of whom miss visits, withdraw or die."""
    days = {"distribution": "uniform", "low": 1, "high": 80}
    changed: dict[str, Any] = {"operations.visit_missed_probability": 0.3}
    for name in ("discontinuation", "withdrawal", "death"):
        changed[f"operations.{name}"] = {"probability": 0.2, "days": days}
    twelve = CARS1.with_analysis("global_status").replace(changed)
    assert_builds_agree(twelve, Streams(9, range(7)))


@pytest.mark.parametrize("missing", ["locf", "bocf", "worst_rank", "complete_case"])
def test_who_came_to_one_of_several_visits_and_missed_a_later_one_is_as_by_numpy(
    missing: str,
) -> None:
    changed = {
        "analysis.missing": missing,
        "analysis.secondary": {},
        "analysis.strata": "none",
        "analysis.test": {
            "method": "wei_lachin",
            "outcomes": ["arat", "nihss"],
            "visits": ["day_21", "day_42", "day_90"],
        },
        "operations.visit_missed_probability": 0.4,
    }
    study = CARS1.replace(changed)
    assert is_covered(study)
    assert_builds_agree(study, Streams(1, range(3)))


def test_whole_trials_of_every_scenario_file_that_is_covered_are_those_of_numpy() -> None:
    studies = [load_study(name) for name in builtin_scenarios()]
    covered = [one for one in studies if isinstance(one, Scenario) and is_covered(one)]
    assert len(covered) > 5
    for scenario in covered:
        assert_builds_agree(scenario, Streams(2016, range(62, 68)))


@pytest.mark.parametrize(
    ("sites", "patients", "size"), [(1, 2, 3), (1, 150, 2), (100, 208, 2), (40, 5000, 1)]
)
def test_the_smallest_and_the_largest_trials_are_those_of_numpy(
    sites: int, patients: int, size: int
) -> None:
    changed = {
        "design.patients": patients,
        "operations.sites": {f"site_{number}": {"activation_day": 0} for number in range(sites)},
        "operations.site_rate_coefficient_of_variation": 0.3,
    }
    assert_builds_agree(CARS1.replace(changed), Streams(3, range(size)))


def test_a_recruitment_that_is_not_complete_is_left_to_numpy() -> None:
    changed = {"operations.recruitment_limit_days": 300, "operations.at_limit": "fail"}
    streams = Streams(4, range(40))
    assert 0 < len(simulate_batch(CARS1.replace(changed), streams).failures) < 40
    with computed_by(BUILDS[0]):
        assert counted_trials(CARS1.replace(changed), streams) is None


def test_sites_that_open_long_after_others_need_no_more_room_than_there_is() -> None:
    """Hardly anybody comes before the last site opens, so that many are queued before they come."""
    sites = {"first": {"activation_day": 0}, **{f"s{i}": {"activation_day": 900} for i in range(9)}}
    changed = {"operations.sites": sites, "design.patients": 40}
    scenario, streams = CARS1.replace(changed), Streams(5, range(8))
    with computed_by(BUILDS[0]):
        assert counted_trials(scenario, streams) is not None
    assert_builds_agree(scenario, streams)


def test_nothing_is_counted_where_numpy_computes() -> None:
    with computed_by(NUMPY):
        assert counted_trials(CARS1, Streams(1, range(2))) is None


def test_the_batch_changes_nothing_that_is_kept() -> None:
    whole = quantities_at_once(CARS1, Streams(1, range(20)))
    parts = [quantities_at_once(CARS1, Streams(1, range(one, one + 1))) for one in range(20)]
    assert whole is not None
    for name, column in whole.items():
        singly = np.concatenate([part[name] for part in parts if part is not None])
        assert singly.tobytes() == column.tobytes()
