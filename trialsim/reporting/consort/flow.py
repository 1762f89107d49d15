"""The participant flow of one trial, or of many: what the CONSORT diagram says, as data.

Every number is counted in the tables, replicate by replicate; of many trials it is the mean with
the range that holds the central 95% of them.
"""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from pandas import DataFrame

from trialsim.analysis.primary import analyse_primary
from trialsim.arrays import Booleans, Integers
from trialsim.datasets import CAP, PATIENT
from trialsim.datasets import tables as tables_of
from trialsim.reporting.consort.account import DISPOSITIONS, dispositions
from trialsim.scenario.patients.eligibility import Rule
from trialsim.scenario.scenario import Scenario
from trialsim.trial.trial import Trial

CENTRAL: Final = (0.025, 0.975)
"""The quantiles over trials between which a range lies."""


class Count(NamedTuple):
    """A number of people over trials; of a single trial all three are that number."""

    mean: float
    low: float
    high: float


class Entry(NamedTuple):
    """A line of the diagram, and the lines that stand below it."""

    label: str
    people: Count | None
    """None for an arm that is not in the primary analysis."""
    parts: tuple["Entry", ...] = ()
    """They add up to it."""


class ArmFlow(NamedTuple):
    """What became of the patients of one arm."""

    arm: str
    allocation: Entry
    follow_up: tuple[Entry, ...]
    analysis: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """The participant flow in the order of CONSORT: enrolment, allocation, follow-up, analysis."""

    replicates: int
    assessed: Entry
    in_screening: Entry | None
    """None where there is nobody, as in all tables that were not cut."""
    excluded: Entry
    randomised: Entry
    arms: tuple[ArmFlow, ...]

    def to_frame(self) -> DataFrame:
        """Return a row for each line: stage, arm, level, label and numbers."""
        return DataFrame(list(self._rows()))

    def _rows(self) -> Iterator[dict[str, Any]]:
        for entry in (self.assessed, self.in_screening, self.excluded, self.randomised):
            if entry is not None:
                yield from _lines("enrolment", None, entry, 0)
        for one in self.arms:
            yield from _lines("allocation", one.arm, one.allocation, 0)
            for stage, entries in (("follow-up", one.follow_up), ("analysis", one.analysis)):
                for entry in entries:
                    yield from _lines(stage, one.arm, entry, 0)


def flow_of(trial: Trial, tables: Mapping[str, DataFrame] | None = None) -> Flow:
    """Return the participant flow of a batch of replicates, with its primary analysis.

    Parameters
    ----------
    tables
        Those of the batch where they are there already.
    """
    found = analyse_primary(trial, trial.scenario.analysis)
    plan = trial.scenario.analysis
    analysed = {plan.treated: found.treated, plan.control: found.control}
    return trial_flow(tables or tables_of(trial), trial.scenario, analysed)


def trial_flow(
    tables: Mapping[str, DataFrame], scenario: Scenario, analysed: Mapping[str, Integers]
) -> Flow:
    """Return the participant flow of all the replicates in the tables.

    Parameters
    ----------
    analysed
        Patients in the primary analysis of each arm that is in it, shape (replicate,).
    """
    screening, subjects = tables["screening"], tables["subjects"]
    replicates = np.unique(screening["replicate"])
    candidates, patients = _Counter(screening, replicates), _Counter(subjects, replicates)
    who, untreated = dispositions(tables), _untreated(tables)

    def flow(arm: str, label: str) -> ArmFlow:
        inside = patients.among(subjects["arm"] == arm)
        after = _follow_up(inside, who), _analysis(inside.of(), analysed.get(arm))
        return ArmFlow(arm, _allocation(label, inside, untreated), *after)

    outcome = screening["outcome"]
    waiting = candidates.entry("In screening", outcome == "in screening")
    return Flow(
        replicates=len(replicates),
        assessed=candidates.entry("Assessed for eligibility", outcome.notna()),
        in_screening=next(_happened(waiting), None),
        excluded=_excluded(candidates, screening["reason"], scenario),
        randomised=candidates.entry("Randomised", outcome == "randomised"),
        arms=tuple(flow(arm, one.label) for arm, one in scenario.design.arms.items()),
    )


class _Counter:
    """Counts rows of a table in each replicate."""

    def __init__(self, table: DataFrame, replicates: Integers, counted: Any = True) -> None:
        self._place = np.searchsorted(replicates, table["replicate"].to_numpy())
        self._replicates = len(replicates)
        self._counted = np.broadcast_to(counted, self._place.shape)

    def among(self, counted: Any) -> "_Counter":
        """Return a counter of some of the rows alone."""
        one = copy(self)
        one._counted = self._counted & np.asarray(counted, np.bool_)
        return one

    def of(self, those: Any = True) -> Integers:
        """Return how many of the rows are meant, shape (replicate,)."""
        chosen = self._counted & np.asarray(those, np.bool_)
        return np.bincount(self._place[chosen], minlength=self._replicates)

    def entry(self, label: str, those: Any = True, *parts: Entry) -> Entry:
        """Return a line that counts rows; parts that never happen are left out."""
        return _entry(label, self.of(those), *parts)


