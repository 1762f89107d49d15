"""MCP-Mod of simulated trials, against the same computed from their scores."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import trialsim as ts
from trialsim.analysis.data import Data
from trialsim.analysis.methods.registry import compare
from trialsim.analysis.primary import analyse_primary
from trialsim.errors import InputError
from trialsim.questions.type_one_error import without_effect
from trialsim.replicates.dose_finding.kept import names_of_doses
from trialsim.replicates.dose_finding.result import crossing
from trialsim.replicates.result import PowerResult
from trialsim.reporting.text.analysis import analysis_text
from trialsim.reporting.text.power import power_text
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.dose_finding.mcp_mod import McpMod
from trialsim.scenario.scenario import Scenario
from trialsim.stats.dose_response.contrasts import chance_of_larger, contrast_directions, whitening
from trialsim.stats.dose_response.shapes import rise
from trialsim.stats.ranks.mann_whitney import summarise
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

STUDY = load("alvarez2011_mcp_mod")
DOSES = np.array([10.0, 30.0, 60.0])
SHAPES = np.stack(
    [
        rise("linear", DOSES, []),
        rise("emax", DOSES, [10.0]),
        rise("emax", DOSES, [30.0]),
        rise("quadratic", DOSES, [-0.012]),
    ]
)


@pytest.fixture(scope="module")
def trials() -> Trial:
    return simulate_batch(STUDY, Streams(2016, range(40)))


@pytest.fixture(scope="module")
def result() -> PowerResult:
    return ts.power(STUDY, 400, seed=2016, n_jobs=1)


def planned(trials: Trial, **changes: Any) -> AnalysisPlan:
    content = {**trials.scenario.analysis.model_dump(), **changes}
    return AnalysisPlan.model_validate(content)


def scores_by_arm(trials: Trial, replicate: int) -> dict[str, np.ndarray[Any, Any]]:
    """Return the scores of those analysed, more being better."""
    values = Data(trials, trials.scenario.analysis).values
    arms = list(trials.scenario.design.arms)
    return {
        name: values.cell[replicate][
            values.analysed[replicate] & (trials.arms[replicate] == arms.index(name))
        ]
        for name in arms
    }


def test_effect_and_contrasts_are_those_of_the_scores(trials: Trial) -> None:
    """The null covariance from pairs of patients one by one, for three trials."""
    found = compare(Data(trials, trials.scenario.analysis))
    for replicate in range(3):
        arms = scores_by_arm(trials, replicate)
        control, pooled = (
            arms.pop("placebo"),
            np.concatenate([*scores_by_arm(trials, replicate).values()]),
        )
        score = np.sign(pooled[:, None] - pooled[None, :]) / 2
        many = len(pooled)
        alone = (score**2).sum() / (many * (many - 1))
        sharing = ((score.sum(axis=0) ** 2).sum() - (score**2).sum()) / (
            many * (many - 1) * (many - 2)
        )
        own = [
            ((len(control) - 2) * sharing + alone) / (len(one) * len(control))
            for one in arms.values()
        ]
        covariance = sharing / len(control) + np.diag(own)
        effects = np.array([summarise(one, control).effect - 0.5 for one in arms.values()])
        weights = np.linalg.solve(covariance, SHAPES.T)
        errors = np.sqrt(np.einsum("ds,de,es->s", weights, covariance, weights))
        statistics = effects @ weights / errors
        assert_allclose(found.statistic[replicate], statistics.max(), rtol=1e-9)
        directions = contrast_directions(SHAPES, whitening(covariance))
        p_value = chance_of_larger(statistics.max(keepdims=True), directions, np.array(np.inf))
        assert_allclose(found.p_value[replicate], p_value[0], rtol=1e-9)
        assert_allclose(found.estimate[replicate], effects[2] + 0.5, rtol=1e-12)


def test_a_curve_is_chosen_where_a_shape_is_significant_and_only_there(trials: Trial) -> None:
    found = analyse_primary(trials, trials.scenario.analysis)
    assert found.doses is not None
    any_shape = found.doses.significant.any(axis=1)
    assert_array_equal(found.rejected, any_shape)
    assert_array_equal(found.favoured, any_shape)
    assert_array_equal(found.doses.chosen.sum(axis=1), any_shape.astype(float))
    assert 0 < any_shape.mean() < 1
    known = ~np.isnan(found.doses.target)
    assert not known[~any_shape].any()
    assert ((found.doses.low <= found.doses.target) & (found.doses.target <= found.doses.high))[
        known
    ].all()


def test_curves_averaged_have_weights_and_no_interval(trials: Trial) -> None:
    test = {**trials.scenario.analysis.test.model_dump(), "choose": "average"}
    found = analyse_primary(trials, planned(trials, test=test)).doses
    assert found is not None
    rows = found.significant.any(axis=1)
    assert_allclose(found.chosen.sum(axis=1), rows.astype(float))
    assert ((found.chosen > 0) & (found.chosen < 1)).any()
    assert np.isnan(found.low).all()
    assert np.isfinite(found.target[rows]).any()


def test_sides_and_estimates_agree(trials: Trial) -> None:
    """Two-sided the p-value is twice at most; of the other side nothing is shown."""
    test = trials.scenario.analysis.test.model_dump()
    one = compare(Data(trials, trials.scenario.analysis))
    two = compare(Data(trials, planned(trials, alternative="two-sided")))
    other = analyse_primary(trials, planned(trials, alternative="less"))
    seen = one.p_value < 0.2
    assert (two.p_value[seen] <= 2 * one.p_value[seen] * (1 + 1e-9)).all()
    assert (two.p_value[seen] >= one.p_value[seen]).all()
    assert not other.favoured.any()
    assert (other.p_value[seen] > 0.5).all()
    means = {**test, "estimate": "mean_difference", "target": 0.4}
    odds = {**test, "estimate": "odds_ratio", "threshold": 3, "target": 1.5}
    for changed in (means, odds):
        found = compare(Data(trials, planned(trials, test=changed)))
        assert np.corrcoef(found.statistic, one.statistic)[0, 1] > 0.6
        assert (found.low < found.estimate).all()
        assert (found.estimate < found.high).all()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"analysis.test.candidates": [{"emax": {}}]}, "candidates.0.emax: must say ed50"),
    ({"analysis.test.candidates": [{"linear": {"ed50": 3}}]}, "must be a parameter that exists"),
    (
        {"analysis.test.candidates": [{"quadratic": {"delta": -1}}]},
        "candidates.0.quadratic: must have a benefit at some dose",
    ),
    (
        {"analysis.test.candidates": [{"beta": {"delta1": 1, "delta2": 1, "scale": 60}}]},
        "scale: must be more than the largest dose, 60",
    ),
    (
        {
            "analysis.test.candidates": [{"logistic": {"ed50": 20, "delta": 5}}],
            "analysis.test.doses": {"dose_10": 10, "dose_60": 60},
        },
        "must be a shape with at most 1 parameter beside its height",
    ),
    ({"analysis.test.doses": {"dose_10": 10, "dose_20": 20}}, "must be an arm that exists"),
    (
        {"analysis.test.doses": {"dose_10": 10}, "analysis.treated": "dose_10"},
        "of at least two arms",
    ),
    (
        {"analysis.treated": "dose_30", "analysis.test.doses": {"dose_10": 10, "dose_60": 60}},
        "must be one",
    ),
    ({"design.arms.dose_30.dose_ml": 10}, "must be of at least two arms, of different doses"),
    ({"design.arms.dose_30.dose_ml": [10, 30]}, "must be given: an arm has a dose for each phase"),
    (
        {"analysis.test.doses": {"dose_60": 60, "placebo": 5}},
        "must be another arm than the control",
    ),
    ({"design.arms.placebo.dose_ml": 1}, "control: must be an arm without the drug"),
    ({"analysis.test.target": 0.4}, "target: must be a Mann-Whitney effect of more than 0.5"),
    ({"analysis.test.threshold": 3}, "threshold: must be left out with mann_whitney"),
    ({"analysis.test.estimate": "odds_ratio"}, "threshold: must be given with odds_ratio"),
    (
        {
            "analysis.test.estimate": "odds_ratio",
            "analysis.test.threshold": 9,
            "analysis.test.target": 2,
        },
        "threshold: must lie between 1 and 6, or all patients or none respond (got 9)",
    ),
    (
        {
            "analysis.test.estimate": "mean_difference",
            "analysis.death": "worst_rank",
            "analysis.test.target": 1,
        },
        "death: cannot be worst_rank with mean_difference",
    ),
]


def _changed(changes: dict[str, Any]) -> dict[str, Any]:
    """Return changes, those of the test as one of the whole test."""
    prefix = "analysis.test."
    own = {key.removeprefix(prefix): value for key, value in changes.items() if prefix in key}
    others = {key: value for key, value in changes.items() if prefix not in key}
    test = STUDY.analysis.test.model_dump(exclude_none=True)
    return {**others, "analysis.test": {**test, **own}}


def test_what_cannot_be_meant_is_refused() -> None:
    for changes, rule in WRONG:
        with pytest.raises(InputError) as error:
            STUDY.replace(_changed(changes))
        assert rule in str(error.value), (changes, str(error.value))


def test_power_says_how_the_target_dose_is_found(result: PowerResult) -> None:
    """Each from the columns: the true dose is that of the pooled effects, to be reached by 30."""
    found = result.dose_finding
    assert found is not None
    columns = result.columns
    assert set(names_of_doses(STUDY)) <= set(columns)
    effects = [float(one.estimate) for one in found.true_effects.values()]
    assert list(found.true_effects) == [10.0, 30.0, 60.0]
    assert_allclose(found.true_target, crossing(DOSES, np.array(effects), 0.1))
    assert 10 < found.true_target < 30
    target = columns["dose.target"]
    assert_allclose(found.found.estimate, np.isfinite(target).mean())
    assert_allclose(found.right_dose.estimate, ((target > 10) & (target <= 30)).mean())
    assert_allclose(found.bias.estimate, np.nanmean(target) - found.true_target)
    chosen = sum(float(one.estimate) for one in found.curves.values())
    assert_allclose(chosen, result.power)
    assert result.power == result.rejections.estimate
    text = power_text("Doses", result)
    for told in ("right dose of the study", "coverage of its interval", "curve chosen, emax"):
        assert told in text
    assert result.to_dict()["dose_finding"]["right_dose"]["estimate"] == found.right_dose.estimate


def test_batch_and_engine_change_nothing(result: PowerResult) -> None:
    other = ts.power(STUDY, 30, seed=2016, n_jobs=1, engine="events", batch=7)
    for name in (*names_of_doses(STUDY), "p_value"):
        assert_array_equal(other.columns[name], result.columns[name][:30], err_msg=name)


def test_one_trial_says_its_shapes_and_its_dose() -> None:
    analysis = ts.analyse(ts.simulate(STUDY, seed=3))
    target = analysis.primary.target_dose
    assert target is not None
    assert target.significant
    assert len(target.curves) == 1
    assert f"target dose {target.dose:.4g}" in analysis_text(analysis)
    assert analysis.to_dict()["target_dose"]["dose"] == target.dose


def test_without_an_effect_the_doses_are_those_that_there_were() -> None:
    """All arms are given none, and the shapes are tested by the doses of the study."""
    null = without_effect(STUDY)
    assert isinstance(null, Scenario)
    assert {arm.doses for arm in null.design.arms.values()} == {(0.0,)}
    assert isinstance(null.analysis.test, McpMod)
    assert null.analysis.test.doses == {"dose_10": 10, "dose_30": 30, "dose_60": 60}


def test_a_target_that_no_dose_reaches_is_right_where_none_is_found() -> None:
    assert np.isnan(crossing(DOSES, np.array([0.1, 0.1, 0.1]), 0.2))
    study = STUDY.replace({"outcomes.cibic_change.effect.value": 0.53})
    found = ts.power(study, 60, seed=1, n_jobs=1).dose_finding
    assert found is not None
    assert np.isnan(found.true_target)
    assert_allclose(found.right_dose.estimate, 1 - found.found.estimate)


def test_a_dose_without_any_patients_is_no_target() -> None:
    nobody = {"label": "older than anybody", "covariate": "age_years", "more_than": 150}
    found = ts.power(STUDY.replace({"analysis.subgroup": nobody}), 4, n_jobs=1).dose_finding
    assert found is not None
    assert np.isnan(found.true_target)
    assert found.found.estimate == 0


def test_its_effect_has_a_true_value_beside_each_estimand() -> None:
    """Oracle: the analysis of the same arms alone by the method of the estimate."""
    alone: dict[str, dict[str, Any]] = {
        "mann_whitney": {"method": "mann_whitney"},
        "mean_difference": {"method": "t_test"},
        "odds_ratio": {"method": "responders", "threshold": 3, "effect": "odds_ratio"},
    }
    targets = {"mann_whitney": 0.6, "mean_difference": 0.5, "odds_ratio": 2.0}
    for estimate, method in alone.items():
        own = {"estimate": estimate, "target": targets[estimate]}
        if "threshold" in method:
            own["threshold"] = method["threshold"]
        study = STUDY.replace(
            {
                "design.patients": 40,
                "analysis.test": {**STUDY.analysis.test.model_dump(exclude_none=True), **own},
                "analysis.secondary": {"alone": {"test": method}},
            }
        )
        found = ts.estimands(study, 8, n_jobs=1)
        rows = found.to_frame().set_index(["analysis", "estimand"])["truth"]
        assert_array_equal(rows["primary"], rows["alone"])
        assert np.isfinite(rows["primary", "treatment_policy"])
