"""The secondary analyses of a plan, adjusted among themselves and behind the primary one."""

from typing import NamedTuple

import numpy as np

from trialsim.analysis.data import Data
from trialsim.analysis.primary import PrimaryAnalysis, analyse_data
from trialsim.arrays import Booleans, Floats
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import Multiplicity
from trialsim.stats.multiplicity.p_value_adjustments import adjust_p_values
from trialsim.trial.trial import Trial


class Secondary(NamedTuple):
    """One secondary analysis of each replicate, shape (replicate,)."""

    found: PrimaryAnalysis
    """As it is by itself, not adjusted."""
    adjusted_p_value: Floats
    rejected: Booleans
    """By the adjusted p-value."""


def secondary_analyses(
    trial: Trial, plan: AnalysisPlan, primary: Floats, among: Booleans | None = None
) -> dict[str, Secondary]:
    """Apply the planned secondary analyses to every replicate, by name.

    Parameters
    ----------
    primary
        The p-value of the primary analysis, shape (replicate,).
    among
        Who may be analysed, shape (replicate, patient); None for all.
    """
    found = {
        name: analyse_data(Data(trial, one, among=among)) for name, one in plan.further.items()
    }
    if not found:
        return {}
    p_values = np.stack([one.p_value for one in found.values()], axis=-1)
    adjusted = behind_the_primary(primary, p_values, plan.multiplicity)
    levels = [one.alpha for one in plan.further.values()]
    return {
        name: Secondary(one, adjusted[..., place], adjusted[..., place] <= level)
        for place, ((name, one), level) in enumerate(zip(found.items(), levels, strict=True))
    }


def behind_the_primary(primary: Floats, p_values: Floats, multiplicity: Multiplicity) -> Floats:
    """Adjust p-values of secondary analyses, shape (..., analyses), behind the primary's (...).

    Serial gatekeeping (Dmitrienko and Tamhane 2007, Pharmaceutical Statistics 6:171): the secondary
    analyses are tested once the primary one has rejected, so the chance of any false rejection is
    at most alpha where the procedure is valid. Without a procedure they are left as they are.

    >>> behind_the_primary(np.array(0.03), np.array([0.01, 0.04]), "holm").tolist()
    [0.03, 0.04]
    """
    if multiplicity == "none":
        return p_values
    among = adjust_p_values(p_values, multiplicity)
    return np.maximum(among, np.asarray(primary)[..., np.newaxis])
