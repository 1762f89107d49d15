"""The prognostic score is that of other patients, the same in every run, and saves patients."""

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose, assert_array_equal

import trialsim as ts
from trialsim.analysis.data import Data
from trialsim.analysis.prognosis.score import prognostic_score, surface
from trialsim.analysis.secondary import every_analysis
from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

LEARNED = {"learned_from": "cars1_natural", "covariates": ["arat", "nihss", "age_years"]}
WITH_SCORE = {"method": "ancova", "covariates": ["prognostic_score"]}


def study(**changes: Any) -> Scenario:
    return load("cars1_natural").replace(
        {
            "analysis.death": "as_missing",
            "analysis.prognostic": LEARNED,
            "analysis.test": WITH_SCORE,
            **{name.replace("__", "."): value for name, value in changes.items()},
        }
    )


def test_it_is_least_squares_on_covariates_their_squares_and_products() -> None:
    """Oracle: statsmodels on the columns as they are; beyond the ends, what is said at them."""
    generator = np.random.default_rng(18)
    x = generator.normal(10, 3, (200, 2))
    outcome = x[:, 0] * x[:, 1] / 10 + generator.normal(size=200)
    a, b = x.T
    columns = np.column_stack([np.ones(200), a, b, a * a, a * b, b * b])
    fit, oracle = surface(x, outcome), sm.OLS(outcome, columns).fit()
    assert_allclose(fit.predicted(x), oracle.fittedvalues, rtol=1e-8)
    assert_array_equal(fit.predicted(x.max(axis=0) + 5), fit.predicted(x.max(axis=0)))
    one = surface(np.full((200, 1), 3.0), outcome)  # a covariate that does not vary tells nothing
    assert_allclose(one.predicted(np.array([[3.0], [9.0]])), outcome.mean())


def test_no_patient_of_the_trial_and_no_treatment_has_a_part_in_it() -> None:
    few, many = (study(design__patients=patients) for patients in (40, 60))
    strong = study(design__patients=40, outcomes__arat__effect__value=20.0)
    scores = []
    for one in (few, many, strong):
        trial = simulate_batch(one, Streams(3, range(4)))
        prognostic = one.analysis.prognostic
        assert prognostic is not None
        scores.append(prognostic_score(trial, one.analysis, prognostic))
    assert_array_equal(scores[0], scores[1][:, :40])
    assert_array_equal(scores[0], scores[2])
    trial = simulate_batch(few, Streams(3, range(200)))
    assert prognostic is not None
    score = prognostic_score(trial, few.analysis, prognostic)
    controls = trial.arms == 1
    outcome = trial.underlying.at("arat", 5)[controls]
    baseline = trial.underlying.at("arat", 0)[controls]
    explained = np.corrcoef(score[controls], outcome)[0, 1] ** 2
    assert explained > np.corrcoef(baseline, outcome)[0, 1] ** 2 + 0.05
    away = outcome - score[controls]
    assert abs(away.mean()) < 4 * away.std() / np.sqrt(len(away)) + 0.5  # 8,192 patients' own error


def test_it_saves_patients_beside_the_usual_adjustment_and_every_method_takes_it() -> None:
    """Paired, of 300 trials: more than analysis of covariance by 4 errors and more."""
    base = study(analysis__test="t_test")
    found = ts.what_if(base, {"analysis.test": ["ancova", WITH_SCORE]}, replicates=300, n_jobs=1)
    _, usual, prognostic = found.rows
    assert usual.patients_saved.estimate > 0.2
    error = prognostic.patients_saved.mcse
    assert prognostic.patients_saved.estimate > usual.patients_saved.estimate + 2 * error
    further = {
        "ranks": {"method": "adjusted_rank", "covariates": {"prognostic_score": "rank"}},
        "odds": {"method": "proportional_odds", "covariates": ["prognostic_score"]},
        "share": {
            "method": "responders",
            "threshold": 40,
            "covariates": ["prognostic_score"],
        },
        "before": "ancova",
    }
    several = study(analysis__secondary={name: {"test": test} for name, test in further.items()})
    trial = simulate_batch(several, Streams(4, range(8)))
    every = every_analysis(trial, several.analysis)
    assert all(np.isfinite(one.found.estimate).all() for one in every.values())
    assert not np.allclose(every["primary"].found.estimate, every["before"].found.estimate)
    (score,) = np.moveaxis(Data(trial, several.analysis).covariates(["prognostic_score"]), 1, 0)
    assert score.shape == trial.arms.shape


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"analysis.prognostic": {**LEARNED, "covariates": ["arat", "height"]}},
            "analysis.prognostic.covariates.height: must be a covariate that exists",
        ),
        (
            {"analysis.prognostic": {**LEARNED, "covariates": ["arat", "recovery_class"]}},
            "prognostic.covariates.recovery_class: must be a covariate that is a number, true or",
        ),
        (
            {"analysis.prognostic": {**LEARNED, "learned_from": "cars1_naturel"}},
            "analysis.prognostic.learned_from: must be ",
        ),
        ({"analysis.prognostic": None}, "analysis.test.covariates.prognostic_score: must be a cov"),
    ],
)
def test_what_cannot_be_learned_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as refused:
        study().replace(changes)
    assert told in str(refused.value)


def test_what_the_other_study_does_not_have_is_refused_as_it_is_learned() -> None:
    other = {**LEARNED, "learned_from": "cars1", "covariates": ["arat", "fugl_meyer_onset"]}
    with pytest.raises(
        InputError, match=r"covariates: must be a covariate that is a number.*cars1"
    ):
        ts.analyse(ts.simulate(study(analysis__prognostic=other)))


def test_it_is_told_where_it_is_used_and_changes_no_digest_where_there_is_none() -> None:
    with_it = ts.power(study(), replicates=2, n_jobs=1).conventions["test"]
    assert "simulated control patients of cars1_natural (Schuler et al. 2022)" in with_it
    assert "arat, nihss and age_years" in with_it
    without = study(analysis__test="ancova")
    assert "prognostic" not in ts.power(without, replicates=2, n_jobs=1).conventions["test"]
    assert "prognostic" not in load("cars1").model_dump(mode="json")["analysis"]
