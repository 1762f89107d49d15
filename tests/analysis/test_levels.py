"""Without an effect each method rejects as often as it says."""

from typing import Any

import numpy as np
import pytest

from trialsim.analysis.data import Data
from trialsim.analysis.imputed import Imputer
from trialsim.analysis.primary import analyse_data, analyse_primary
from trialsim.arrays import Floats
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

REPLICATES = 2000
AS_MISSING = {"death": "as_missing"}
METHODS: dict[str, dict[str, Any]] = {
    "mann_whitney": {},
    "brunner_munzel": {"test": "brunner_munzel"},
    "brunner_munzel normal": {"test": {"method": "brunner_munzel", "reference": "normal"}},
    "strata": {"strata": "site"},
    "adjusted": {
        "test": {"method": "adjusted_rank", "covariates": {"arat": "rank"}, "variance": "placement"}
    },
    "wei_lachin": {"test": {"method": "wei_lachin", "outcomes": ["arat", "again"]}},
    "wei_lachin over visits": {
        "test": {"method": "wei_lachin", "outcomes": ["arat"], "visits": ["day_42", "day_90"]}
    },
    "wei_lachin in strata": {
        "test": {"method": "wei_lachin", "outcomes": ["arat", "again"]},
        "strata": "site",
    },
    "interaction": {
        "test": {
            "method": "interaction",
            "subgroup": {"label": "Severe", "covariate": "nihss", "more_than": 9},
            "of": "mann_whitney",
        }
    },
    "obrien": {"test": {"method": "obrien", "outcomes": ["arat", "again"]}},
    "win_statistic": {
        "test": {
            "method": "win_statistic",
            "order": [{"death": {"by": "day_90"}}, {"again": {}}, {"arat": {"difference": 6}}],
        }
    },
    "t_test": {"test": "t_test", **AS_MISSING},
    "welch": {"test": "welch", **AS_MISSING},
    "ancova": {"test": "ancova", **AS_MISSING},
    "log_rank": {"test": {"method": "log_rank", "threshold": 30}, "missing": "censored"},
    "restricted_mean": {
        "test": {"method": "restricted_mean", "threshold": 30},
        "missing": "censored",
    },
    "greater": {"alternative": "greater"},
    "less": {"test": "welch", "alternative": "less", **AS_MISSING},
}
DEAR: dict[str, dict[str, Any]] = {
    "weighted": {
        "test": {"method": "weighted_mann_whitney", "covariates": ["arat"]},
        "missing": "complete_case",
    },
    "standardised": {"test": {"method": "standardised_mann_whitney", "covariates": ["arat"]}},
    "re-randomised": {
        "test": {"method": "re_randomisation", "statistic": "mann_whitney", "draws": 99}
    },
    "mmrm": {"test": "mmrm", "missing": "likelihood", **AS_MISSING},
}
"""Methods of which half as many trials are analysed, and of these every p-value counts."""
CONSERVATIVE: dict[str, dict[str, Any]] = {
    "continuity": {"continuity_correction": True},
    "responders": {"test": {"method": "responders", "threshold": 30}},
}


def null_trials(patients: int, replicates: int, **changes: Any) -> Trial:
    """Return trials of two outcomes on which the drug does nothing."""
    null = load("cars1_null")
    arat = null.model_dump()["outcomes"]["arat"]
    twice = {"outcomes": {"arat": arat, "again": arat}, "outcome_correlation": {}}
    sized = {"design.patients": patients, **twice, "analysis.secondary": {}}
    return simulate_batch(null.replace({**sized, **changes}), Streams(2016, range(replicates)))


@pytest.fixture(scope="module")
def many() -> Trial:
    return null_trials(60, REPLICATES)


@pytest.fixture(scope="module")
def half() -> Trial:
    return null_trials(60, REPLICATES // 2)


def plan_of(trials: Trial, changes: dict[str, Any]) -> AnalysisPlan:
    return AnalysisPlan.model_validate({**trials.scenario.analysis.model_dump(), **changes})


def rejections(trials: Trial, changes: dict[str, Any]) -> float:
    return float(analyse_primary(trials, plan_of(trials, changes)).rejected.mean())


def is_half_on_average(p_values: Floats) -> bool:
    """Return whether the mean is within 3.5 standard errors of that of uniform numbers."""
    return bool(abs(p_values.mean() - 0.5) < 3.5 * np.sqrt(1 / 12 / len(p_values)))


def error(trials: Trial) -> float:
    """Return the standard error of a share of 5%."""
    return float(np.sqrt(0.05 * 0.95 / len(trials.replicates)))


@pytest.mark.parametrize("method", METHODS)
def test_a_method_rejects_in_one_null_trial_of_twenty(method: str, many: Trial) -> None:
    """Within 3.5 standard errors; 30 patients an arm may add what the documentation says, 1%."""
    share = rejections(many, METHODS[method])
    assert 0.05 - 3.5 * error(many) < share < 0.06 + 3.5 * error(many)


@pytest.mark.parametrize("method", DEAR)
def test_a_dear_method_rejects_in_one_null_trial_of_twenty(method: str, half: Trial) -> None:
    found = analyse_primary(half, plan_of(half, DEAR[method]))
    assert 0.05 - 3.5 * error(half) < found.rejected.mean() < 0.06 + 3.5 * error(half)
    assert is_half_on_average(found.p_value)


@pytest.mark.parametrize("method", CONSERVATIVE)
def test_a_conservative_method_rejects_no_more_often(method: str, many: Trial) -> None:
    assert 0.01 < rejections(many, CONSERVATIVE[method]) < 0.05 + 3.5 * error(many)


def test_imputed_scores_keep_the_level_where_many_leave() -> None:
    """Of ranks and of means, by the same draws.

    At most 5% but for 4 Monte Carlo standard errors, and no fewer than half of it.
    """
    trials = null_trials(60, 1_000, **{"operations.withdrawal.probability": 0.28})
    imputed = {"missing": "multiple_imputation", "imputations": 10}
    ranks = plan_of(trials, imputed)
    drawn = tuple(Imputer(Data(trials, ranks)).draws())
    for plan in (ranks, plan_of(trials, {**imputed, "test": "ancova", **AS_MISSING})):
        found = analyse_data(Data(trials, plan, drawn=drawn))
        assert 0.025 < found.rejected.mean() < 0.05 + 4 * error(trials)
        assert is_half_on_average(found.p_value)
