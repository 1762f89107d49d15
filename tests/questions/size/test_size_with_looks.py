"""The patients, or the look, that give a trial with monitoring a power."""

from typing import Any

import numpy as np
import pytest

import trialsim as ts
from trialsim.scenario.files.yaml_file import load
from trialsim.streams import confirmation_seed

FEW: dict[str, Any] = {"replicates": 400, "seed": 5, "n_jobs": 1}
LOOK = "monitoring.looks.first.when.known"


@pytest.fixture(scope="module")
def size() -> ts.SampleSize:
    """Return the patients that give two looks 80% power."""
    return ts.sample_size(load("cars_sequential"), power=0.8, **FEW)


def test_the_patients_found_are_those_of_the_normal_approximation(size: ts.SampleSize) -> None:
    """Bounds and power of the recursion under the effect as conducted, within the interval."""
    study = load("cars_sequential")
    effect = float(ts.power(study, 400, 5, n_jobs=1).estimate.estimate)
    low, high = (
        ts.bounds(study.replace({"design.patients": patients}), [effect]).effects[0].power
        for patients in (size.low, size.high)
    )
    spread = 3 * np.sqrt(0.8 * 0.2 / 400)
    assert low - spread < 0.8 < high + spread


def test_the_power_that_confirms_a_size_is_that_of_the_trial_with_looks(
    size: ts.SampleSize,
) -> None:
    study = load("cars_sequential").replace({"design.patients": int(size.value)})
    alone = ts.power(study, 400, confirmation_seed(5), n_jobs=1)
    assert size.power == alone.power
    assert alone.looks is not None


def test_the_look_is_found_that_gives_a_power() -> None:
    """A later first look stops fewer trials for futility, so power rises with its share."""
    study = load("cars_sequential")
    found = ts.sample_size(study, power=0.8, path=LOOK, low=0.2, high=0.7, **FEW)
    assert 0.2 <= found.low < found.value <= found.high <= 0.7
    early, late = (ts.power(study.replace({LOOK: at}), 400, 5, n_jobs=1) for at in (0.2, 0.7))
    assert early.power < found.power < late.power


def test_looks_that_stop_for_futility_cost_assurance() -> None:
    """Futility that is obeyed costs power under every effect."""
    study = load("cars_sequential")
    how: dict[str, Any] = {"strata": 8, "n_jobs": 1}
    looked = ts.assurance(study, "cars1", 320, 5, **how)
    without = ts.assurance(study.replace({"monitoring": None}), "cars1", 320, 5, **how)
    assert 0 < looked.probability <= without.probability
