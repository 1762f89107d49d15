"""The page of a grid of designs: a slider for each path, and what the design under them does.

All is in one table, which stands on the page: the script only looks up the row that the sliders
choose, so that no number is computed in the browser, and without script the table is read.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import inf
from typing import Final, NamedTuple

from trialsim.errors import InputError, Problem
from trialsim.questions.what_if.variants import value_on_a_line
from trialsim.questions.what_if.what_if import Row, WhatIf
from trialsim.replicates.versions import versions_here
from trialsim.reporting.tables.page import error, number, rendered
from trialsim.scenario.programme import trials_of, value_at
from trialsim.scenario.words.labels import label_of
from trialsim.scenario.words.values import counted
from trialsim.stats.monte_carlo import Mean, PairedDifference, Proportion

_LABELS: Final = {
    "randomised": "Patients randomised, mean",
    "duration_days": "Duration in days, mean",
    "screened": "Candidates screened, mean",
}


class Slider(NamedTuple):
    """A path, and the values between which one chooses."""

    path: str
    label: str
    values: Sequence[str]
    start: int
    """The place of the value of the base, or of the middle one if the base has another."""


class Measure(NamedTuple):
    """What is shown of a design, with its Monte Carlo error."""

    label: str
    value: str
    mcse: str = ""
    interval: str = ""


class Design(NamedTuple):
    """A row of the table: the values of the paths, and what the design does."""

    values: Sequence[str]
    measures: Sequence[Measure]

    @property
    def cells(self) -> Iterator[str]:
        """What stands in the columns of the table."""
        yield from self.values
        for measure in self.measures:
            yield from filter(None, measure[1:])


def explorer_page(result: WhatIf, command: str) -> str:
    """Return the page of a what-if over a grid, in one file that needs no network.

    Raises
    ------
    InputError
        If the what-if is none over every combination of values, or the extra `report` is not
        installed.
    """
    base, *others = result.rows
    grid = {_values_of(row, result.paths): row for row in others}
    sliders = [_slider(path, place, list(grid), base) for place, path in enumerate(result.paths)]
    every = list(product(*(slider.values for slider in sliders)))
    if not sliders or set(every) != grid.keys():
        rule = "must be a what-if over every combination of the values of its paths"
        raise InputError([Problem("result", rule)])
    failed = sum(row.failed for row in result.rows)
    content = {
        "title": base.scenario.title,
        "result": result,
        "sliders": sliders,
        "base": Design(_values_of(base, result.paths), list(_measures(base))),
        "designs": [Design(values, list(_measures(grid[values]))) for values in every],
        "failed": f"{counted(failed, 'replicates')} could not be finished" if failed else "",
        "command": command,
        "versions": versions_here(),
    }
    return rendered("explorer.html", content)


def _values_of(row: Row, paths: Sequence[str]) -> tuple[str, ...]:
    """Return the values that paths have in a design, each as one writes it."""
    return tuple(value_on_a_line(value_at(row.scenario, path)) for path in paths)


def _slider(path: str, place: int, grid: Sequence[Sequence[str]], base: Row) -> Slider:
    values = sorted(dict.fromkeys(values[place] for values in grid), key=_rank)
    (own,) = _values_of(base, [path])
    start = values.index(own) if own in values else len(values) // 2
    return Slider(path, label_of(path, base.scenario), values, start)


def _rank(value: str) -> float:
    """Return where a value stands among numbers; what is none stands last, as it was given.

    >>> sorted(["300", "none", "80.5"], key=_rank)
    ['80.5', '300', 'none']
    """
    try:
        return float(value)
    except ValueError:
        return inf


def _measures(row: Row) -> Iterator[Measure]:
    """Yield what is shown of a design, the power first."""
    yield _measure("Power", row.power, 4)
    yield _measure("Difference from the base", row.difference, 4, "+")
    if "randomised" not in row.means:
        planned = sum(trial.design.patients for trial in trials_of(row.scenario).values())
        yield Measure("Patients planned", f"{planned:,}")
    for name, label in _LABELS.items():
        if name in row.means:
            yield _measure(label, row.means[name], 1)


def _measure(
    label: str, found: Mean | PairedDifference | Proportion, digits: int, sign: str = ""
) -> Measure:
    value = number(float(found.estimate), digits, sign=sign).text
    mcse = error(float(found.mcse), digits).text
    if isinstance(found, Mean):
        return Measure(label, value, mcse)
    ends = (number(float(end), digits, sign=sign).text for end in (found.low, found.high))
    return Measure(label, value, mcse, " to ".join(ends))
