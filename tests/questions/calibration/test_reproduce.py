"""Published figures stand beside simulated ones, and the verdict says what is between them."""

import dataclasses
import math

import numpy as np
import pytest

from trialsim.errors import InputError
from trialsim.questions.calibration.reproduce import Reproduced, Reproduction, reproduce
from trialsim.questions.power import power
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.findings import Finding
from trialsim.scenario.scenario import Scenario

SMALL = load("cars1").replace({"design.patients": 40})


def finding(value: float, **of: str) -> Finding:
    return Finding.model_validate({"label": "A figure", "of": of, "value": value})


def with_findings(**findings: Finding) -> Scenario:
    return SMALL.replace({"findings": {name: one.model_dump() for name, one in findings.items()}})


STUDY = with_findings(
    theta=finding(0.71, kind="analysis", analysis="primary", figure="estimate"),
    won=finding(0.9, kind="analysis", analysis="primary", figure="power"),
    died=finding(2, kind="patients", what="died", figure="count"),
)


@pytest.fixture(scope="module")
def found() -> Reproduction:
    return reproduce(STUDY, 200, seed=5, n_jobs=1)


def test_simulated_means_and_errors_are_those_of_the_power_run(found: Reproduction) -> None:
    same = power(SMALL, 200, seed=5, n_jobs=1)
    theta, won, died = found.rows
    assert theta.simulated == pytest.approx(float(same.estimate.estimate), rel=1e-12)
    assert theta.mcse == pytest.approx(float(same.estimate.mcse), rel=1e-12)
    assert [theta.low, theta.high] == np.quantile(same.columns["estimate"], [0.025, 0.975]).tolist()
    assert won.simulated == pytest.approx(same.power)
    assert died.simulated == pytest.approx(float(same.mean_of("died").estimate))


def test_workers_change_nothing(found: Reproduction) -> None:
    assert reproduce(STUDY, 200, seed=5, n_jobs=2).rows == found.rows


def test_a_study_without_findings_is_refused() -> None:
    with pytest.raises(InputError, match="findings: must be given"):
        reproduce(SMALL, 10, n_jobs=1)


def test_a_ratio_is_averaged_by_its_logarithm() -> None:
    """The geometric mean of win odds, with its error by the delta method."""
    findings = STUDY.model_dump()["findings"]
    odds = SMALL.replace({"analysis.effect": "win_odds", "findings": findings})
    row = reproduce(odds, 200, seed=5, n_jobs=1).rows[0]
    logs = np.log(power(odds, 200, seed=5, n_jobs=1).columns["estimate"])
    assert row.simulated == pytest.approx(math.exp(logs.mean()))
    assert row.mcse == pytest.approx(math.exp(logs.mean()) * logs.std(ddof=1) / math.sqrt(200))


ROW = Reproduced(
    name="one",
    label="A figure",
    published=0.71,
    decimals=2,
    simulated=0.71,
    mcse=0.001,
    low=0.64,
    high=0.78,
    status="published",
    calibrated=(),
    explanation=None,
)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "reproduced"),
        ({"calibrated": ("design.patients",)}, "calibrated"),
        ({"simulated": 0.7169}, "reproduced"),
        ({"simulated": 0.7171}, "typical"),
        ({"simulated": 0.7171, "calibrated": ("design.patients",)}, "typical"),
        ({"simulated": 0.7171, "decimals": 1}, "reproduced"),
        ({"simulated": 0.73, "mcse": 0.01}, "reproduced"),
        ({"simulated": 0.6, "low": 0.55, "high": 0.704}, "not reproduced"),
        ({"simulated": 0.6, "low": 0.55, "high": 0.706}, "typical"),
        ({"simulated": 0.8, "low": 0.716}, "not reproduced"),
        ({"simulated": math.nan, "low": math.nan, "high": math.nan}, "not reproduced"),
    ],
)
def test_the_verdict_allows_rounding_and_two_monte_carlo_errors(
    changes: dict[str, object], verdict: str
) -> None:
    assert dataclasses.replace(ROW, **changes).verdict == verdict  # type: ignore[arg-type]
