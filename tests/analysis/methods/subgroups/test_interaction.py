"""The interaction of treatment and subgroup, against the groups analysed by themselves."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import t as student

from trialsim.analysis.analyse import analyse
from trialsim.analysis.data import Data
from trialsim.analysis.primary import analyse_data
from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import SimulatedTrial
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

Planned: TypeAlias = Callable[..., SimulatedTrial]
SEVERE = {"label": "NIHSS above 9", "covariate": "nihss", "more_than": 9}
OTHERS = {"label": "NIHSS up to 9", "covariate": "nihss", "at_most": 9}
RESPONDERS = {"method": "responders", "threshold": 40}
AS_MISSING = {"death": "as_missing"}


def of(method: Any, **more: Any) -> dict[str, Any]:
    return {"test": {"method": "interaction", "subgroup": SEVERE, "of": method}, **more}


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("mann_whitney", {}),
        ("t_test", AS_MISSING),
        ("welch", AS_MISSING),
        ("ancova", AS_MISSING),
        (RESPONDERS, {}),
        ("proportional_odds", {}),
    ],
)
def test_it_is_the_effect_in_the_subgroup_less_that_in_others(
    method: Any, more: dict[str, Any], planned: Planned
) -> None:
    """Of odds ratios the one over the other; the variances of independent groups add up."""
    found = analyse(planned(208, **of(method, **more))).primary
    alone = [
        analyse(planned(208, test=method, subgroup=group, interval="delong", **more)).primary
        for group in (SEVERE, OTHERS)
    ]
    first, second = (one.estimate for one in alone)
    assert found.treated == sum(one.treated for one in alone)
    if method == "proportional_odds":
        assert found.quantity == "ratio of odds ratios"
        assert_allclose(found.estimate, first / second, rtol=1e-12)
        errors = [np.log(one.ci[1] / one.ci[0]) for one in alone]
        seen = np.log(found.ci[1] / found.ci[0])
    else:
        assert_allclose(found.estimate, first - second, rtol=1e-12)
        errors = [one.ci[1] - one.ci[0] for one in alone]
        seen = found.ci[1] - found.ci[0]
    assert_allclose(seen, np.hypot(*errors), rtol=0.05)  # by Student's t
    assert found.ci[0] < found.estimate < found.ci[1]
    assert (found.p_value < 0.05) == (not found.ci[0] < found.null < found.ci[1])


def test_welchs_is_satterthwaites_test_of_four_means(planned: Planned) -> None:
    trial = planned(208, **of("welch", **AS_MISSING))
    found = analyse(trial).primary
    values = Data(trial.batch, trial.scenario.analysis).samples
    severe = trial.batch.cohort.covariates["nihss"][0, trial.batch.candidate[0]] > 9
    groups = [one[0][among & ~np.isnan(one[0])] for among in (severe, ~severe) for one in values]
    parts = np.array([one.var(ddof=1) / len(one) for one in groups])
    sizes = np.array([len(one) for one in groups])
    a, b, c, d = (one.mean() for one in groups)
    assert_allclose(found.estimate, (a - b) - (c - d), rtol=1e-12)
    freedom = parts.sum() ** 2 / (parts**2 / (sizes - 1)).sum()
    statistic = found.estimate / np.sqrt(parts.sum())
    assert_allclose(found.statistic, statistic, rtol=1e-12)
    assert_allclose(found.p_value, 2 * student.sf(abs(statistic), freedom), rtol=1e-6)


@pytest.fixture(scope="module")
def only_severe() -> Scenario:
    """Return a study of whose patients the severe alone have the effect."""
    return load("cars1").replace(
        {"outcomes.arat.effect.subgroup": SEVERE, "analysis.secondary": {}, **_analysis()}
    )


def _analysis() -> dict[str, Any]:
    return {f"analysis.{name}": value for name, value in of("mann_whitney").items()}


def test_it_is_found_where_the_severe_alone_have_the_effect(only_severe: Scenario) -> None:
    """In 300 trials, and without an effect within 4 binomial standard errors of 5%."""
    trials, rejected = 300, []
    for study in (only_severe, only_severe.replace({"outcomes.arat.effect.value": 0.5})):
        batch = simulate_batch(study, Streams(2016, range(trials)))
        found = analyse_data(Data(batch, study.analysis))
        rejected.append(found.favoured.mean() if study is only_severe else found.rejected.mean())
    power, error = rejected
    assert 0.4 < power < 0.9
    assert abs(error - 0.05) < 4 * np.sqrt(0.05 * 0.95 / trials)


def test_a_subgroup_without_patients_says_nothing(planned: Planned) -> None:
    nobody = {"label": "Nobody", "covariate": "nihss", "more_than": 29}
    test = {"method": "interaction", "subgroup": nobody, "of": "mann_whitney"}
    found = analyse(planned(test=test)).primary
    assert np.isnan(found.estimate)
    assert found.p_value == 1
    assert found.ci == (-np.inf, np.inf)


def test_wrong_groups_and_methods_are_refused_with_their_path(planned: Planned) -> None:
    unknown = {"label": "Severe", "covariate": "nihs", "more_than": 9}
    ratio = {**RESPONDERS, "effect": "risk_ratio"}
    for test, rule in (
        (
            {**of("mann_whitney")["test"], "subgroup": unknown},
            r"test\.subgroup\.covariate: must be",
        ),
        (of(ratio)["test"], r"test\.of\.effect: must be left at risk_difference"),
        (of("mmrm")["test"], r"test\.of"),
    ):
        with pytest.raises(InputError, match=rule):
            planned(test=test)
