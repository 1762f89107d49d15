"""What the replicates say of a number of patients that a look sets again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from trialsim.arrays import Booleans, Floats
from trialsim.replicates.monitoring.monitored import of_look
from trialsim.replicates.monitoring.spread import Spread, plain, spread_of
from trialsim.scenario.scenario import Scenario
from trialsim.stats.monte_carlo import Proportion, wilson_interval

SHARES: Final = ("set_again", "enlarged", "reduced", "at_the_most", "at_the_least")
"""What may become of a size, each a share of all finished trials."""


class SizePlan(NamedTuple):
    """Which look sets the number of patients again, from how many, and between which."""

    look: str
    planned: int
    at_least: int
    at_most: int


def size_plan_of(scenario: Scenario) -> SizePlan | None:
    """Return what a study says of its size, None where no look sets it again."""
    rule = scenario.monitoring and scenario.monitoring.re_estimation
    if not rule:
        return None
    return SizePlan(rule.at, scenario.design.patients, rule.at_least, rule.at_most)


@dataclass(frozen=True, slots=True)
class ReEstimated:
    """The sizes that the trials of a run were given, from replicates that keep their looks."""

    plan: SizePlan
    columns: Mapping[str, Floats]
    """As in the result that it is part of."""

    @property
    def was_set(self) -> Booleans:
        """Which trials the look gave a size: held, not ended by it, and recruitment still open."""
        informed = np.isfinite(self.columns[of_look(self.plan.look, "share")])
        by_decision = self.columns[of_look(self.plan.look, "randomised_by_decision")]
        stops = [of_look(self.plan.look, why) for why in _STOPS]
        ended = np.any([self.columns[why] == 1 for why in stops], axis=0)
        return np.asarray(informed & ~ended & (by_decision < self.plan.planned))

    @property
    def patients(self) -> Floats:
        """The size that each trial was given, NaN where none was."""
        return np.where(self.was_set, self.columns["planned_patients"], np.nan)

    @property
    def spread(self) -> Spread:
        """Mean, with its error, and quantiles of the sizes that were given."""
        return spread_of(self.patients)

    def share(self, what: str) -> Proportion:
        """Return how often something became of the size, one of `SHARES`.

        A share of all finished trials. A size is at the least or the most where its rule would go
        further and the plan's limits hold it; below the planned one it is reduced.
        """
        sizes = self.patients
        happened = {
            "set_again": np.isfinite(sizes),
            "enlarged": sizes > self.plan.planned,
            "reduced": sizes < self.plan.planned,
            "at_the_most": sizes == self.plan.at_most,
            "at_the_least": sizes == self.plan.at_least,
        }[what]
        return wilson_interval(happened.sum(), np.isfinite(self.columns["stop"]).sum())

    def to_dict(self) -> dict[str, Any]:
        """Return the sizes as plain values, for JSON."""
        return {
            **self.plan._asdict(),
            **{what: plain(self.share(what)) for what in SHARES},
            "patients": self.spread.to_dict(),
        }


_STOPS: Final = ("efficacy", "harm", "futility", "full_information")
