"""A sample size is an interval that holds the value, and a power confirmed on fresh replicates."""

import math
import re
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import norm

import trialsim as ts
from trialsim.questions.count_power import patients_by_cells
from trialsim.questions.size.crossing import BLOCKS, crossing, probit
from trialsim.questions.size.sample_size import closed_form_patients
from trialsim.reporting.figures.of_designs.power_curve import curve_data
from trialsim.reporting.text.comparison import size_text
from trialsim.scenario.files.yaml_file import load
from trialsim.stats.planning.sample_size import noether
from trialsim.streams import confirmation_seed

SEED = 2016
PATIENTS = "design.patients"
EFFECT = "outcomes.arat.effect.value"
DROPOUT = "operations.withdrawal.probability"
FEW: dict[str, Any] = {"replicates": 500, "seed": SEED, "n_jobs": 1}


@pytest.fixture(scope="module")
def calm() -> ts.Scenario:
    """Return CARS-1 with the pooled effect and nothing that goes wrong."""
    never = {"probability": 0, "days": {"distribution": "constant", "value": 1}}
    return load("cars1").replace(
        {
            EFFECT: 0.62,
            "operations.refusal_probability": {"distribution": "constant", "value": 0},
            "operations.discontinuation": never,
            "operations.withdrawal": never,
            "operations.death": never,
            "operations.visit_missed_probability": 0,
        }
    )


@pytest.fixture(scope="module")
def size(calm: ts.Scenario) -> ts.SampleSize:
    """Return the patients that give 90% power."""
    return ts.sample_size(calm, replicates=1_000, seed=SEED, n_jobs=1)


def test_the_interval_holds_the_closed_form_for_ties_where_nothing_goes_wrong(
    calm: ts.Scenario, size: ts.SampleSize
) -> None:
    """The closed form is that of reference patients as well as that of the patients simulated."""
    assert size.closed_form is not None
    assert size.low <= size.closed_form.patients <= size.high
    assert size.low <= closed_form_patients(calm, 0.9) <= size.high
    assert size.low < size.estimate < size.high
    assert size.high - size.low < 60


def test_the_interval_holds_the_closed_form_of_the_study_as_conducted(calm: ts.Scenario) -> None:
    """Infusions and visits missed, withdrawals and deaths cost what the formula's cells say.

    Both are measured, so they agree within 4 joint Monte Carlo errors: the interval is of the
    search alone, and the formula has an error of its own that is as large.
    """
    cars1 = load("cars1").replace({EFFECT: 0.62})
    found = ts.sample_size(cars1, replicates=1_000, seed=SEED, n_jobs=1)
    assert found.closed_form is not None
    of_search = (found.high - found.low) / (2 * norm.ppf(0.975))
    joint = np.hypot(of_search, found.closed_form.mcse)
    assert abs(found.closed_form.patients - found.estimate) < 4 * joint
    assert found.closed_form.patients > closed_form_patients(calm, 0.9) + 4 * found.closed_form.mcse
    assert found.to_dict()["closed_form"] == found.closed_form._asdict()


@pytest.mark.parametrize(
    "changes",
    [
        {"analysis.test": {"method": "brunner_munzel"}},
        {"analysis.strata": "site"},
        {"analysis.missing": "multiple_imputation"},
    ],
)
def test_no_closed_form_is_given_of_a_plan_that_it_does_not_follow(changes: dict[str, Any]) -> None:
    assert patients_by_cells(load("cars1").replace(changes), 0.9, cohort=64) is None


def test_the_closed_form_is_near_noether_and_counts_all_arms(calm: ts.Scenario) -> None:
    """The scale's ties save little; a third arm that is not compared costs its patients."""
    equal = closed_form_patients(calm, 0.9)
    assert equal == pytest.approx(float(noether(0.62).patients(0.9)), rel=0.06)
    arms = {name: arm.model_dump() for name, arm in calm.design.arms.items()}
    third = calm.replace(
        {
            "design.arms": {**arms, "low_dose": {**arms["cerebrolysin"], "dose_ml": 10.0}},
            "design.block_size": 6,
        }
    )
    assert closed_form_patients(third, 0.9) == pytest.approx(1.5 * equal, rel=1e-12)


