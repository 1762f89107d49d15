"""The log-rank test and the hazard ratio of simulated trials, against statsmodels."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import survdiff

import trialsim as ts
from tests.analysis.methods.time_to_event.test_times import data_of
from trialsim.analysis.data import Data
from trialsim.analysis.methods.registry import compare, truth_parts
from trialsim.analysis.methods.time_to_event.times import times_of
from trialsim.scenario.files.yaml_file import load
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch


@pytest.fixture(scope="module")
def trials() -> Trial:
    study = load("cars1").replace({"design.patients": 120, "analysis.secondary": {}})
    study = study.replace({"operations.death.probability": 0.3})
    return simulate_batch(study, Streams(2016, range(3)))


@pytest.mark.parametrize("met", [{"threshold": 45}, {"events": ["death"]}])
@pytest.mark.parametrize("strata", ["none", "site"])
def test_test_and_ratio_agree_with_statsmodels(
    trials: Trial, met: dict[str, Any], strata: str
) -> None:
    """Above 1, and above 0, the treated are better, by recovering sooner or by dying later."""
    data, method = data_of(trials, {"test": met}, strata=strata)
    found, times, better = compare(data), times_of(data, method), 1.0 if method.recovers else -1.0
    for row in range(3):
        who = times.followed[row]
        day, event = times.day[row, who] + 1.0, times.event[row, who]
        treated = data.arms[0][row, who]
        stratum = data.site[row, who] if strata == "site" else None
        chi2, p_value = survdiff(day, event, treated.astype(int), strata=stratum)
        assert_allclose(found.statistic[row] ** 2, chi2, rtol=1e-9)
        assert_allclose(found.p_value[row], p_value, rtol=1e-9)
        model = PHReg(day, better * treated, event, strata=stratum, ties="efron")
        at = np.log(found.estimate[row, None])
        assert_allclose(model.score(at), 0, atol=1e-7)
        half = 1.959963984540054 / np.sqrt(-model.hessian(at).item())
        ends = np.log([found.low[row], found.high[row]])
        assert_allclose(ends, at + np.array([-half, half]), rtol=1e-6)
        assert (found.statistic[row] > 0) == (found.estimate[row] > 1)
        away = (at - np.log(0.8)) / half * 1.959963984540054
        assert_allclose(found.against(0.8).statistic[row], away, rtol=1e-6)


def test_the_true_ratio_is_the_geometric_mean_of_complete_trials(trials: Trial) -> None:
    data, _ = data_of(trials, {"test": {"threshold": 45}})
    complete = Data(trials, data.plan, complete=True)
    parts = truth_parts(complete)
    assert_allclose(np.exp(parts.over), compare(complete).estimate, rtol=1e-12)
    result = ts.power("cars1_recovery", replicates=64, seed=2016, n_jobs=1)
    assert result.estimand.attributes["variable"].startswith("planned days to the first visit at")
    assert_allclose(result.truth.estimate, np.exp(result.columns["truth_over"].mean()), rtol=1e-12)
