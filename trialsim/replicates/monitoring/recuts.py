"""Many plans of looks over trials simulated once: each is another cut of the same trials."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.arrays import Floats
from trialsim.replicates.monitoring.monitored import (
    RECUT,
    largest,
    monitored_quantities,
    recut_quantities,
)
from trialsim.replicates.run import Replicates, Summarise, summary_of, summary_of_cuts
from trialsim.scenario.monitoring.boundaries import BoundaryPlan
from trialsim.scenario.programme import Study
from trialsim.scenario.scenario import ABOUT, Scenario
from trialsim.scenario.words.monitoring import boundary_of

AT_ONCE: Final = 2048
"""Replicates that are simulated and cut at once: a cut is so short that more of them pay."""
_TOGETHER: Final = 64
"""Plans whose cuts are worked out together: more take memory, and no less time."""


@lru_cache(1024)
def trials_alike(study: Study) -> str | None:
    """Return a digest of what decides the trials of a study with looks, but for their looks.

    The most patients that its looks may require decide them too, as a trial that cannot recruit
    them fails. None where the study has no looks, whose trials are not cut.
    """
    if not isinstance(study, Scenario) or study.monitoring is None:
        return None
    content = study.model_dump(mode="json", exclude={*ABOUT, "monitoring"})
    content["most_patients"] = largest(study).design.patients
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@dataclass(frozen=True)
class Recuts:
    """Plans of looks that are all tried on the same trials."""

    studies: tuple[Scenario, ...]
    """Studies whose trials are alike: `trials_alike` gives one digest of all."""
    kept: tuple[str, ...] | None = RECUT
    """What is kept of each replicate under each plan: some of `RECUT`, or all that a run keeps."""

    @property
    def simulated(self) -> Scenario:
        """The study that is simulated, any of them."""
        return self.studies[0]

    @cached_property
    def _names(self) -> tuple[tuple[str, ...], ...]:
        """The names of what is kept under each plan."""
        return tuple(self.kept or summary_of(study).names for study in self.studies)

    def summarise(self) -> Summarise:
        """Return what is kept of each replicate, for each plan."""
        plans = tuple(boundary_of(study) for study in self.studies)
        names = (_of(place, name) for place, own in enumerate(self._names) for name in own)
        cut = _Cut(plans, self.kept)
        return summary_of_cuts(self.studies, tuple(names), cut, is_compiled=False)

    def split(self, done: Replicates) -> Iterable[Replicates]:
        """Yield the results of each plan, in order."""
        for place, names in enumerate(self._names):
            columns = {name: done.columns[_of(place, name)] for name in names}
            yield Replicates(columns, done.failures)


@dataclass(frozen=True)
class _Cut:
    """Gives the numbers of each plan for a batch."""

    plans: Sequence[BoundaryPlan]
    kept: Sequence[str] | None

    def __call__(self, finished: FinishedTrial) -> Mapping[str, Floats]:
        numbers = enumerate(self._numbers(finished))
        return {_of(place, name): values for place, own in numbers for name, values in own.items()}

    def _numbers(self, finished: FinishedTrial) -> Iterator[Mapping[str, Floats]]:
        """Yield the numbers of each plan, in order."""
        if self.kept is None:
            yield from (monitored_quantities(finished, plan) for plan in self.plans)
            return
        for begin in range(0, len(self.plans), _TOGETHER):
            yield from recut_quantities(finished, self.plans[begin : begin + _TOGETHER], self.kept)


def _of(place: int, name: str) -> str:
    return f"{place}.{name}"