def test_the_confirmed_power_is_that_of_the_recommended_value_under_the_other_seed(
    calm: ts.Scenario, size: ts.SampleSize
) -> None:
    assert size.confirmation_seed == confirmation_seed(SEED) != SEED
    alone = ts.power(
        calm.replace({PATIENTS: size.value}), size.replicates, size.confirmation_seed, n_jobs=1
    )
    assert (size.power, size.mcse, size.ci) == (alone.power, alone.mcse, alone.ci)
    assert abs(size.power - 0.9) < 4 * size.mcse


def test_patients_are_rounded_up_to_whole_blocks(calm: ts.Scenario, size: ts.SampleSize) -> None:
    """And from there on by blocks, while fresh replicates fall short of the target."""
    block = calm.design.block_size
    assert size.value % block == 0
    first = block * math.ceil(size.estimate / block)
    assert size.value >= first
    assert size.is_confirmed
    if size.value > first:
        alone = calm.replace({PATIENTS: first})
        fresh = ts.power(alone, size.replicates, size.confirmation_seed, n_jobs=1)
        assert fresh.power < size.target


def test_each_candidate_is_its_own_power(calm: ts.Scenario, size: ts.SampleSize) -> None:
    assert len(size.candidates) >= 4
    candidate = size.candidates[-1]
    alone = ts.power(
        calm.replace({PATIENTS: candidate.value}), candidate.replicates, SEED, n_jobs=1
    )
    assert (candidate.power, candidate.mcse) == (alone.power, alone.mcse)
    assert size.frame["value"].is_monotonic_increasing
    assert (size.frame["seconds"] > 0).all()


def test_a_size_does_not_depend_on_workers_or_batch(calm: ts.Scenario) -> None:
    small = calm.replace({EFFECT: 0.75})
    found = [
        ts.sample_size(small, 0.8, replicates=200, seed=5, n_jobs=jobs, batch=batch).to_dict()
        for jobs, batch in ((1, 128), (2, 50))
    ]
    for one in found:
        one["seconds"] = 0
        one["candidates"] = [{**tried, "seconds": 0} for tried in one["candidates"]]
    assert found[0] == found[1]


def test_the_smallest_effect_that_a_size_detects_agrees_with_the_closed_form(
    calm: ts.Scenario,
) -> None:
    """At the effect that is found, the formula asks for as many patients as the trial has."""
    found = ts.sample_size(calm, 0.8, EFFECT, low=0.5, high=0.8, **FEW)
    asked = [
        closed_form_patients(calm.replace({EFFECT: end}), 0.8) for end in (found.low, found.high)
    ]
    assert asked[1] < calm.design.patients < asked[0]
    assert found.value >= found.estimate
    assert found.value == pytest.approx(found.estimate, abs=1e-3)


def test_a_path_along_which_power_falls_is_searched_as_well(calm: ts.Scenario) -> None:
    found = ts.sample_size(calm, 0.7, DROPOUT, low=0.0, high=0.9, **FEW)
    assert 0.05 < found.low < found.estimate < found.high < 0.6
    assert found.value <= found.estimate
    assert abs(found.power - 0.7) < 4 * found.mcse


def test_a_number_that_is_whole_stays_whole(calm: ts.Scenario) -> None:
    """Fewer infusions give less of the drug, and the effect is in proportion to it."""
    found = ts.sample_size(calm, 0.6, "treatment.infusions.per_cycle", low=3.0, high=21, **FEW)
    assert all(isinstance(number, int) for number in (found.low, found.value, found.high))
    assert found.low <= found.value <= found.high + 1
    values = [candidate.value for candidate in found.candidates]
    assert all(isinstance(value, int) for value in values)


