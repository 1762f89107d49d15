"""One simulated trial, with its tables."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trialsim.scenario.files.studies import load_study
from trialsim.scenario.programme import Study, single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.shown import Shown
from trialsim.streams import Streams
from trialsim.trial.trial import Engine, Trial, simulate_batch

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, slots=True, repr=False)
class SimulatedTrial(Shown):
    """One replicate of a study; `batch` holds its arrays, whose first axis has length 1."""

    batch: Trial

    @property
    def scenario(self) -> Scenario:
        """The study that was simulated."""
        return self.batch.scenario

    @property
    def seed(self) -> int:
        """The seed of all randomness."""
        return self.batch.seed

    @property
    def replicate(self) -> int:
        """The replicate's number under the seed."""
        return int(self.batch.replicates[0])

    def tables(self) -> "dict[str, DataFrame]":
        """Return the trial as tables: screening, subjects, infusions, visits, disposition."""
        from trialsim.datasets import tables

        return tables(self.batch)

    def to_frame(self) -> "DataFrame":
        """Return the table of the patients, `subjects`."""
        return self.tables()["subjects"]

    def summary(self) -> "DataFrame":
        """Return a row for each arm: how many of its patients ended in which way, and two means.

        Of the infusions that a patient was given, and of the primary endpoint at its visit.
        """
        tables, plan = self.tables(), self.scenario.analysis
        by_arm = tables["subjects"].groupby("arm", observed=True)
        ends = tables["disposition"].groupby(["arm", "status"], observed=True).size()
        found = ends.unstack(fill_value=0).reindex(list(self.scenario.design.arms))
        found.insert(0, "randomised", by_arm.size())
        visits = tables["visits"]
        at_visit = visits[visits["visit"] == plan.visit].groupby("arm", observed=True)
        found["mean_infusions_given"] = by_arm["infusions_given"].mean()
        found[f"mean_{plan.endpoint}"] = at_visit[plan.endpoint].mean()
        return found.rename_axis("arm").rename_axis(columns=None).reset_index()


def simulate(
    scenario: Study | str | Path, seed: int = 2016, replicate: int = 0, engine: Engine = "auto"
) -> SimulatedTrial:
    """Simulate one trial, from screening to scores.

    The same scenario, seed and replicate give a bit-identical trial, alone or among thousands,
    on any engine that can run it.

    Raises
    ------
    RecruitmentError
        If recruitment can never finish.
    InputError
        If the study is a programme of several trials, the engine is unknown, or the vector engine
        is asked to run what couples patients.
    ValueError
        If the seed or the replicate is negative.
    """
    scenario = load_study(scenario)
    return SimulatedTrial(
        simulate_batch(
            single_trial(scenario), Streams(seed, range(replicate, replicate + 1)), engine
        )
    )
