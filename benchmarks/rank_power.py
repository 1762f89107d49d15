"""The power of a Mann-Whitney test as SciPy simulates it, and as a loop over trials would."""

from functools import partial
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.designs import ALPHA, PATIENTS, TwoSamples
from trialsim.arrays import Floats

BATCH = 256
"""Trials that SciPy tests at once; larger batches are no faster."""


def scipy_power(samples: TwoSamples, trials: int) -> float:
    """Return the power by `scipy.stats.power`, vectorised."""
    generator = np.random.default_rng(2017)

    def test(treated: Floats, control: Floats, axis: int) -> Any:
        return stats.mannwhitneyu(
            treated, control, use_continuity=False, axis=axis, method="asymptotic"
        )

    arms: Any = [partial(samples.draw, arm, generator) for arm in (0, 1)]
    found = stats.power(
        test,
        arms,
        PATIENTS,
        significance=ALPHA,
        vectorized=True,
        n_resamples=trials,
        batch=BATCH,
    )
    return float(found.power)


def loop_power(samples: TwoSamples, trials: int) -> float:
    """Return the power by a loop of NumPy samples and `scipy.stats.mannwhitneyu`."""
    generator, rejected = np.random.default_rng(2018), 0
    for _ in range(trials):
        treated, control = (samples.draw(arm, generator, PATIENTS[arm]) for arm in (0, 1))
        rejected += float(stats.mannwhitneyu(treated, control).pvalue) <= ALPHA
    return rejected / trials
