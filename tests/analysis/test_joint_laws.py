"""Several arms against one control, from a trial's own patients, against SciPy and a simulation."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import dunnett as scipy_dunnett

from trialsim.analysis.data import Data
from trialsim.analysis.joint_laws import joint_statistics, normal_law
from trialsim.analysis.secondary import every_analysis
from trialsim.arrays import Floats
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

NAMES = ("primary", "dose_30", "dose_60")
TRIALS = 600


def doses(
    test: str, procedure: str = "step_down_dunnett", alternative: str = "two-sided"
) -> Scenario:
    """Return a study of three doses, of which none does anything."""
    study = load("dose_finding")
    family = {"analyses": list(NAMES), "procedure": procedure}
    return study.replace(
        {
            **{f"design.arms.{name}.dose_ml": 0.0 for name in ("dose_10", *NAMES[1:])},
            "design.patients": 104,
            "analysis.secondary": {name: {"treated": name} for name in NAMES[1:]},
            "analysis.test": test,
            "analysis.missing": "complete_case",
            "analysis.alternative": alternative,
            "analysis.multiplicity": {"procedure": "families", "families": {"all": family}},
        }
    )


def simulated(study: Scenario, replicates: int) -> Trial:
    return simulate_batch(study, Streams(2016, range(replicates)))


def data_of(trial: Trial) -> list[Data]:
    return [Data(trial, one) for one in trial.scenario.analysis.every.values()]


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_student_tests_have_one_variance_of_all_arms(alternative: Any) -> None:
    """Oracle: scipy.stats.dunnett, a single step, whose integral is a random one."""
    trial = simulated(doses("t_test", "dunnett", alternative), 2)
    found = every_analysis(trial, trial.scenario.analysis)
    for replicate in range(2):
        arms = [one.samples.treated[replicate] for one in data_of(trial)]
        control = data_of(trial)[0].samples.control[replicate]
        known = [arm[~np.isnan(arm)] for arm in (*arms, control)]
        expected = scipy_dunnett(
            *known[:-1], control=known[-1], alternative=alternative, rng=np.random.default_rng(1)
        )
        adjusted = [found[name].p_value[replicate] for name in NAMES]
        assert_allclose(adjusted, expected.pvalue, atol=1e-3)


def correlations(statistics: Floats) -> Floats:
    return np.asarray(np.corrcoef(statistics.T))[np.triu_indices(3, 1)]


@pytest.fixture(scope="module")
def by_ranks() -> Trial:
    return simulated(doses("mann_whitney"), TRIALS)


@pytest.mark.parametrize("test", ["mann_whitney", "welch", "ancova", "t_test"])
def test_loadings_are_those_of_repeated_trials(test: str, by_ranks: Trial) -> None:
    """Correlations of the statistics over 600 trials; 4 standard errors of a correlation."""
    study = doses(test)
    trial = Trial(**{**vars_of(by_ranks), "scenario": study})
    data = data_of(trial)
    found = every_analysis(trial, study.analysis)
    seen = correlations(np.stack([found[name].found.z for name in NAMES], axis=1))
    if test == "t_test":
        _, law = joint_statistics(data, np.full((TRIALS, 3), 0.5))
    else:
        law = normal_law(data)
    loadings = law.loadings.mean(axis=0)
    expected = (loadings[:, np.newaxis] * loadings)[np.triu_indices(3, 1)]
    assert_allclose(expected, seen, atol=4 * (1 - 0.5**2) / np.sqrt(TRIALS))
    assert_allclose(expected, 0.5, atol=0.04)


def vars_of(trial: Trial) -> dict[str, Any]:
    return {name: getattr(trial, name) for name in Trial.__dataclass_fields__}


def test_the_family_wise_error_by_ranks_is_exact_where_no_dose_does_anything(
    by_ranks: Trial,
) -> None:
    """4 binomial standard errors below and above 5%: Holm's procedure gives about 4.3%."""
    found = every_analysis(by_ranks, by_ranks.scenario.analysis)
    error = np.any([found[name].rejected for name in NAMES], axis=0).mean()
    assert abs(error - 0.05) < 4 * np.sqrt(0.05 * 0.95 / TRIALS)
    unadjusted = np.any([found[name].found.rejected for name in NAMES], axis=0).mean()
    assert unadjusted > 0.08