def test_a_power_out_of_reach_is_refused_with_the_range_that_was_reached(
    calm: ts.Scenario,
) -> None:
    with pytest.raises(ts.RunError, match=r"out of reach of operations.* from 0\.\d+ \(95% 0"):
        ts.sample_size(calm, 0.99, DROPOUT, low=0.0, high=0.5, **FEW)
    with pytest.raises(ts.RunError, match=r"from 20 to 40 the power goes from"):
        ts.sample_size(calm, 0.9, low=20, high=40, **FEW)


def test_a_path_that_does_not_move_the_power_is_refused(calm: ts.Scenario) -> None:
    with pytest.raises(ts.RunError, match="does not move the power"):
        ts.sample_size(calm, 0.8, "operations.infusion_minutes", low=10, high=30, **FEW)


def test_too_few_trials_are_not_taken_for_a_number_that_does_nothing() -> None:
    """Patients do move the power; a hundred trials alone do not show it near a power of one."""
    study = load("cars1").replace({EFFECT: 0.72})
    with pytest.raises(ts.RunError, match="100 trials are too few to see whether design") as found:
        ts.sample_size(study, 0.999, low=200, high=400, replicates=100, seed=SEED, n_jobs=1)
    told = str(found.value)
    assert "does not move" not in told
    assert "0.000)" not in told
    assert re.search(r"which may change by -0\.\d+ to \+0\.\d+: from 200 to 400", told)


def test_a_subgroup_in_which_the_effect_is_larger_is_searched_near_its_own_size(
    calm: ts.Scenario,
) -> None:
    """Oracle: the closed form of all patients, for the effect that they have, is far from there."""
    mild = {"label": "Mild", "covariate": "nihss", "at_most": 9}
    effect = {"anchor": "theta", "value": 0.53, "subgroup": mild, "effect_outside": 4.0}
    changes = {f"outcomes.arat.effect.{name}": value for name, value in effect.items()}
    severe = {"label": "Severe", "covariate": "nihss", "more_than": 9}
    study = calm.replace({**changes, "analysis.subgroup": severe})
    found = ts.sample_size(study, 0.8, replicates=200, n_jobs=1)
    assert closed_form_patients(study, 0.8) > 4 * found.value
    assert max(candidate.value for candidate in found.candidates) < 2 * found.value


def test_patients_who_can_never_be_recruited_in_time_are_said_to_be_the_reason() -> None:
    hurried = load("cars1").replace(
        {"operations.recruitment_limit_days": 30, "operations.at_limit": "fail"}
    )
    with pytest.raises(ts.RunError, match=r"^with design.patients \d+ all 100 replicates failed: "):
        ts.sample_size(hurried, 0.9, replicates=100, n_jobs=1)


def test_replicates_that_failed_are_told_where_they_leave_no_power_to_compare() -> None:
    """Oracle: the failures of the same studies, run alone."""
    slow = load("cars1").replace(
        {EFFECT: 0.6, "operations.recruitment_limit_days": 350, "operations.at_limit": "fail"}
    )
    failed = [
        ts.power(slow.replace({PATIENTS: patients}), 100, SEED, n_jobs=1).failed
        for patients in (160, 280)
    ]
    assert 0 < failed[0] < 50 < failed[1] < 100
    told = f"of which {failed[0]} and {failed[1]} failed: recruitment was not complete"
    with pytest.raises(ts.RunError, match=told):
        ts.sample_size(slow, 0.99, low=160, high=280, replicates=100, seed=SEED, n_jobs=1)


