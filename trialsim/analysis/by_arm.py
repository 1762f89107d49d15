"""When events that few studies have came to the patients of each of the two arms compared."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from trialsim.arrays import Integers
from trialsim.clock import NEVER
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.scenario.scenario import Scenario
from trialsim.trial.trial import Trial

_TOLD: Final[Mapping[Event, str]] = {
    "drug_related_discontinuation": "stopped_for_drug",
    "rescue": "rescued",
    "switching": "switched",
}


def names_by_arm(study: Scenario) -> tuple[str, ...]:
    """Return the names of what is counted by arm, of events that can happen.

    >>> import trialsim as ts
    >>> names_by_arm(ts.load("cars1").replace({"operations.rescue.probability": 0.1}))
    ('treated_rescued', 'control_rescued')
    """
    events = study.operations.events
    happening = [name for event, name in _TOLD.items() if events[event].probability > 0]
    return tuple(f"{arm}_{name}" for name in happening for arm in ("treated", "control"))


def events_by_arm(trial: Trial) -> dict[str, Integers]:
    """Return the minutes of such events by name, shape (replicate, patient); `NEVER` of others."""
    plan, names = trial.scenario.analysis, list(trial.scenario.design.arms)
    whose = {"treated": plan.treated, "control": plan.control}
    found = {}
    for name in names_by_arm(trial.scenario):
        arm, event = name.split("_", 1)
        when = trial.conduct.ends[event]
        found[name] = np.where(trial.arms == names.index(whose[arm]), when, NEVER)
    return found
