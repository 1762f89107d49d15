"""The mixed model for repeated measures against R's mmrm, whole matrices and its own laws."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.stats.reference import reference
from trialsim.arrays import Booleans, Floats
from trialsim.stats.means_and_proportions.ancova import ancova
from trialsim.stats.missing.repeated_measures import repeated_measures

FEV, US20 = reference("repeated_measures")["cases"]


def values(of: list[Any]) -> Floats:
    return np.array([[np.nan if x is None else x for x in row] for row in of], float)


class Trials(NamedTuple):
    """Arguments of the model."""

    scores: Floats
    treated: Booleans
    baseline: Floats


def trials(seed: int, count: int = 8, patients: int = 40, visits: int = 3) -> Trials:
    """Return trials without an effect, in which scores are missing, some for good."""
    generator = np.random.default_rng(seed)
    baseline = generator.normal(size=(count, patients, 1))
    level = baseline + generator.normal(size=baseline.shape)
    scores = 20 + 8 * level + 6 * generator.normal(size=(count, patients, visits))
    scores[generator.random(scores.shape) < 0.1] = np.nan
    scores[generator.exponential(20, size=(count, patients, 1)) < np.arange(visits)] = np.nan
    treated = np.tile(np.arange(patients) % 2 == 0, (count, 1))
    return Trials(scores, treated, baseline)


def nothing(trial: Trials) -> Floats:
    return np.empty((*trial.treated.shape, 0))


@pytest.mark.parametrize("visit", range(3))
def test_small_samples_agree_with_r(visit: int) -> None:
    """Oracle: mmrm(y ~ base + arm * visit + us(visit | id)), its freedom and SAS's linear form."""
    study, expected = US20["inputs"], US20["expected"]
    scores, arm = values(study["y"]), np.array(study["arm"]) == "A"
    base, none = np.array(study["baseline"], float)[:, np.newaxis], np.empty((20, 0))
    plain = repeated_measures(scores, arm, none, base, visit, "satterthwaite")
    wider = repeated_measures(scores, arm, none, base, visit)
    found = [plain.estimate, plain.standard_error, plain.degrees_of_freedom, plain.p_value]
    found += [wider.standard_error, wider.degrees_of_freedom]
    names = ("diff_A_minus_P", "se", "df_satterthwaite", "p_satterthwaite", "se_KR_linear_SASlike")
    wanted = [expected[name][visit] for name in (*names, "df_KR_linear")]
    assert_allclose(found, wanted, rtol=1e-3)  # mmrm's own search ends that near to the maximum


@pytest.mark.parametrize("visit", range(4))
def test_lung_function_with_half_missing_agrees_with_r(visit: int) -> None:
    """Oracle: mmrm(FEV1 ~ RACE + SEX + ARMCD * AVISIT + us(AVISIT | USUBJID), fev_data)."""
    study, expected = FEV["inputs"], FEV["expected"]
    race, arm = np.array(study["RACE"]), np.array(study["ARMCD"]) == "TRT"
    columns = [race == one for one in np.unique(race)[1:]] + [np.array(study["SEX"]) == "Male"]
    common = np.stack(columns, axis=-1).astype(float)
    none = np.empty((len(arm), 0))
    found = repeated_measures(values(study["FEV1"]), arm, none, common, visit, "satterthwaite")
    wanted = [expected[name][visit] for name in ("diff_TRT_minus_PBO", "se", "df", "p")]
    got = [found.estimate, found.standard_error, found.degrees_of_freedom, found.p_value]
    assert_allclose(got, wanted, rtol=1e-3)


def test_the_estimate_is_where_the_restricted_likelihood_of_whole_matrices_is_greatest() -> None:
    """Oracle: SciPy's search over Cholesky factors, each patient with a matrix of their own."""
    from scipy.optimize import minimize

    scores, arm, base = (part[0] for part in trials(1, 1, 14, 3))
    cells = np.tril_indices(3)
    x = [np.kron([1, a, b], np.eye(3)) for a, (b,) in zip(arm, base, strict=True)]
    seen = ~np.isnan(scores)

    def fitted(factor: Any) -> tuple[float, Floats, Floats]:
        root = np.zeros((3, 3))
        root[cells] = factor
        covariance = root @ root.T
        information, right, distance = np.zeros((9, 9)), np.zeros(9), 0.0
        for one, row, known in zip(x, scores, seen, strict=True):
            own = np.linalg.inv(covariance[np.ix_(known, known)])
            z, y = one[known], row[known]
            information, right = information + z.T @ own @ z, right + z.T @ own @ y
            distance += y @ own @ y - np.linalg.slogdet(own)[1]
        slopes = np.linalg.solve(information, right)
        whole = distance - right @ slopes + np.linalg.slogdet(information)[1]
        return float(whole), slopes, np.linalg.inv(information)

    start = 8 * np.eye(3)[cells]

    def deviance(factor: Any) -> float:
        return fitted(factor)[0]

    best = minimize(deviance, np.ravel(start), tol=1e-9).x
    _, slopes, spread = fitted(best)
    for visit in range(3):
        found = repeated_measures(
            scores, arm, base, np.empty((14, 0)), visit, freedom="satterthwaite"
        )
        assert_allclose(found.estimate, slopes[3 + visit], rtol=1e-4)
        assert_allclose(found.standard_error**2, spread[3 + visit, 3 + visit], rtol=1e-4)


