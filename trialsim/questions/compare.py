"""The same patients under two studies: those randomised in both, side by side."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trialsim.errors import InputError, Problem
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.programme import Study, single_trial
from trialsim.scenario.scenario import ABOUT, Scenario
from trialsim.scenario.validation.paths import changed_paths, part_at
from trialsim.shown import Shown
from trialsim.simulated import simulate
from trialsim.trial.trial import Engine

if TYPE_CHECKING:
    from pandas import DataFrame

_OF_SUBJECTS: Final = (
    "arm",
    "site",
    "randomised_minute",
    "randomised_day",
    "infusions_given",
    "study_drug_received_ml",
)
_OF_DISPOSITION: Final = ("status", "ended_day")


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Shown):
    """Two studies under one seed; who presents is the same person in both."""

    a: Scenario
    b: Scenario
    seed: int
    engine: Engine = "auto"

    def to_frame(self) -> "DataFrame":
        """Return a row for each value that differs: path, a, b; null where one has none."""
        from pandas import DataFrame

        a, b = (one.model_dump(mode="json", exclude=set(ABOUT)) for one in (self.a, self.b))
        rows = [(path, part_at(a, path), part_at(b, path)) for path in changed_paths(a, b)]
        return DataFrame(rows, columns=["path", "a", "b"])

    def patients(self, replicate: int = 0) -> "DataFrame":
        """Return those randomised in both studies, a row for each, by screening number.

        Columns of the one end in `_a`, of the other in `_b`: subject number, arm, site, time of
        randomisation, infusions given, study drug received, disposition, and the score of every
        outcome at every visit, null where not measured. A candidate is the same person as long as
        the studies agree on how people arrive; the numbers of subjects may differ.

        Raises
        ------
        InputError
            If the seed or the replicate is out of range, or the engine cannot run a study.
        RunError
            If one of the trials cannot be finished.
        """
        limits = {"seed": (self.seed, 64), "replicate": (replicate, 63)}
        problems = [
            Problem(name, f"must lie in 0 to 2**{bits} - 1", str(value))
            for name, (value, bits) in limits.items()
            if not 0 <= value < 2**bits
        ]
        if problems:
            raise InputError(problems)
        a, b = (_patients_of(one, self.seed, replicate, self.engine) for one in (self.a, self.b))
        both = a.add_suffix("_a").join(b.add_suffix("_b"), how="inner")
        names = dict.fromkeys([*a.columns, *b.columns])
        paired = [f"{name}_{study}" for name in names for study in "ab"]
        return both[[name for name in paired if name in both.columns]]


def compare(
    a: Study | str | Path, b: Study | str | Path, seed: int = 2016, engine: Engine = "auto"
) -> Comparison:
    """Set two studies side by side under one seed, to look at the same patients in both.

    >>> import trialsim as ts
    >>> cars1 = ts.load("cars1")
    >>> larger = ts.compare(cars1, cars1.replace({"design.patients": 300}), seed=2016)
    >>> patients = larger.patients(replicate=3)
    >>> len(patients), bool((patients["arat_day_90_a"] == patients["arat_day_90_b"]).any())
    (208, True)
    """
    return Comparison(single_trial(load_study(a)), single_trial(load_study(b)), seed, engine)


def _patients_of(scenario: Scenario, seed: int, replicate: int, engine: Engine) -> "DataFrame":
    """Return the patients of one study by screening number."""
    tables = simulate(scenario, seed, replicate, engine).tables()
    subjects, visits = tables["subjects"], tables["visits"]
    found = subjects.set_index("subject")[["screening_number", *_OF_SUBJECTS]]
    found = found.join(tables["disposition"].set_index("subject")[list(_OF_DISPOSITION)])
    outcomes = visits.columns[list(visits.columns).index("status") + 1 :]
    for outcome in outcomes:
        scores = visits.pivot(index="subject", columns="visit", values=outcome)
        found = found.join(scores[list(scenario.design.visits)].add_prefix(f"{outcome}_"))
    return found.reset_index().set_index("screening_number")
