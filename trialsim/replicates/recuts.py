"""Many plans of looks over trials simulated once: each is another cut of the same trials."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.arrays import Floats
from trialsim.replicates.monitored import RECUT, largest, recut_quantities
from trialsim.replicates.run import Replicates, Summarise
from trialsim.scenario.monitoring.boundaries import BoundaryPlan
from trialsim.scenario.programme import Study
from trialsim.scenario.scenario import ABOUT, Scenario
from trialsim.scenario.words.monitoring import boundary_of
from trialsim.trial.trial import Trial

AT_ONCE: Final = 512
"""Replicates that are simulated and cut at once: a cut is so short that more of them pay."""


def trials_alike(study: Study) -> str | None:
    """Return a digest of what decides the trials of a study with looks, but for their looks.

    None where the study has no looks, whose trials are not cut.
    """
    if not isinstance(study, Scenario) or study.monitoring is None:
        return None
    content = study.model_dump(mode="json", exclude={*ABOUT, "monitoring"})
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@dataclass(frozen=True)
class Recuts:
    """Plans of looks that are all tried on the same trials."""

    studies: tuple[Scenario, ...]
    """Studies that differ in their looks alone."""
    kept: tuple[str, ...] = RECUT
    """What is kept of each replicate under each plan: some of `RECUT`."""

    @property
    def simulated(self) -> Scenario:
        """The study that is simulated: the one whose looks may require the most patients."""
        return max(self.studies, key=lambda study: largest(study).design.patients)

    def summarise(self) -> Summarise:
        """Return what is kept of each replicate, for each plan."""
        plans = tuple(boundary_of(study) for study in self.studies)
        names = tuple(_of(place, name) for place in range(len(plans)) for name in self.kept)
        return Summarise(names, _Cut(plans, self.kept))

    def split(self, done: Replicates) -> Iterable[Replicates]:
        """Yield the results of each plan, in order."""
        for place in range(len(self.studies)):
            columns = {name: done.columns[_of(place, name)] for name in self.kept}
            yield Replicates(columns, done.failures)


@dataclass(frozen=True)
class _Cut:
    """Gives the numbers of each plan for a batch."""

    plans: Sequence[BoundaryPlan]
    kept: Sequence[str]

    def __call__(self, trial: Trial) -> Mapping[str, Floats]:
        finished = FinishedTrial(trial)
        return {
            _of(place, name): values
            for place, plan in enumerate(self.plans)
            for name, values in recut_quantities(finished, plan, self.kept).items()
        }


def _of(place: int, name: str) -> str:
    return f"{place}.{name}"
