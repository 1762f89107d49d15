"""One replicate of a programme: its trials, whole, and what they say together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import endpoint
from trialsim.analysis.pooled import TrialEffect, pool, trial_effect
from trialsim.replicates.programmes import trial_seed
from trialsim.replicates.result import SIMULATED
from trialsim.scenario.plan.choices import Quantity
from trialsim.scenario.plan.pooled_analysis import PooledAnalysis
from trialsim.scenario.programme import Programme
from trialsim.scenario.words.plan import plan_in_words
from trialsim.simulated import SimulatedTrial, simulate
from trialsim.trial.trial import Engine

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, slots=True)
class SimulatedProgramme:
    """The trials of one replicate, and the effect of each on the scale of the pooled one."""

    programme: Programme
    seed: int
    replicate: int
    trials: Mapping[str, SimulatedTrial]
    effects: Mapping[str, TrialEffect]
    """On the scale on which trials are pooled: of win odds the logarithm."""

    @property
    def quantity(self) -> Quantity:
        """What is estimated."""
        return self.programme.analysis.quantity

    def tables(self) -> "dict[str, DataFrame]":
        """Return the tables of all trials under one another, the trial's name in front."""
        from pandas import concat

        each = {name: trial.tables() for name, trial in self.trials.items()}
        return {
            table: concat({name: tables[table] for name, tables in each.items()}, names=["trial"])
            .reset_index(level="trial")
            .reset_index(drop=True)
            for table in next(iter(each.values()))
        }

    def to_frame(self) -> "DataFrame":
        """Return a row for each trial and one for all: trial, estimate, low, high, analysed.

        The interval of a trial is normal, with the variance that pools it.
        """
        from pandas import DataFrame

        alone = self.programme.analysis.model_copy(
            update={"pooling": "fixed", "heterogeneity": None, "reference": None}
        )
        rows = [self._row(name, [name], alone) for name in self.effects]
        return DataFrame([*rows, self._row("pooled", self.effects, self.programme.analysis)])

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        pooled = pool(self.effects.values(), self.programme.analysis)._asdict()
        return {
            "scenario": self.programme.name,
            "digest": self.programme.digest,
            "seed": self.seed,
            "replicate": self.replicate,
            "quantity": self.quantity.name,
            **{name: float(value[0]) for name, value in pooled.items()},
            "rejected": bool(pooled["rejected"][0]),
            "trials": self.to_frame().to_dict("records")[:-1],
            "conventions": plan_in_words(self.programme.analysis),
            "note": SIMULATED,
        }

    def _row(self, name: str, trials: Iterable[str], how: PooledAnalysis) -> dict[str, Any]:
        """Return what some trials say together, and how many of their patients are analysed."""
        trials = list(trials)
        found = pool([self.effects[one] for one in trials], how)._asdict()
        ends = {what: float(found[what][0]) for what in ("estimate", "low", "high")}
        batches = [self.trials[one].batch for one in trials]
        analysed = [endpoint(one, one.scenario.analysis).analysed for one in batches]
        return {"trial": name, **ends, "analysed": sum(map(int, map(np.count_nonzero, analysed)))}


def simulate_programme(
    programme: Programme, seed: int, replicate: int = 0, engine: Engine = "auto"
) -> SimulatedProgramme:
    """Simulate one replicate of a programme, the same that is among those of its power.

    Raises
    ------
    RecruitmentError
        If recruitment of a trial can never finish.
    InputError
        If the engine is unknown, or the vector engine is asked to run what couples patients.

    >>> import trialsim as ts
    >>> found = simulate_programme(ts.load("cars_pooled"), seed=2016)
    >>> list(found.trials), len(found.to_frame())
    (['cars1', 'cars2'], 3)
    """
    trials = {
        name: simulate(trial, trial_seed(seed, name), replicate, engine)
        for name, trial in programme.scaled_trials.items()
    }
    effects = {
        name: trial_effect(Data(trial.batch, trial.scenario.analysis), programme.analysis)
        for name, trial in trials.items()
    }
    return SimulatedProgramme(programme, seed, replicate, trials, effects)
