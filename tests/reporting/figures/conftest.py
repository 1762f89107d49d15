"""Small studies, run once, whose figures the tests look at."""

from collections.abc import Callable
from typing import Any, Final

import pytest

import trialsim as ts
from trialsim.questions.monitoring.bounds import bounds_by_effect
from trialsim.questions.size.power_curve import PowerCurve
from trialsim.reporting.figures.canvas.trials import Trials, simulated_trials
from trialsim.runs.runner import Runner
from trialsim.scenario.files.yaml_file import load

SEED: Final = 2016
REPLICATES: Final = 120
FEW: Final = 16
"""Trials of what is dear to analyse."""


@pytest.fixture(scope="session")
def study() -> ts.Scenario:
    """Return a small study whose power is neither 0 nor 1."""
    return load("cars1").replace(
        {
            "design.patients": 60,
            "outcomes.arat.effect.value": 0.64,
            "operations.death.probability": 0.1,
        }
    )


@pytest.fixture(scope="session")
def trial(study: ts.Scenario) -> ts.SimulatedTrial:
    """Return one trial of it."""
    return ts.simulate(study, SEED)


def by_severity(study: ts.Scenario) -> ts.Scenario:
    """Return a study that compares the severe with all others, and looks at women alone."""
    severe = {"label": "NIHSS above 9", "covariate": "nihss", "more_than": 9}
    test = {"method": "interaction", "subgroup": severe, "of": "mann_whitney"}
    women = {"label": "Women", "covariate": "sex", "equals": "female"}
    return study.replace(
        {"analysis.secondary": {"by_severity": {"test": test}, "women": {"subgroup": women}}}
    )


@pytest.fixture(scope="session")
def power(study: ts.Scenario) -> ts.PowerResult:
    """Return its power."""
    return ts.power(study, REPLICATES, SEED, n_jobs=1)


@pytest.fixture(scope="session")
def one_at_a_time(study: ts.Scenario) -> ts.WhatIf:
    """Return what changes when one number does."""
    changes: dict[str, list[Any]] = {
        "design.patients": [40, 80, 100, 120],
        "operations.withdrawal.probability": [0.3],
        "analysis.missing": ["locf"],
    }
    return ts.what_if(study, changes, replicates=REPLICATES, seed=SEED, n_jobs=1)


@pytest.fixture(scope="session")
def grid(study: ts.Scenario) -> ts.WhatIf:
    """Return what changes when two numbers do."""
    changes: dict[str, list[Any]] = {
        "design.patients": [40, 80],
        "outcomes.arat.effect.value": [0.6, 0.64, 0.7],
    }
    return ts.what_if(study, changes, "grid", replicates=REPLICATES, seed=SEED, n_jobs=1)


@pytest.fixture(scope="session")
def by_patients(study: ts.Scenario) -> ts.WhatIf:
    """Return power by number of patients."""
    values = {"design.patients": [40, 90, 140]}
    return ts.what_if(study, values, replicates=REPLICATES, seed=SEED, n_jobs=1)


@pytest.fixture(scope="session")
def curve(study: ts.Scenario) -> PowerCurve:
    """Return power by size of the effect."""
    tried = PowerCurve(study, "outcomes.arat.effect.value", Runner(SEED, 1, "auto"))
    for value in (0.55, 0.7):
        tried.favoured(value, REPLICATES)
    return tried


@pytest.fixture(scope="session")
def size(study: ts.Scenario) -> ts.SampleSize:
    """Return how many patients the study needs."""
    return ts.sample_size(study, 0.8, replicates=REPLICATES, seed=SEED, n_jobs=1)


@pytest.fixture(scope="session")
def assured(study: ts.Scenario) -> ts.Assurance:
    """Return how probable success is."""
    return ts.assurance(study, "cars1", 320, SEED, strata=16, n_jobs=1)


@pytest.fixture(scope="session")
def many(study: ts.Scenario) -> Trials:
    """Return several trials as tables."""
    return simulated_trials(study, SEED, range(12))


@pytest.fixture(scope="session")
def crowded() -> ts.SimulatedTrial:
    """Return a trial whose patients wait for chairs."""
    few = {"design.patients": 60, "operations.infusion_chairs_per_site": 1}
    return ts.simulate(load("cars1_chairs").replace(few), SEED)