def test_replicates_that_failed_are_counted_in_every_power() -> None:
    """Oracle: the same studies, run alone. The closed form is of those that were finished."""
    hurried = load("cars1").replace(
        {PATIENTS: 40, "operations.recruitment_limit_days": 100, "operations.at_limit": "fail"}
    )
    found = ts.sample_size(hurried, 0.8, EFFECT, low=0.6, high=0.85, **FEW)
    runs = [(found.failed, found.value, found.confirmation_seed, found.replicates)]
    runs += [(one.failed, one.value, SEED, one.replicates) for one in found.candidates]
    for failed, value, seed, replicates in runs[:3]:
        alone = ts.power(hurried.replace({EFFECT: value}), replicates, seed, n_jobs=1)
        assert failed == alone.failed > 0
    finished = found.frame["replicates"] - found.frame["failed"]
    assert curve_data(found)["replicates"].tolist() == finished.tolist()
    told = size_text("", found)
    assert f"fresh trials, {found.failed} failed, seed" in told
    assert told.count(f", {found.candidates[0].failed} failed") >= 1


def test_every_problem_of_a_request_is_told_at_once(calm: ts.Scenario) -> None:
    with pytest.raises(ts.InputError) as caught:
        ts.sample_size(calm, 1.2, DROPOUT, low=0.9, high=-0.5, replicates=10, seed=-1, n_jobs=0)
    assert [problem.path for problem in caught.value.problems] == [
        "power",
        "replicates",
        "high",
        DROPOUT,
        "seed",
        "n_jobs",
    ]


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("operations.withdrawal.probabilty", "did you mean operations.withdrawal.probability?"),
        ("operations.infusion_chairs_per_site", "must be a number to search along"),
        ("design.stratify_by", "must be a number to search along"),
        (EFFECT, "must be searched between low and high"),
    ],
)
def test_a_path_that_cannot_be_searched_is_refused(calm: ts.Scenario, path: str, rule: str) -> None:
    with pytest.raises(ts.InputError) as caught:
        ts.sample_size(calm, path=path)
    assert len(caught.value.problems) == 1
    assert rule in str(caught.value)


def test_no_number_of_patients_is_sought_without_an_effect() -> None:
    with pytest.raises(ts.InputError, match="no number of patients suffices"):
        ts.sample_size(load("cars1_null"))


def test_a_crossing_is_found_on_a_probit_line() -> None:
    """The oracle is the line itself: power Phi(2 x - 3) has the probit of 0.9 at x = 2.14."""
    places = np.array([1.9, 2.0, 2.2, 2.4])
    uniforms = (np.arange(40_000) * 0.6180339887498949) % 1  # even, and shared by the places
    rejected = (uniforms < ndtr(2 * places[:, None] - 3)).astype(float)
    found = crossing(places, rejected, 0.9)
    assert found.place == pytest.approx((3 + norm.ppf(0.9)) / 2, abs=1e-3)
    assert found.slope == pytest.approx(2, rel=2e-3)


def test_the_interval_of_a_crossing_covers_as_it_says() -> None:
    """Of 400 simulated searches 95% hold the truth, within 3.5 binomial standard errors."""
    generator = np.random.default_rng(7)
    places = np.array([1.9, 2.05, 2.2, 2.35])
    powers = ndtr(2 * places[:, None] - 3)
    truth, held = (3 + norm.ppf(0.9)) / 2, 0
    for _ in range(400):
        rejected = (generator.random(1_000) < powers).astype(float)
        low, high = crossing(places, rejected, 0.9).interval()
        held += low <= truth <= high
    assert abs(held / 400 - 0.95) < 3.5 * math.sqrt(0.95 * 0.05 / 400)


def test_replicates_that_failed_are_left_out_of_a_crossing() -> None:
    generator = np.random.default_rng(8)
    rejected = (generator.random(2 * BLOCKS * 10) < [[0.6], [0.8]]).astype(float)
    holed = np.where(np.arange(rejected.shape[1]) % 2, rejected, np.nan)
    whole = crossing(np.array([1.0, 2.0]), rejected[:, 1::2], 0.7)
    assert crossing(np.array([1.0, 2.0]), holed, 0.7) == pytest.approx(whole, rel=1e-12)


def test_the_probit_of_none_and_of_all_is_finite() -> None:
    found = probit(np.array([0.0, 10.0]), np.array([10.0, 10.0]))
    assert found == pytest.approx(norm.ppf([0.05, 0.95]), rel=1e-12)


