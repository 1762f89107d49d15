"""The numbers that are kept of each replicate of a dose finding."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from trialsim.analysis.comparison import DoseFinding
from trialsim.analysis.data import Data
from trialsim.analysis.methods.dose_finding.mcp_mod import effects_of_doses
from trialsim.arrays import Floats
from trialsim.scenario.plan.methods.dose_finding.mcp_mod import McpMod
from trialsim.scenario.scenario import Scenario

PREFIX: Final = "dose."
"""Before what is kept for the result of a dose finding."""
COMPLETE: Final = f"{PREFIX}complete_effect_of_"
"""Before an arm: its effect in a trial with complete follow-up, on the scale of the curves."""


def names_of_doses(study: Scenario) -> tuple[str, ...]:
    """Return the names of what is kept of a dose finding.

    >>> import trialsim as ts
    >>> names_of_doses(ts.load("cars1"))
    ()
    """
    method = study.analysis.test
    if not isinstance(method, McpMod):
        return ()
    names = names_of_contrasts(method)
    if method.target is None:
        return names
    arms = method.doses_of(study.design, study.analysis.control)
    of_target = (PREFIX + name for name in ("target", "low", "high", "at_bound"))
    return (*names, *names_of_curves(method), *of_target, *(COMPLETE + arm for arm in arms))


def names_of_contrasts(method: McpMod) -> tuple[str, ...]:
    """Return the names of whether each candidate is significant."""
    return tuple(
        f"contrast_{place}_{one.shape}" for place, one in enumerate(method.shapes, start=1)
    )


def names_of_curves(method: McpMod) -> tuple[str, ...]:
    """Return the names of the weight of each shape's curve."""
    return tuple(f"{PREFIX}curve_{shape}" for shape in method.families)


def numbers_of_doses(found: DoseFinding | None, complete: Data) -> Mapping[str, Floats]:
    """Return what is kept of the dose findings of a batch, by name."""
    method = complete.plan.test
    if found is None or not isinstance(method, McpMod):
        return {}
    kept = dict(zip(names_of_contrasts(method), found.significant.T.astype(float), strict=True))
    if method.target is None:
        return kept
    kept |= dict(zip(names_of_curves(method), found.chosen.T, strict=True))
    kept |= {
        f"{PREFIX}target": found.target,
        f"{PREFIX}low": found.low,
        f"{PREFIX}high": found.high,
        f"{PREFIX}at_bound": np.asarray(found.at_bound, np.float64),
    }
    effects = effects_of_doses(complete, method)
    return kept | {COMPLETE + arm: effect for arm, effect in effects.items()}
