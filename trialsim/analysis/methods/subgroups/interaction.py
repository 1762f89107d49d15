"""The interaction of treatment and subgroup, by what a method finds in members and others."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from trialsim.analysis.comparison import Comparison, of_mean_difference
from trialsim.analysis.data import Data
from trialsim.analysis.imputed import Part
from trialsim.analysis.methods import means, proportional_odds, responders
from trialsim.analysis.methods.ranks import two_samples
from trialsim.arrays import RowIndex
from trialsim.scenario.plan.methods.mann_whitney import MannWhitney
from trialsim.scenario.plan.methods.proportional_odds import ProportionalOdds
from trialsim.scenario.plan.methods.responders import Responders
from trialsim.scenario.plan.methods.subgroups.interaction import Interaction
from trialsim.stats.means_and_proportions.mean_difference import difference_of_differences
from trialsim.stats.p_values import Standardised
from trialsim.stats.ranks.brunner_munzel import satterthwaite
from trialsim.trial.cohort import meets


def compare(data: Data, method: Interaction) -> Comparison:
    """Return the effect in the subgroup less that in all others; a ratio where it is of odds."""
    plan = data.plan
    each = (_part(one) for one in apart(data, method))
    estimates, variances, freedom = (np.stack(field) for field in zip(*each, strict=True))
    found = difference_of_differences(
        estimates, variances, freedom, plan.confidence, plan.alternative
    )
    compared = of_mean_difference(found, data.samples.sizes)
    if not plan.quantity.is_ratio:
        return compared
    with np.errstate(over="ignore"):  # of an interval that is all numbers
        estimate, low, high = map(np.exp, (found.estimate, found.low, found.high))
    against = partial(_of_logarithm, compared)
    return compared._replace(estimate=estimate, low=low, high=high, against=against)


def _of_logarithm(compared: Comparison, value: float) -> Standardised:
    return compared.against(float(np.log(value)))


def apart(data: Data, method: Interaction) -> Iterator[Data]:
    """Yield the members of the subgroup and all others, analysed by the method that is compared."""
    trial = data.trial
    members = meets(method.subgroup, trial.scenario, trial.cohort, RowIndex(trial.candidate))
    plan = data.plan.model_copy(update={"test": method.of})
    for group in (members, ~members):
        among = group if data.among is None else group & data.among
        yield replace(data, plan=plan, among=among, counted=None)


def _part(data: Data) -> Part:
    """Return the effect of one group, its variance under any effect, and its freedom."""
    match data.plan.test:
        case MannWhitney():
            summary = two_samples(data)
            return Part(summary.effect, summary.placement_variance, satterthwaite(summary))
        case Responders() as method:
            return responders.part(data, method)
        case ProportionalOdds() as method:
            return proportional_odds.part(data, method)
        case _:
            return means.part(data)
