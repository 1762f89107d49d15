"""Assurance is power averaged over a prior: it has power, alpha and closed forms as its limits."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm, truncnorm

import trialsim as ts
from trialsim.questions.assurance.assurance import drawn_effects
from trialsim.questions.assurance.conditional_power import conditional_power
from trialsim.questions.assurance.prior import normal_prior
from trialsim.questions.assurance.prior_files import builtin_priors, load_prior
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.outcomes.effects import effect_sizes
from trialsim.scenario.outcomes.outcome import NO_EFFECT

SEED = 2016
EFFECT = "outcomes.arat.effect.value"


@pytest.fixture(scope="module")
def cars1() -> ts.Scenario:
    """Return the study as it stands in its file."""
    return load("cars1")


@pytest.fixture(scope="module")
def pooled(cars1: ts.Scenario) -> ts.Assurance:
    """Return CARS-1 under the prior of the pooled trials."""
    return ts.assurance(cars1, "cars_pooled", replicates=1280, seed=SEED, n_jobs=1)


def test_a_prior_without_width_gives_the_power_at_its_value_to_the_bit(cars1: ts.Scenario) -> None:
    known = ts.assurance(cars1, normal_prior(0.62, 0), 1024, SEED, strata=4, n_jobs=1)
    alone = ts.power(cars1.replace({EFFECT: 0.62}), 1024, SEED, n_jobs=1)
    assert known.rejections.estimate == alone.rejections.estimate
    assert known.probability == pytest.approx(alone.power, rel=1e-12)
    assert (known.columns["estimate"] == alone.columns["estimate"]).all()
    assert known.mcse_draws == pytest.approx(0, abs=1e-12)
    assert known.mcse == pytest.approx(alone.mcse, rel=0.1)
    assert known.power_sd < 3 * alone.mcse


def test_a_lump_of_all_belief_at_no_effect_gives_alpha_half_of_it_success(
    cars1: ts.Scenario,
) -> None:
    null = ts.assurance(cars1, normal_prior(0.7, 0.04, no_effect=1.0), 2_000, SEED, n_jobs=1)
    alpha = cars1.analysis.alpha
    assert (null.columns["effect"] == 0.5).all()
    error = math.sqrt(alpha * (1 - alpha) / null.replicates)
    assert abs(null.rejections.estimate - alpha) < 3.5 * error
    assert abs(null.probability - alpha / 2) < 3.5 * math.sqrt(alpha / 2 / null.replicates)


def test_half_of_belief_at_no_effect_averages_power_and_half_alpha(cars1: ts.Scenario) -> None:
    """The mean over a lump and a known effect, each with half of the strata."""
    half = ts.assurance(
        cars1, normal_prior(0.62, 0, no_effect=0.5), 1_280, SEED, strata=20, n_jobs=1
    )
    curve = half.curve
    assert curve.effect.tolist() == [0.5, 0.62]
    assert curve.trials.tolist() == [640, 640]
    assert half.probability == pytest.approx(curve.power.mean(), rel=1e-12)
    assert half.mcse_draws == pytest.approx(0, abs=1e-12)


def test_assurance_agrees_with_the_closed_form_for_a_normal_estimate(
    pooled: ts.Assurance, cars1: ts.Scenario
) -> None:
    """O'Hagan, Stevens and Campbell (2005), Pharmaceutical Statistics 4:187, eq. 3.

    The estimate is normal about the effect with the error that a trial of so many has; what is lost
    between full exposure and the trial is a shift of the prior.
    """
    prior = 0.62, 0.02806
    alone = ts.power(cars1.replace({EFFECT: prior[0]}), 1_000, SEED, n_jobs=1)
    lost, error = prior[0] - alone.estimate.estimate, alone.estimate.sd
    critical = 0.5 + norm.ppf(0.975) * error
    expected = norm.sf((critical - prior[0] + lost) / math.hypot(error, prior[1]))
    assert abs(pooled.probability - expected) < 0.02 + 3 * pooled.mcse


def test_the_error_is_that_of_repeated_runs(cars1: ts.Scenario) -> None:
    """Over 30 seeds, within the limits that a chi-squared with 29 degrees of freedom allows."""
    small = cars1.replace({"design.patients": 60})
    prior = normal_prior(0.68, 0.06)
    runs = [ts.assurance(small, prior, 64, seed, strata=4, n_jobs=1) for seed in range(30)]
    seen = np.std([run.probability for run in runs], ddof=1)
    said = np.mean([run.mcse for run in runs])
    assert 0.6 < seen / said < 1.45
    split = math.hypot(runs[0].mcse_simulation, runs[0].mcse_draws)
    assert runs[0].mcse == pytest.approx(split, rel=1e-12)


def test_every_stratum_is_drawn_from_once_and_by_address(pooled: ts.Assurance) -> None:
    effects = pooled.columns["effect"].reshape(pooled.strata, -1)
    assert (effects == effects[:, :1]).all()
    assert pooled.attenuation is not None
    factor = pooled.attenuation.factor  # the distance from none of the published estimate
    prior = norm(0.5 + 0.12 / factor, 0.0280617 / factor)
    strata = np.floor(prior.cdf(effects[:, 0]) * pooled.strata)
    assert strata.tolist() == list(range(pooled.strata))
    assert (drawn_effects(pooled.prior, 40, SEED) == effects[:, 0]).all()
    assert (drawn_effects(pooled.prior, 40, SEED + 1) != effects[:, 0]).all()


def test_each_stratum_is_the_power_at_its_effect(cars1: ts.Scenario, pooled: ts.Assurance) -> None:
    each = pooled.replicates // pooled.strata
    effect = float(pooled.columns["effect"][0])
    alone = ts.power(cars1.replace({EFFECT: effect}), each, SEED, n_jobs=1)
    assert (pooled.columns["rejected"][:each] == alone.columns["rejected"]).all()


def test_an_assurance_does_not_depend_on_workers_or_batch(cars1: ts.Scenario) -> None:
    found = [
        ts.assurance(cars1, "cars1", 200, 5, strata=4, n_jobs=jobs, batch=batch).to_dict()
        for jobs, batch in ((1, 128), (2, 9))
    ]
    assert [one.pop("seconds") > 0 for one in found] == [True, True]
    assert found[0] == found[1]


def test_a_rejection_in_favour_of_the_control_is_no_success(cars1: ts.Scenario) -> None:
    harmful = ts.assurance(cars1, normal_prior(0.35, 0), 128, SEED, strata=2, n_jobs=1)
    assert harmful.rejections.estimate > 0.9
    assert harmful.probability == 0


def test_the_scale_of_the_prior_is_that_of_the_scenarios_effect(cars1: ts.Scenario) -> None:
    """The same effect said on each scale gives the same trials."""
    sizes = effect_sizes(cars1.outcomes["arat"])
    found = []
    for anchor in NO_EFFECT:
        prior = normal_prior(getattr(sizes, anchor), 0, anchor)
        found.append(ts.assurance(cars1, prior, 64, SEED, strata=2, n_jobs=1))
    for other in found[1:]:
        assert (other.columns["estimate"] == found[0].columns["estimate"]).all()


def test_cars_1_alone_did_not_foretell_cars_2(cars1: ts.Scenario) -> None:
    """The estimate that the pooled result leaves to CARS-2 lies in the far lower tail."""
    foretold = ts.assurance(cars1.replace({"design.patients": 240}), "cars1", 1_280, SEED, n_jobs=1)
    assert foretold.share_at_most(0.53).estimate < 0.005
    low, high = foretold.prediction_interval()
    assert 0.53 < low < 0.71 < high
    assert foretold.predicted.sd == pytest.approx(math.hypot(0.0408, 0.035), rel=0.1)


def test_the_spread_of_power_is_no_larger_than_a_probability_allows(cars1: ts.Scenario) -> None:
    """By hand: two effects, one that always succeeds and one that never does: 0.5, not 0.707."""
    found = ts.assurance(cars1, normal_prior(0.62, 0.05), 64, SEED, strata=2, n_jobs=1)
    half = np.repeat([0.0, 1.0], 32)
    told = replace(found, columns={**found.columns, "favoured": half, "rejected": half})
    assert told.power_sd == pytest.approx(0.5)


def test_the_spread_of_power_is_that_of_the_prior(cars1: ts.Scenario) -> None:
    """By hand: trials succeed where the effect is above 0.6, a third of strata; SD sqrt(2) / 3."""
    found = ts.assurance(cars1, normal_prior(0.62, 0.05), 60, SEED, strata=30, n_jobs=1)
    third = np.repeat(np.arange(30) >= 20, 2).astype(float)
    told = replace(found, columns={**found.columns, "favoured": third, "rejected": third})
    assert told.power_sd == pytest.approx(math.sqrt(2) / 3, abs=0.01)


def test_the_spread_of_power_is_not_known_where_one_effect_is_all_that_is_left(
    cars1: ts.Scenario,
) -> None:
    """Told without a warning; the trials of the other effects all failed."""
    found = ts.assurance(cars1, normal_prior(0.62, 0.05), 64, SEED, strata=4, n_jobs=1)
    gone = {name: values.copy() for name, values in found.columns.items()}
    for name in ("estimate", "rejected", "favoured"):
        gone[name][16:] = np.nan
    told = replace(found, columns=gone, failed=48).to_dict()
    assert np.isnan(told["power_sd"])
    assert 0 <= told["probability"] <= 1


def test_trials_that_failed_are_left_out(cars1: ts.Scenario) -> None:
    hurried = cars1.replace(
        {
            "design.patients": 60,
            "operations.recruitment_limit_days": 130,
            "operations.at_limit": "fail",
        }
    )
    found = ts.assurance(hurried, "cars1", 400, SEED, strata=10, n_jobs=1)
    assert 0 < found.failed < 400
    assert np.isnan(found.success).sum() == found.failed
    assert found.curve.trials.sum() == 400 - found.failed
    assert 0 < found.probability <= 1


def test_the_power_never_falls_with_the_effect_once_smoothed(pooled: ts.Assurance) -> None:
    curve = pooled.curve
    assert (np.diff(curve.effect) > 0).all()
    assert (np.diff(curve.smoothed) >= 0).all()
    weighted = (curve.smoothed * curve.trials).sum()
    assert weighted == pytest.approx((curve.power * curve.trials).sum(), rel=1e-12)
    assert pooled.frame["power"].tolist() == curve.power.tolist()


def test_effects_without_a_known_trial_are_not_on_the_curve() -> None:
    found = conditional_power(np.array([0.5, 0.6]), np.array([0.0, 4.0]), np.array([0.0, 8.0]))
    assert found.effect.tolist() == [0.6]


def test_a_mixture_has_its_parts_in_proportion_to_their_weights() -> None:
    """The oracle is the distribution function of the mixture, from SciPy."""
    prior = ts.Prior.model_validate(
        {
            "title": "doubt",
            "anchor": "theta",
            "no_effect": 0.2,
            "parts": {
                "optimist": {
                    "weight": 3.0,
                    "effect": {"distribution": "normal", "mean": 0.7, "sd": 0.05},
                },
                "sceptic": {"effect": {"distribution": "uniform", "low": 0.45, "high": 0.55}},
            },
        }
    )
    effects = prior.at((np.arange(20_000) + 0.5) / 20_000)
    assert (effects == 0.5).mean() == pytest.approx(0.2, abs=2e-4)
    for place in (0.47, 0.52, 0.6, 0.7, 0.8):
        expected = 0.2 * (place >= 0.5) + 0.6 * norm.cdf(place, 0.7, 0.05)
        expected += 0.2 * np.clip((place - 0.45) / 0.1, 0, 1)
        assert (effects <= place).mean() == pytest.approx(expected, abs=3e-4)


def test_the_prior_of_cars_1_is_the_normal_of_its_published_interval() -> None:
    quantiles = load_prior("cars1").at(np.array([0.025, 0.5, 0.975]))
    assert quantiles == pytest.approx([0.63, 0.71, 0.79], abs=1e-12)


def test_studies_that_differ_foretell_the_next_one_by_dersimonian_and_laird() -> None:
    """By hand, from the two estimates and their intervals, truncated as the file says."""
    estimates = np.array([0.71, 0.53])
    variances = (np.array([0.16, 0.15]) / (2 * norm.ppf(0.975))) ** 2
    weights = 1 / variances
    mean = (weights * estimates).sum() / weights.sum()
    q = (weights * (estimates - mean) ** 2).sum()
    tau2 = (q - 1) / (weights.sum() - (weights**2).sum() / weights.sum())
    weights = 1 / (variances + tau2)
    mean, sd = (weights * estimates).sum() / weights.sum(), math.sqrt(tau2 + 1 / weights.sum())
    u = np.array([0.001, 0.3, 0.5, 0.999])
    expected = truncnorm((0.12 - mean) / sd, (0.88 - mean) / sd, mean, sd).ppf(u)
    assert load_prior("cars_heterogeneous").at(u) == pytest.approx(expected, rel=1e-9)


def test_a_given_sd_between_studies_is_taken_as_it_is() -> None:
    content = load_prior("cars_heterogeneous").model_dump()
    evidence = content["parts"]["next_trial"]["effect"]
    evidence |= {"between_study_sd": 0.0, "low": None, "high": None}
    common = ts.Prior.model_validate(content)
    weights = (np.array([0.16, 0.15]) / (2 * norm.ppf(0.975))) ** -2
    mean = (weights * [0.71, 0.53]).sum() / weights.sum()
    expected = norm.ppf([0.2, 0.9], mean, weights.sum() ** -0.5)
    assert common.at(np.array([0.2, 0.9])) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "study", [one for one in map(load, ts.builtin_scenarios()) if one.analysis.endpoint == "arat"]
)
def test_every_prior_can_be_put_to_every_study_of_the_arat(study: ts.Scenario) -> None:
    """All effects lie between the ends that the priors have together, on the scale of each."""
    ends: dict[str, list[float]] = {}
    for prior in map(load_prior, builtin_priors()):
        ends.setdefault(prior.anchor, []).extend(prior.at(np.array([1e-4, 1 - 1e-4])).tolist())
    for anchor, effects in ends.items():
        for effect in (min(effects), max(effects)):
            changed = study.replace(
                {"outcomes.arat.effect.anchor": anchor, "outcomes.arat.effect.value": effect}
            )
            assert changed.outcomes["arat"].effect.value == effect


def test_a_prior_is_no_scenario() -> None:
    assert "cars_pooled" in builtin_priors()
    assert "cars_pooled" not in ts.builtin_scenarios()


def test_every_problem_of_a_prior_file_is_told_at_its_place(tmp_path: Path) -> None:
    text = (
        "title: wrong\nanchor: theta\nno_effect: 1.5\nparts:\n  one:\n    effect:\n"
        "      distribution: evidence\n      between_study_sd: often\n      studies:\n"
        "        a: {estimate: 0.9, low: 0.5, high: 0.7, source: {status: assumed, note: none}}\n"
    )
    (tmp_path / "wrong.yaml").write_text(text)
    with pytest.raises(ts.InputError) as caught:
        load_prior(tmp_path / "wrong.yaml")
    lines = {problem.line for problem in caught.value.problems}
    assert {3, 8, 10} <= lines
    assert "wrong.yaml:3:1: no_effect: " in str(caught.value)


def test_a_source_must_be_among_the_references_and_evidence_is_no_odds_ratio() -> None:
    content = load_prior("cars1").model_dump()
    with pytest.raises(ValueError, match="must be a reference that exists"):
        ts.Prior.model_validate({**content, "references": {}})
    with pytest.raises(ValueError, match="give a lognormal"):
        ts.Prior.model_validate({**content, "anchor": "odds_ratio"})


def test_everything_wrong_with_a_request_is_told_at_once(cars1: ts.Scenario) -> None:
    with pytest.raises(ts.InputError) as caught:
        ts.assurance(cars1, "cars_pool", replicates=0, seed=-1, strata=1, n_jobs=0)
    assert [problem.path for problem in caught.value.problems] == [
        "replicates",
        "strata",
        "seed",
        "n_jobs",
        "prior",
    ]
    assert "did you mean cars_pooled?" in str(caught.value)


def test_effects_that_the_scale_cannot_have_are_refused_before_anything_runs(
    cars1: ts.Scenario,
) -> None:
    def ran(*_: object) -> None:
        pytest.fail("something was run")

    with pytest.raises(ts.InputError, match="must not give effects that the outcome cannot have"):
        ts.assurance(cars1, normal_prior(0.9, 0.2), n_jobs=1, progress=ran)