def test_a_value_is_recommended_only_once_its_power_is_confirmed(calm: ts.Scenario) -> None:
    """Under the last two seeds the first value falls short on fresh trials: the search goes on."""
    small = calm.replace({EFFECT: 0.72})
    moved = 0
    for seed in (0, 4, 7):
        found = ts.sample_size(small, 0.8, replicates=200, seed=seed, n_jobs=1)
        assert found.power >= 0.8
        assert found.is_confirmed
        assert size_text("x", found).splitlines()[1] == found.verdict
        assert found.verdict.startswith("Recommended: ")
        assert found.value % calm.design.block_size == 0
        moved += found.value >= found.estimate + calm.design.block_size
    assert moved == 2


def test_the_interval_goes_beyond_the_patients_between_whom_the_search_began() -> None:
    """Which end at 292: the interval is symmetric in the root of the patients nevertheless."""
    changes = {EFFECT: 0.62, "operations.discontinuation.probability": 0.08}
    found = ts.sample_size(load("cars1").replace(changes), 0.9, replicates=1_000, seed=11, n_jobs=1)
    assert 250 < found.value < 320
    below, middle, above = np.sqrt([found.low, found.estimate, found.high])
    assert above - middle == pytest.approx(middle - below, abs=0.06)  # of whole patients


def test_an_effect_that_the_endpoint_alone_does_not_have_is_sized() -> None:
    """The global test of three outcomes, of which the first has no effect."""
    changes: dict[str, Any] = {
        PATIENTS: 60,
        EFFECT: 0.5,
        "outcomes.nihss.effect.value": 0.66,
        "outcomes.barthel.effect.value": 0.66,
        "analysis.secondary": {},
        "analysis.test": {"method": "wei_lachin", "outcomes": ["arat", "nihss", "barthel"]},
    }
    study = load("cars1").replace(changes)
    found = ts.sample_size(study, 0.8, replicates=200, seed=SEED, n_jobs=1)
    assert 120 < found.value < 220


def test_a_power_close_to_one_is_sized_or_its_trials_are_too_few() -> None:
    study = load("cars1").replace({EFFECT: 0.72})
    found = ts.sample_size(study, 0.999, replicates=1_000, seed=SEED, n_jobs=1)
    assert found.value > 80
    with pytest.raises(ts.RunError, match=r"out of reach|are too few"):
        ts.sample_size(study, 0.9999, low=40, high=100, replicates=1_000, n_jobs=1)


def test_the_wrong_direction_is_given_as_the_reason(calm: ts.Scenario) -> None:
    less = calm.replace({"analysis.alternative": "less", "analysis.alpha": 0.025})
    with pytest.raises(ts.InputError, match=r"analysis\.alternative: must not be less"):
        ts.sample_size(less, 0.8, **FEW)
    harmful = calm.replace({EFFECT: 0.35})
    with pytest.raises(ts.RunError, match="in favour of the control"):
        ts.sample_size(harmful, 0.8, low=100, high=200, **FEW)


def test_a_limit_that_stops_recruitment_is_the_reason_why_more_patients_do_nothing() -> None:
    slow = load("cars1").replace({EFFECT: 0.6, "operations.recruitment_limit_days": 60})
    with pytest.raises(
        ts.RunError, match="in up to 100 of which recruitment lasted until its limit"
    ):
        ts.sample_size(slow, 0.95, replicates=100, seed=5, n_jobs=1)


FEWER: dict[str, Any] = {"replicates": 300, "seed": 5, "n_jobs": 1}
LOOK = "monitoring.looks.first.when.known"


@pytest.fixture(scope="module")
def looked_size() -> ts.SampleSize:
    """Return the patients that give two looks 80% power."""
    return ts.sample_size(load("cars_sequential"), power=0.8, **FEWER)


