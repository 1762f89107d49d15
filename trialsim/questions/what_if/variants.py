"""The variants that a what-if compares with its base, all of them valid before anything runs."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np

from trialsim.arrays import Floats
from trialsim.errors import InputError, Problem
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.programme import Study, differences, value_at
from trialsim.scenario.validation.problems import as_written
from trialsim.streams import Streams

How = Literal["one_at_a_time", "grid", "latin_hypercube"]
"""Each value alone, every combination of values, or points spread evenly over ranges."""
BASE = "base"
MOST_ALTERNATIVES: Final = 10_000
"""Combinations of a grid, or points of a hypercube: each has a study of its own."""


class Variant(NamedTuple):
    """One variant of the base: what it is called, what differs, and the whole study."""

    name: str
    changes: Mapping[str, Any]
    """Path and value of what differs from the base; None for what is gone."""
    scenario: Study


def alternatives(
    base: Study,
    changes: Mapping[str, object] | None = None,
    how: How = "one_at_a_time",
    variants: Sequence[Study | str | Path] = (),
    points: int = 16,
    seed: int = 2016,
) -> tuple[Variant, ...]:
    """Return the base, the variants that the changes describe, then those that are named.

    Parameters
    ----------
    changes
        The values that each path takes; for a Latin hypercube the range (low, high) of each path,
        whole numbers where the scenario's value is whole.
    variants
        Other scenarios, or their names or files.
    points
        Variants of a Latin hypercube (McKay, Beckman and Conover 1979, Technometrics 21:239): each
        path has one value in each of so many equal parts of its range.

    Raises
    ------
    InputError
        With every path that does not exist, every value out of range and every unknown variant.
    """
    asked = {path: _listed(values) for path, values in (changes or {}).items()}
    problems = list(_misshapen(base, asked, how, variants, points))
    found = [Variant(BASE, {}, base)]
    if not problems:
        found += _changed(base, _combinations(base, asked, how, points, seed), problems)
    if problems:  # nothing will run; now every value alone, so that no problem hides another
        wrong = {problem.path for problem in problems}
        alone = {path: values for path, values in asked.items() if path not in wrong}
        _changed(base, _one_at_a_time(alone), problems)
    found += _loaded(base, variants, problems)
    if problems:
        raise InputError(problems)
    return tuple(found)


def spread_evenly(path: str, points: int, seed: int) -> Floats:
    """Return one number in each of `points` equal parts of (0, 1), in a random order.

    A path's numbers do not depend on which other paths vary.

    >>> (spread_evenly("design.patients", 4, seed=1) * 4).astype(int).tolist()
    [0, 2, 1, 3]
    """
    order, place = (
        Streams(seed, range(1)).uniform(f"latin hypercube {path}", points, draw)[0]
        for draw in range(2)
    )
    spread: Floats = (order.argsort().argsort() + place) / points
    return spread


def _changed(
    base: Study, combinations: Iterable[Mapping[str, Any]], problems: list[Problem]
) -> list[Variant]:
    """Return the base with each combination of changes, and note the problems of the others."""
    found = []
    for changes in combinations:
        try:
            found.append(Variant(_said(changes), changes, base.replace(changes)))
        except InputError as error:
            problems += [one for one in error.problems if one not in problems]
    return found


def _loaded(
    base: Study, variants: Sequence[Study | str | Path], problems: list[Problem]
) -> list[Variant]:
    """Return the variants, and note the problems of those that cannot be loaded."""
    found = []
    for place, variant in enumerate(variants):
        if not isinstance(variant, Study | str | Path):
            rule = "must be a scenario, the name of one or the path of its file"
            problems.append(Problem(f"variants.{place}", rule, as_written(variant)))
            continue
        try:
            scenario = variant if isinstance(variant, Study) else load_study(variant)
            found.append(Variant(scenario.name, differences(base, scenario), scenario))
        except InputError as error:
            problems += error.problems
    return found


def _listed(values: Any) -> Any:
    """Return a tuple, a range or an array as a list of plain values."""
    if isinstance(values, np.ndarray):
        return values.tolist()
    return list(values) if isinstance(values, tuple | range) else values


def _misshapen(
    base: Study,
    changes: Mapping[str, Any],
    how: How,
    variants: Sequence[Study | str | Path],
    points: int,
) -> Iterator[Problem]:
    """Yield what is wrong before a value is tried."""
    if how not in get_args(How):
        yield Problem("how", f"must be one of {', '.join(get_args(How))}", as_written(how))
    if not changes and not variants:
        yield Problem("changes", "must name a path and its values, if there are no variants")
    if not 1 <= points <= MOST_ALTERNATIVES:
        yield Problem("points", f"must be 1 to {MOST_ALTERNATIVES:,}", as_written(points))
    for path, values in changes.items():
        if not isinstance(values, list) or not values:
            yield Problem(path, "must be given a list of values", as_written(values))
        elif how == "latin_hypercube":
            yield from _no_range(path, values, value_at(base, path))
    lists = [values for values in changes.values() if isinstance(values, list)]
    if how == "grid" and (count := math.prod(map(len, lists))) > MOST_ALTERNATIVES:
        rule = f"must give at most {MOST_ALTERNATIVES:,} combinations"
        yield Problem("changes", rule, f"{count:,}")


def _no_range(path: str, values: Sequence[Any], current: Any) -> Iterator[Problem]:
    if any(not _is_number(value) for value in values) or len(values) != 2:
        yield Problem(path, "must be given a range, two numbers", as_written(str(values)))
    elif not values[0] < values[1]:
        yield Problem(
            path, "must be given a range whose low is below its high", as_written(str(values))
        )
    elif current is not None and not _is_number(current):
        yield Problem(path, "must be a number in the scenario to vary over a range")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _combinations(
    base: Study, changes: Mapping[str, Sequence[Any]], how: How, points: int, seed: int
) -> list[dict[str, Any]]:
    """Return the changes of each variant, path by path."""
    if how == "one_at_a_time":
        return _one_at_a_time(changes)
    if how == "grid":
        every = product(*changes.values()) if changes else []
        return [dict(zip(changes, values, strict=True)) for values in every]
    spread = {
        path: _over_range(low, high, spread_evenly(path, points, seed), value_at(base, path))
        for path, (low, high) in changes.items()
    }
    return [
        {path: spread[path][point] for path in spread} for point in range(points if spread else 0)
    ]


def _one_at_a_time(changes: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [{path: value} for path, values in changes.items() for value in values]


def _over_range(low: float, high: float, shares: Floats, current: Any) -> list[float] | list[int]:
    """Return the values at shares of a range; whole ones, all alike, unless a fraction stands."""
    if isinstance(current, float) or not (float(low).is_integer() and float(high).is_integer()):
        fractions: list[float] = (low + (high - low) * shares).tolist()
        return fractions
    whole: list[int] = np.floor(low + (high - low + 1) * shares).astype(int).tolist()
    return whole


def _said(changes: Mapping[str, Any]) -> str:
    """Return changes as one writes them on the command line."""
    return ", ".join(f"{path}={value_on_a_line(value)}" for path, value in changes.items())


def value_on_a_line(value: Any) -> str:
    """Return a value as YAML has it on one line, so that two variants have two names.

    >>> value_on_a_line({"distribution": "constant", "value": 0.12})
    '{distribution: constant, value: 0.12}'
    >>> value_on_a_line(["site", None])
    '[site, null]'
    """
    if isinstance(value, Mapping):
        return (
            "{"
            + ", ".join(f"{name}: {value_on_a_line(part)}" for name, part in value.items())
            + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(value_on_a_line, value)) + "]"
    return f"{value:.6g}" if isinstance(value, float) else as_written(value)
