"""The true effect is a property of the two populations, not the mean of an estimator.

The populations are those of the trial with complete follow-up. Each replicate gives unbiased
estimates of two numbers, and the truth is the ratio of their means over replicates: so pairs of
patients are pooled over replicates, and the bias that an estimator of a ratio has in small samples
shows as a bias.
"""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import Effect, StratumWeighting


class Populations(NamedTuple):
    """The two populations of an estimand: the histograms of every replicate, and what they are of.

    Patients by cell, worst first, shape (replicate, cells) each; NaN where a replicate failed.
    """

    plan: AnalysisPlan
    outcome: Outcome
    treated: Floats
    control: Floats


class TruthParts(NamedTuple):
    """What each replicate contributes to the true effect, shape (replicate,).

    The effect is the mean of `over` divided by that of `under`; NaN where an arm is empty.
    """

    over: Floats
    under: Floats


def weighting_by_sizes(plan: AnalysisPlan) -> StratumWeighting:
    """Return by what the effects of strata are weighted in a truth: their sizes, never scores.

    The plan's own weights, or those of van Elteren where these follow from variances.
    """
    own = plan.stratum_weighting
    return "van-elteren" if own == "inverse-variance" else own


def whole(values: Floats) -> TruthParts:
    """Return the parts of an effect whose estimates are unbiased as they are.

    >>> whole(np.array([0.3, np.nan]))
    TruthParts(over=array([0.3, nan]), under=array([ 1., nan]))
    """
    return TruthParts(values, np.where(np.isnan(values), np.nan, 1.0))


def of_theta(theta: Floats, effect: Effect) -> TruthParts:
    """Return the parts of a Mann-Whitney effect as it is reported.

    >>> of_theta(np.array([0.75]), "win_odds")
    TruthParts(over=array([0.75]), under=array([0.25]))
    """
    match effect:
        case "win_odds":
            return TruthParts(theta, 1 - theta)
        case "net_benefit":
            return whole(2 * theta - 1)
        case _:
            return whole(theta)
