"""What every cut of a finished batch needs of it, worked out once for any number of plans."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.counts import cell_places, counted
from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import Endpoint, endpoint, visit_of
from trialsim.analysis.methods.registry import compare, truth_parts
from trialsim.analysis.truth import TruthParts
from trialsim.arrays import Booleans, Integers
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.trial.looks import known_from
from trialsim.trial.trial import Trial


@dataclass(frozen=True)
class FinishedTrial:
    """A batch that ran to its end, ready to be cut at any look."""

    trial: Trial

    @property
    def plan(self) -> AnalysisPlan:
        """The analysis of the study."""
        return self.trial.scenario.analysis

    @property
    def replicates(self) -> int:
        """How many trials there are."""
        return len(self.trial.arms)

    @cached_property
    def values(self) -> Endpoint:
        """The endpoint of every patient as analysed at the end."""
        return endpoint(self.trial, self.plan)

    @cached_property
    def known(self) -> Integers:
        """The first minute at whose beginning each patient's endpoint is known."""
        return np.ascontiguousarray(known_from(self.trial)[:, :, visit_of(self.trial, self.plan)])

    @property
    def randomised(self) -> Integers:
        """The minute at which each patient was randomised."""
        return self.trial.conduct.randomised

    @cached_property
    def truth(self) -> TruthParts:
        """What each replicate tells of the true effect; no look changes the populations."""
        return truth_parts(Data(self.trial, self.plan, complete=True))

    @cached_property
    def places(self) -> Integers:
        """The cell of a table of all replicates, strata and arms in which each patient counts."""
        return cell_places(self.trial, self.plan, self.values)

    def counts(self, included: Booleans) -> Integers:
        """Return those of the analysed who are included, as `cell_counts` counts them."""
        return counted(self.trial, self.plan, self.values, self.places, included)

    def compared(self, plan: AnalysisPlan, included: Booleans) -> Comparison:
        """Return the comparison, by the plan's own method, of those included."""
        return compare(Data(self.trial, plan, given=self.values, among=included))

    @cached_property
    def last_visit(self) -> Integers:
        """The minute of the last visit to which each patient came."""
        conduct = self.trial.conduct
        ends = [
            conduct.visit_minute[:, :, visit] * conduct.visit_attended[:, :, visit]
            for visit in range(len(self.trial.scenario.design.visits))
        ]
        return np.asarray(np.maximum.reduce(ends))

    @cached_property
    def infusions(self) -> Integers:
        """How many infusions each patient was given."""
        return np.asarray(np.count_nonzero(self.trial.conduct.infusion_given, axis=2))

    @property
    def exits(self) -> dict[str, Integers]:
        """When each patient discontinued treatment, withdrew and died."""
        conduct = self.trial.conduct
        return {
            "discontinued": conduct.discontinued,
            "withdrawn": conduct.withdrawn,
            "died": conduct.died,
        }
