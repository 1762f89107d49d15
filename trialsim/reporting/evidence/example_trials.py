"""A few trials of a run built again: typical, low and high, one of each verdict, stop and size."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from trialsim.arrays import Booleans
from trialsim.errors import RunError
from trialsim.replicates.monitoring.looks import REASONS, STOPS
from trialsim.replicates.monitoring.monitored import of_look
from trialsim.replicates.result import PowerResult
from trialsim.runs.directory import RunDirectory
from trialsim.runs.replay import replay
from trialsim.scenario.words.labels import in_words
from trialsim.simulated import SimulatedTrial

TOLD: Final = (
    "estimate",
    "low",
    "high",
    "p_value",
    "rejected",
    "treated_analysed",
    "control_analysed",
    "treated_mean",
    "control_mean",
    "screened",
    "duration_days",
    "infusions_given",
    "withdrawn",
    "died",
)
"""The numbers of an example that are reported."""


class Example(NamedTuple):
    """One trial of a run, and why it was chosen."""

    why: str
    replicate: int
    numbers: dict[str, float]
    """What the run kept of it."""
    trial: SimulatedTrial | None
    """The rebuilt trial, whose numbers are bit-identical; None where that was not possible."""
    problem: str | None
    """Why it was not."""

    def to_dict(self) -> dict[str, Any]:
        """Return the example as plain values, for JSON."""
        return {
            "why": self.why,
            "replicate": self.replicate,
            "rebuilt": self.trial is not None,
            "numbers": self.numbers,
        }


def examples(run: RunDirectory, result: PowerResult) -> tuple[Example, ...]:
    """Return examples of the trials of a run; none where no trial has an estimate."""
    return tuple(_rebuilt(run, result, why, number) for number, why in _chosen(result).items())


def _chosen(result: PowerResult) -> dict[int, str]:
    """Return the numbers of the replicates to show, and why each."""
    estimate, rejected = result.columns["estimate"], result.columns["rejected"]
    known = np.flatnonzero(np.isfinite(estimate))
    if not len(known):
        return {}
    wanted = {"a typical trial": 0.5, "a low estimate": 0.05, "a high estimate": 0.95}
    chosen: dict[int, str] = {}
    for why, share in wanted.items():
        chosen.setdefault(_at_quantile(estimate, known, share), why)
    for verdict, why in ((0, "a trial that does not reject"), (1, "a trial that rejects")):
        those = known[rejected[known] == verdict]
        if len(those) and not any(rejected[number] == verdict for number in chosen):
            chosen[_at_quantile(estimate, those, 0.5)] = why
    for why, which in (*_ends_at_looks(result), *_of_another_size(result)):
        those = known[which[known]]
        if len(those):
            chosen.setdefault(_at_quantile(estimate, those, 0.5), why)
    return chosen


def _ends_at_looks(result: PowerResult) -> Iterator[tuple[str, Booleans]]:
    """Yield each way in which a look can end a trial, and which trials ended so."""
    looks = result.looks
    if looks is None:
        return
    for look in looks.names:
        for reason, column in zip(REASONS, STOPS, strict=True):
            name = of_look(look, column)
            if name in result.columns:
                told = f"a trial stopped for {reason} at {in_words(look)}"
                yield told, result.columns[name] == 1


def _of_another_size(result: PowerResult) -> Iterator[tuple[str, Booleans]]:
    """Yield each verdict on a size that a look has enlarged or reduced, and which trials had it."""
    if result.looks is None or result.looks.re_estimated is None:
        return
    sizes, rejected = result.looks.re_estimated, result.columns["rejected"]
    for became, which in (
        ("enlarged", sizes.patients > sizes.plan.planned),
        ("reduced", sizes.patients < sizes.plan.planned),
    ):
        for verdict, told in ((1, "rejects"), (0, "does not reject")):
            why = f"a trial {became} at {in_words(sizes.plan.look)} that {told}"
            yield why, which & (rejected == verdict)


def _at_quantile(estimate: Any, among: Any, share: float) -> int:
    """Return the replicate, among some, whose estimate has that share of the others below it."""
    order = among[np.argsort(estimate[among], kind="stable")]
    return int(order[round(share * (len(order) - 1))])


def _rebuilt(run: RunDirectory, result: PowerResult, why: str, replicate: int) -> Example:
    numbers = {name: float(result.columns[name][replicate]) for name in TOLD}
    try:
        return Example(why, replicate, numbers, replay(run, replicate).trial, None)
    except RunError as error:
        return Example(why, replicate, numbers, None, str(error))
