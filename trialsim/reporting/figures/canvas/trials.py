"""Simulated trials with the tables that figures are drawn from, built once for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pandas import DataFrame

from trialsim.datasets import tables
from trialsim.errors import InputError, Problem, nearest
from trialsim.reporting.tables.captions import caption, caption_of_one
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import Engine, Trial, simulate_batch


@dataclass(frozen=True, slots=True)
class Trials:
    """One or more simulated trials of a study, as tables."""

    scenario: Scenario
    seed: int
    replicates: tuple[int, ...]
    tables: Mapping[str, DataFrame]
    batch: Trial

    def caption(self, *further: str) -> str:
        """Return what stands under a figure of these trials."""
        about = self.scenario.name, self.scenario.digest, self.seed
        if len(self.replicates) == 1:
            return caption_of_one(*about, self.replicates[0], *further)
        return caption(*about, len(self.replicates), *further)

    def outcome(self, name: str | None = None) -> str:
        """Return the name of an outcome, that of the primary endpoint unless told otherwise.

        Raises
        ------
        InputError
            If there is no such outcome.
        """
        if name is None:
            return self.scenario.analysis.endpoint
        if name not in self.scenario.outcomes:
            rule = f"must be an outcome of the study{nearest(name, self.scenario.outcomes)}"
            raise InputError([Problem("outcome", rule, name)])
        return name

    def scores(self, outcome: str) -> DataFrame:
        """Return a row for each score measured: visit, arm, days_since_onset and score."""
        visits = self.tables["visits"]
        column = next(name for name in (f"outcome_{outcome}", outcome) if name in visits)
        kept = visits[["visit", "arm", "days_since_onset"]].assign(score=visits[column])
        return kept[kept["score"].notna()].astype({"score": "float64"})

    @property
    def may_die(self) -> bool:
        """Whether patients of the study may die beside its scales."""
        return self.scenario.operations.death.probability > 0

    def dead(self) -> Mapping[tuple[str, str], int]:
        """Return how many had died by each visit, by visit and arm."""
        visits = self.tables["visits"]
        died = visits.assign(died=visits["status"] == "died")
        counts = died.groupby(["visit", "arm"], observed=False)["died"].sum().reset_index()
        keys = zip(counts["visit"], counts["arm"], strict=True)
        return dict(zip(keys, counts["died"].tolist(), strict=True))


def trials_of(batch: Trial) -> Trials:
    """Return the trials of a batch as tables."""
    numbers = tuple(batch.replicates.tolist())
    return Trials(batch.scenario, batch.seed, numbers, tables(batch), batch)


def simulated_trials(
    scenario: Scenario, seed: int, replicates: range, engine: Engine = "auto"
) -> Trials:
    """Simulate trials and return them as tables; those that cannot be recruited are left out.

    Raises
    ------
    RecruitmentError
        If recruitment can never finish in any of them.
    """
    return trials_of(simulate_batch(scenario, Streams(seed, replicates), engine))
