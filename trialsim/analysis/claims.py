"""What a trial claims of its effect, and the p-value by which it is or is not claimed.

A claim of superiority has the p-value of the method's own test. Beyond a margin it is that of the
value at the margin, by the test that the method's interval inverts: so a claim at a one-sided level
alpha is made where the two-sided interval of confidence 1 - 2 alpha lies beyond the margin.
"""

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.arrays import Booleans, Floats
from trialsim.scenario.plan.analysis_plan import AnalysisPlan


def claimed(found: Comparison, plan: AnalysisPlan) -> Comparison:
    """Return a comparison with the statistic and the p-value of what the plan claims.

    Equivalence is claimed by two one-sided tests (Schuirmann 1987, Journal of Pharmacokinetics and
    Biopharmaceutics 15:657); the larger p-value, with its statistic, is that of the claim.
    """
    if plan.margin is None:
        return found
    above = found.against(plan.margin)
    p_value, statistic = above.p_value("greater"), above.statistic
    if plan.upper_margin is not None:
        below = found.against(plan.upper_margin)
        of_upper = below.p_value("less")
        statistic = np.where(of_upper > p_value, below.statistic, statistic)
        p_value = np.maximum(p_value, of_upper)
    return found._replace(p_value=p_value, statistic=statistic)


def in_favour(estimate: Floats, plan: AnalysisPlan) -> Booleans:
    """Return whether a rejection at an estimate is what the trial is run to show.

    A rejection of a margin is the claim itself; without one it may be in favour of the control.
    """
    if plan.margin is not None:
        return np.ones(estimate.shape, np.bool_)
    return np.asarray(estimate > plan.quantity.null)