def _untreated(tables: Mapping[str, DataFrame]) -> dict[str, Booleans]:
    """Return who received no infusion, by what became of the first one."""
    subjects, infusions = tables["subjects"], tables["infusions"]
    first = infusions.loc[infusions["infusion"] == 1, [*PATIENT, "status"]]
    status = subjects[PATIENT].merge(first, on=PATIENT, how="left")["status"]
    none = (subjects["infusions_given"] == 0).to_numpy()
    return {name: none & (status == name).to_numpy() for name in status.cat.categories}


def _allocation(label: str, patients: _Counter, untreated: Mapping[str, Booleans]) -> Entry:
    none = np.logical_or.reduce(list(untreated.values()))
    reasons = [patients.entry(_sentence(name), those) for name, those in untreated.items()]
    return patients.entry(
        f"Allocated to {label}",
        True,
        patients.entry("Received at least one infusion", ~none),
        patients.entry("Received no infusion", none, *reasons),
    )


def _follow_up(patients: _Counter, who: Mapping[str, Booleans]) -> tuple[Entry, ...]:
    return (
        patients.entry(
            "Lost to follow-up",
            who["withdrawn"] | who["lost"],
            patients.entry("Withdrew", who["withdrawn"]),
            patients.entry("Missed the last visit", who["lost"]),
        ),
        *_happened(patients.entry("Died", who["died"])),
        patients.entry(
            "Discontinued the infusions",
            who["discontinued"],
            *_reasons(patients, who),
        ),
        *_happened(
            *(patients.entry(label, who[name]) for name, label in _BEGUN.items() if name in who)
        ),
        *_happened(patients.entry("Still in the trial", who["ongoing"])),
        patients.entry("Attended the last visit", who["completed"]),
    )


def _reasons(patients: _Counter, who: Mapping[str, Booleans]) -> Iterator[Entry]:
    """Yield why infusions were discontinued, in a study that tells it."""
    if "discontinued_for_drug" in who:
        for_drug = who["discontinued_for_drug"]
        yield patients.entry("Because of the drug", for_drug)
        yield patients.entry("For another reason", who["discontinued"] & ~for_drug)


_BEGUN: Final = {name: DISPOSITIONS[name] for name in ("rescued", "switched")}


def _entry(label: str, numbers: Integers, *parts: Entry) -> Entry:
    low, high = np.quantile(numbers, CENTRAL, method="inverted_cdf").tolist()
    count = Count(float(numbers.mean()), float(low), float(high))
    return Entry(label, count, tuple(_happened(*parts)))


def _happened(*entries: Entry) -> Iterator[Entry]:
    """Yield the entries of what happened to anybody."""
    return (entry for entry in entries if entry.people and entry.people.mean)


def _excluded(candidates: _Counter, reason: "pd.Series[Any]", scenario: Scenario) -> Entry:
    """Return who was not randomised, by the first reason, the commonest first."""
    eligibility = scenario.eligibility
    capped = {f"{CAP}{name}": cap.in_words() for name, cap in scenario.design.caps.items()}
    groups = {
        "Inclusion criterion not met": _labels(eligibility.inclusion),
        "Exclusion criterion met": _labels(eligibility.exclusion),
        "Other reasons": {
            name: capped.get(name, _sentence(name))
            for name in reason.cat.categories
            if name not in eligibility.rules
        },
    }

    def part(label: str, labels: Mapping[str, str]) -> Entry:
        below = [candidates.entry(one, reason == name) for name, one in labels.items()]
        below.sort(key=lambda entry: -entry.people.mean if entry.people else 0)
        return candidates.entry(label, reason.isin(list(labels)), *below)

    parts = [part(label, labels) for label, labels in groups.items()]
    return candidates.entry("Excluded", reason.notna(), *parts)


def _labels(rules: Mapping[str, Rule]) -> dict[str, str]:
    return {name: rule.label for name, rule in rules.items()}


def _analysis(allocated: Integers, analysed: Integers | None) -> tuple[Entry, ...]:
    if analysed is None:
        return (Entry("Not in the primary analysis", None),)
    return (
        _entry("Analysed for the primary outcome", analysed),
        _entry("Excluded from the analysis", allocated - analysed),
    )


def _lines(stage: str, arm: str | None, entry: Entry, level: int) -> Iterator[dict[str, Any]]:
    numbers = entry.people or Count(*[float("nan")] * 3)
    yield {
        "stage": stage,
        "arm": arm,
        "level": level,
        "label": entry.label,
        **numbers._asdict(),
    }
    for part in entry.parts:
        yield from _lines(stage, arm, part, level + 1)


def _sentence(name: str) -> str:
    """Return a name as words that begin with a capital."""
    return name.replace("_", " ").capitalize()
