"""The proportional odds model."""

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.data import Data
from trialsim.analysis.truth import TruthParts, of_odds
from trialsim.scenario.plan.methods.proportional_odds import ProportionalOdds
from trialsim.stats.p_values import normal_p_value


def compare(data: Data, method: ProportionalOdds) -> Comparison:
    """Return the comparison of each replicate."""
    from trialsim.stats.means_and_proportions.proportional_odds import proportional_odds

    plan, samples = data.plan, data.samples
    fits = [
        proportional_odds(treated, control, plan.confidence)
        for treated, control in zip(*samples, strict=True)
    ]
    found = {name: np.array([getattr(fit, name) for fit in fits]) for name in fits[0]._fields}
    known = ~np.isnan(found["standard_error"])
    p_value = np.where(known, normal_p_value(found["z"], plan.alternative), 1.0)
    ends = found["odds_ratio"], found["low"], found["high"]
    return Comparison(*ends, found["z"], p_value, *samples.sizes)


def truth(data: Data, method: ProportionalOdds) -> TruthParts:
    """Return the parts of the true odds ratio."""
    return of_odds(compare(data, method).estimate)