def test_the_patients_found_are_those_of_the_normal_approximation(
    looked_size: ts.SampleSize,
) -> None:
    """Bounds and power of the recursion under the effect as conducted, within the interval."""
    study = load("cars_sequential")
    effect = float(ts.power(study, 300, 5, n_jobs=1).estimate.estimate)
    low, high = (
        ts.bounds(study.replace({"design.patients": patients}), [effect]).effects[0].power
        for patients in (looked_size.low, looked_size.high)
    )
    spread = 3 * np.sqrt(0.8 * 0.2 / 300)
    assert low - spread < 0.8 < high + spread


def test_the_power_that_confirms_a_size_is_that_of_the_trial_with_looks(
    looked_size: ts.SampleSize,
) -> None:
    study = load("cars_sequential").replace({"design.patients": int(looked_size.value)})
    alone = ts.power(study, 300, confirmation_seed(5), n_jobs=1)
    assert looked_size.power == alone.power
    assert alone.looks is not None


def test_the_look_is_found_that_gives_a_power() -> None:
    """A later first look stops fewer trials for futility, so power rises with its share."""
    study = load("cars_sequential")
    found = ts.sample_size(study, power=0.8, path=LOOK, low=0.2, high=0.7, **FEWER)
    assert 0.2 <= found.low < found.value <= found.high <= 0.7
    early, late = (ts.power(study.replace({LOOK: at}), 300, 5, n_jobs=1) for at in (0.2, 0.7))
    assert early.power < found.power < late.power


def test_looks_that_stop_for_futility_cost_assurance() -> None:
    """Futility that is obeyed costs power under every effect."""
    study = load("cars_sequential")
    how: dict[str, Any] = {"strata": 8, "n_jobs": 1}
    looked = ts.assurance(study, "cars1", 320, 5, **how)
    without = ts.assurance(study.replace({"monitoring": None}), "cars1", 320, 5, **how)
    assert 0 < looked.probability <= without.probability


@pytest.mark.parametrize("by", ["blinded", "promising_zone"])
def test_the_limits_of_a_size_set_again_move_with_the_patients(by: str) -> None:
    """And the power that confirms them is that of a trial with both."""
    final = "conventional" if by == "blinded" else "inverse_normal"
    rule = {"at": "first", "by": by, "power": 0.9, "at_least": 240, "at_most": 360}
    study = load("cars_sequential").replace(
        {
            "monitoring.looks.second": None,
            "monitoring.estimate": "naive",
            "monitoring.interval": "naive",
            "monitoring.re_estimation": rule,
            "monitoring.final.test": final,
            "outcomes.arat.effect.value": 0.66,
        }
    )
    found = ts.sample_size(study, power=0.8, **FEWER)
    patients = int(found.value)
    assert found.moved == {
        "monitoring.re_estimation.at_least": patients,
        "monitoring.re_estimation.at_most": -(-3 * patients // 2),
    }
    alone = study.replace({PATIENTS: patients, **found.moved})
    assert ts.power(alone, 300, confirmation_seed(5), n_jobs=1).power == found.power
    assert found.to_dict()["moved"] == found.moved
    text = size_text("title", found)
    assert f"re_estimation.at_most {-(-3 * patients // 2)}, in proportion" in text
    assert "conducted and analysed, without looks" in text


def test_a_size_without_looks_moves_nothing_else(looked_size: ts.SampleSize) -> None:
    assert looked_size.moved == {}


def test_no_size_is_tried_below_the_patients_that_a_look_waits_for() -> None:
    """46 patients would do at this effect, but the look needs 100."""
    changes = {
        "monitoring.looks.second": None,
        "monitoring.looks.first.when": {"known_patients": 100},
        "outcomes.arat.effect.value": 0.75,
    }
    study = load("cars_sequential").replace(changes)
    with pytest.raises(ts.RunError, match="101"):
        ts.sample_size(study, 0.8, replicates=100, seed=5, n_jobs=1)
    assert (
        ts.sample_size(study.replace({"outcomes.arat.effect.value": 0.62}), 0.8, **FEWER).value
        > 100
    )
