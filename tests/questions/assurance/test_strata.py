"""What is reported of a prior has the error that whole runs under other seeds really have."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

import trialsim as ts
from trialsim.arrays import Floats
from trialsim.questions.assurance.assurance import Assurance, drawn_effects
from trialsim.questions.assurance.prior import Prior, normal_prior
from trialsim.questions.assurance.strata import StratifiedMean
from trialsim.scenario.plan.choices import Quantity

ERROR = 0.04
"""Standard error of a trial's estimate, normal about its true effect."""


def emulated(prior: Prior, strata: int, trials: int, seed: int) -> Assurance:
    """Return a run whose trials are normal estimates and two-sided z tests at 5%."""
    effects = drawn_effects(prior, strata, seed).repeat(trials)
    estimate = np.random.default_rng(seed).normal(effects, ERROR)
    z = (estimate - 0.5) / ERROR
    columns: dict[str, Floats] = {
        "effect": effects,
        "estimate": estimate,
        "rejected": (np.abs(z) > norm.isf(0.025)).astype(float),
        "favoured": (z > norm.isf(0.025)).astype(float),
    }
    quantity = Quantity("Mann-Whitney effect", 0.5)
    return Assurance("x", "x", prior, seed, strata, quantity, 0.025, columns, 0, {}, 0.0)


@pytest.mark.parametrize(
    ("strata", "trials", "prior"),
    [
        (5, 200, normal_prior(0.55, 0.1)),
        (20, 100, normal_prior(0.71, 0.04)),
        (5, 4, normal_prior(0.8, 0.02, no_effect=0.1)),
    ],
    ids=["few strata, wide", "many strata, narrow", "a lump that is half a stratum"],
)
def test_reported_errors_are_those_of_whole_runs(strata: int, trials: int, prior: Prior) -> None:
    """Oracle: the spread over 300 seeds, itself known to 4%; the effect is all over the place.

    The lump is drawn in half of the runs, and never halved.
    """
    runs = [emulated(prior, strata, trials, seed) for seed in range(300)]
    told: dict[str, list[Any]] = {
        "rejections": [run.rejections for run in runs],
        "predicted": [run.predicted for run in runs],
        "at most": [run.share_at_most(0.53) for run in runs],
    }
    pairs_of = {name: [(one.estimate, one.mcse) for one in each] for name, each in told.items()}
    pairs_of["probability"] = [(run.probability, run.mcse) for run in runs]
    for name, pairs in pairs_of.items():
        estimates, errors = np.array(pairs, float).T
        ratio = estimates.std(ddof=1) / np.sqrt((errors**2).mean())
        assert 0.8 < ratio < 1.25, (name, ratio)


def test_a_share_of_one_has_the_interval_of_its_trials() -> None:
    """Wilson's lower end of 400 of 400, and no error."""
    share = StratifiedMean(1.0, 0.0, 0.0).share(400)
    assert share.high == 1
    assert share.low == pytest.approx(1 - 3.8414588 / (400 + 3.8414588))


def test_more_trials_or_strata_than_anybody_waits_for_are_refused_at_once() -> None:
    with pytest.raises(ts.InputError) as refused:
        ts.assurance("cars1", "cars1", 10**20, strata=10**6)
    assert [problem.path for problem in refused.value.problems] == ["replicates", "strata"]
