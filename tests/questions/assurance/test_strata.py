"""What is reported of a prior has the error that whole runs under other seeds really have."""

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


@pytest.mark.parametrize(("mean", "sd"), [(0.55, 0.1), (0.71, 0.04)])
@pytest.mark.parametrize(("strata", "trials"), [(5, 200), (20, 100)])
def test_reported_errors_are_those_of_whole_runs(
    strata: int, trials: int, mean: float, sd: float
) -> None:
    """Oracle: the spread over 300 seeds, itself known to 4%; the effect is all over the place."""
    prior = normal_prior(mean, sd)
    runs = [emulated(prior, strata, trials, seed) for seed in range(300)]
    told = {
        "rejections": [(one.rejections.estimate, one.rejections.mcse) for one in runs],
        "right": [(one.probability, one.mcse) for one in runs],
        "predicted": [(one.predicted.estimate, one.predicted.mcse) for one in runs],
        "at most": [
            (one.share_at_most(0.53).estimate, one.share_at_most(0.53).mcse) for one in runs
        ],
        "probability": [(one.probability, one.mcse) for one in runs],
    }
    for name, pairs in told.items():
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