def test_with_nothing_missing_it_is_analysis_of_covariance_at_the_visit() -> None:
    """Law: equations with the same regressors are least squares, each by itself (Zellner 1962)."""
    generator = np.random.default_rng(5)
    baseline = generator.normal(size=(4, 30, 1))
    scores = 9 + baseline + generator.normal(size=(4, 30, 4)).cumsum(axis=-1)
    treated = np.tile(np.arange(30) < 14, (4, 1))
    found = repeated_measures(scores, treated, baseline, np.empty((4, 30, 0)), 2)
    alone = ancova(scores[:, :14, 2], scores[:, 14:, 2], baseline[:, :14], baseline[:, 14:])
    assert_allclose(np.array(found), np.array(alone), rtol=1e-7)


@pytest.mark.parametrize("visits", [1, 3, 5])
def test_each_trial_is_fitted_as_if_it_were_alone(visits: int) -> None:
    trial = trials(2, 3, 60, visits)
    whole = repeated_measures(*trial, nothing(trial))
    for one in range(3):
        rows = slice(one, one + 1)
        row = Trials(trial.scores[rows], trial.treated[rows], trial.baseline[rows])
        alone = repeated_measures(*row, nothing(row))
        for field, of_one in zip(whole, alone, strict=True):
            assert_array_equal(field[one], of_one[0])


def test_units_and_useless_covariates_change_nothing() -> None:
    trial = trials(3)
    scores, treated, base = trial
    plain = repeated_measures(scores, treated, base, nothing(trial))
    rescaled = repeated_measures(1e3 * scores, treated, 1e-3 * base - 40, nothing(trial))
    assert_allclose(rescaled.estimate, 1e3 * plain.estimate, rtol=1e-6)
    assert_allclose(rescaled.p_value, plain.p_value, rtol=1e-6)
    twice = np.concatenate([base, -base, np.ones_like(base)], axis=-1)
    again = repeated_measures(scores, treated, twice, nothing(trial))
    assert_allclose(again.estimate, plain.estimate, rtol=1e-6)
    assert_allclose(again.degrees_of_freedom, plain.degrees_of_freedom, rtol=1e-6)


def test_a_patient_without_scores_and_a_visit_that_nobody_attended_add_nothing() -> None:
    trial = trials(4)
    scores, treated, base = trial
    plain = repeated_measures(*trial, nothing(trial))
    unseen = np.concatenate([np.full((8, 40, 1), np.nan), scores], axis=-1)
    assert_allclose(
        repeated_measures(unseen, treated, base, nothing(trial)).p_value, plain.p_value, rtol=1e-6
    )
    at_it = repeated_measures(unseen, treated, base, nothing(trial), visit=0)
    assert np.isnan(at_it.estimate).all()
    assert (at_it.p_value == 1).all()
    absent = np.full((8, 5, 3), np.nan)
    more = Trials(
        np.concatenate([scores, absent], axis=1),
        np.concatenate([treated, np.ones((8, 5), bool)], axis=1),
        np.concatenate([base, np.zeros((8, 5, 1))], axis=1),
    )
    assert_allclose(repeated_measures(*more, nothing(more)).p_value, plain.p_value, rtol=1e-6)


def test_a_trial_without_a_maximum_has_no_estimate_and_leaves_the_others_alone() -> None:
    """Nobody, an arm that was never seen, and scores that the baseline and the arm tell exactly."""
    trial = trials(6, 4)
    plain = repeated_measures(*trial, nothing(trial))
    scores = trial.scores.copy()
    scores[0] = np.nan
    scores[1, trial.treated[1]] = np.nan
    scores[2] = trial.baseline[2] * [1.0, 2.0, 3.0]
    found = repeated_measures(scores, trial.treated, trial.baseline, nothing(trial))
    assert np.isnan(found.estimate).tolist() == [True, True, True, False]
    assert_array_equal(found.p_value, [1, 1, 1, plain.p_value[3]])
    assert np.isinf(found.high[:3]).all()


def test_no_effect_is_rejected_in_one_trial_of_twenty_in_small_arms() -> None:
    """Twelve patients an arm: Kenward and Roger keep the level, within 3.5 standard errors."""
    trial = trials(8, 500, 24)
    found = repeated_measures(*trial, nothing(trial))
    share, error = np.mean(found.p_value <= 0.05), np.sqrt(0.05 * 0.95 / 500)
    assert abs(share - 0.05) < 3.5 * error
    assert np.isnan(found.estimate).sum() < 5


def test_a_freedom_that_is_not_known_is_refused() -> None:
    trial = trials(1)
    with pytest.raises(ValueError, match="kenward-roger, satterthwaite"):
        repeated_measures(*trial, nothing(trial), freedom="z")  # type: ignore[arg-type]
