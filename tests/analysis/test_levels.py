"""Without an effect each method rejects as often as it says."""

from typing import Any

import numpy as np
import pytest

from trialsim.analysis.primary import analyse_primary
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

REPLICATES = 2000
ERROR = float(np.sqrt(0.05 * 0.95 / REPLICATES))
AS_MISSING = {"death": "as_missing"}
IMPUTED = {"missing": "multiple_imputation", "imputations": 5}
METHODS: dict[str, dict[str, Any]] = {
    "mann_whitney": {},
    "brunner_munzel": {"test": "brunner_munzel"},
    "brunner_munzel normal": {"test": {"method": "brunner_munzel", "reference": "normal"}},
    "strata": {"strata": "site"},
    "re-randomised": {
        "test": {"method": "re_randomisation", "statistic": "mann_whitney", "draws": 99}
    },
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
    "mmrm": {"test": "mmrm", "missing": "likelihood", **AS_MISSING},
    "weighted": {
        "test": {"method": "weighted_mann_whitney", "covariates": ["arat"]},
        "missing": "complete_case",
    },
    "standardised": {"test": {"method": "standardised_mann_whitney", "covariates": ["arat"]}},
    "log_rank": {"test": {"method": "log_rank", "threshold": 30}, "missing": "censored"},
    "restricted_mean": {
        "test": {"method": "restricted_mean", "threshold": 30},
        "missing": "censored",
    },
    "imputed ranks": IMPUTED,
    "imputed means": {**IMPUTED, "test": "ancova", **AS_MISSING},
    "greater": {"alternative": "greater"},
    "less": {"test": "welch", "alternative": "less", **AS_MISSING},
}
CONSERVATIVE: dict[str, dict[str, Any]] = {
    "continuity": {"continuity_correction": True},
    "responders": {"test": {"method": "responders", "threshold": 30}},
}


@pytest.fixture(scope="module")
def null_trials() -> Trial:
    """Return trials of 60 patients and two outcomes on which the drug does nothing."""
    null = load("cars1_null")
    arat = null.model_dump()["outcomes"]["arat"]
    twice = {"outcomes": {"arat": arat, "again": arat}, "outcome_correlation": {}}
    scenario = null.replace({"design.patients": 60, **twice, "analysis.secondary": {}})
    return simulate_batch(scenario, Streams(2016, range(REPLICATES)))


def rejections(trials: Trial, changes: dict[str, Any]) -> float:
    content = {**trials.scenario.analysis.model_dump(), **changes}
    return float(analyse_primary(trials, AnalysisPlan.model_validate(content)).rejected.mean())


@pytest.mark.parametrize("method", METHODS)
def test_a_method_rejects_in_one_null_trial_of_twenty(method: str, null_trials: Trial) -> None:
    """Within 3.5 standard errors; 30 patients an arm may add what the documentation says, 1%."""
    share = rejections(null_trials, METHODS[method])
    assert 0.05 - 3.5 * ERROR < share < 0.06 + 3.5 * ERROR


@pytest.mark.parametrize("method", CONSERVATIVE)
def test_a_conservative_method_rejects_no_more_often(method: str, null_trials: Trial) -> None:
    assert 0.01 < rejections(null_trials, CONSERVATIVE[method]) < 0.05 + 3.5 * ERROR


@pytest.mark.parametrize("patients", [60, 208])
def test_imputed_latent_scores_keep_the_level_where_many_leave(patients: int) -> None:
    """At most 5% but for 4 Monte Carlo standard errors, and no fewer than half of it."""
    imputed = {"missing": "multiple_imputation", "imputations": 20, "secondary": {}}
    study = load("cars1_null").replace(
        {
            "design.patients": patients,
            "operations.withdrawal.probability": 0.28,
            **{f"analysis.{name}": value for name, value in imputed.items()},
        }
    )
    trials = simulate_batch(study, Streams(2016, range(1_000)))
    share = analyse_primary(trials, study.analysis).rejected.mean()
    assert 0.025 < share < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 1_000)