@pytest.fixture(scope="session")
def looked_at() -> ts.PowerResult:
    """Return the power of a study with two looks."""
    return ts.power("cars_sequential", REPLICATES, SEED, n_jobs=1)


def tipped(study: ts.Scenario, replicates: int) -> ts.TippingPoint:
    """Return at which delta trials tip."""
    imputed = {"analysis.missing": "multiple_imputation", "analysis.imputations": 3}
    return ts.tipping_point(study.replace(imputed), (0, -10, -57), replicates, SEED, n_jobs=1)


@pytest.fixture(scope="session")
def former(study: ts.Scenario) -> Trials:
    """Return trials whose candidates are fitted to a table of forty former patients."""
    rows = range(40)
    ages, sexes = [45 + row * 7 % 30 for row in rows], ["male", "female", "female", "male"] * 10
    columns: dict[str, dict[str, Any]] = {
        "age_years": {"values": ",".join(map(str, ages))},
        "sex": {"values": ",".join(sexes), "levels": ["female", "male"]},
    }
    margins = {
        f"population.covariates.{name}.margin": {"distribution": "table", **column}
        for name, column in columns.items()
    }
    fitted = study.replace({"population.table": {"draw": "fitted"}, **margins})
    return simulated_trials(fitted, SEED, range(12))


DOSES: Final = "alvarez2011_mcp_mod"
BUILT_IN = ts.load("cars1_estimands").replace(
    {f"analysis.secondary.{one}": None for one in ("imputed_at_random", "jump_to_reference")}
)
STOPPED = {"operations.discontinuation.probability": [0.4]}
Named = Callable[[str], tuple[Any, str]]


@pytest.fixture(scope="session")
def drawn_from(
    study: ts.Scenario,
    trial: ts.SimulatedTrial,
    power: ts.PowerResult,
    one_at_a_time: ts.WhatIf,
    grid: ts.WhatIf,
    by_patients: ts.WhatIf,
    curve: PowerCurve,
    size: ts.SampleSize,
    assured: ts.Assurance,
    many: Trials,
    crowded: ts.SimulatedTrial,
    looked_at: ts.PowerResult,
    former: Trials,
) -> Named:
    """Return a function from a figure's name to what it is drawn from, and its kind."""
    results: dict[str, tuple[Any, str]] = {
        "estimate": (power, "estimate"),
        "what-if": (one_at_a_time, "what-if"),
        "tornado": (one_at_a_time, "tornado"),
        "heat-map": (grid, "heat-map"),
        "curve of a what-if": (by_patients, "curve"),
        "curve": (curve, "curve"),
        "curve of a sample size": (size, "curve"),
        "assurance": (assured, "assurance"),
        "tipping-point": (tipped(study, FEW), "tipping-point"),
        "tipping-point of one trial": (tipped(study, 1), "tipping-point"),
        "estimands": (ts.estimands(BUILT_IN, FEW, SEED, n_jobs=1), "estimands"),
        "missingness": (
            ts.missingness(BUILT_IN, STOPPED, None, FEW, SEED, n_jobs=1),
            "missingness",
        ),
        "effects": (ts.analyse(trial), "effects"),
        "subgroups": (ts.analyse(ts.simulate(by_severity(study), SEED)), "subgroups"),
        "subgroups of several": (
            simulated_trials(by_severity(study), SEED, range(FEW)),
            "subgroups",
        ),
        "scores": (trial, "scores"),
        "times": (ts.simulate("cars1_recovery", SEED), "times"),
        "distribution": (trial, "distribution"),
        "recruitment": (trial, "recruitment"),
        "recruitment of several": (many, "recruitment"),
        "adherence": (trial, "adherence"),
        "lanes": (trial, "lanes"),
        "chairs": (crowded, "chairs"),
        "population": (former, "population"),
        "dose-response": (ts.simulate(DOSES, SEED), "dose-response"),
        "dose-response of several": (
            simulated_trials(load(DOSES), SEED, range(FEW)),
            "dose-response",
        ),
        "stopping": (looked_at, "stopping"),
        "patients": (looked_at, "patients"),
        "boundaries": (ts.bounds("cars_sequential"), "boundaries"),
        "graph": (load("cars1_graph"), "graph"),
        "expected-size": (bounds_by_effect("cars_sequential"), "expected-size"),
    }
    return results.__getitem__
