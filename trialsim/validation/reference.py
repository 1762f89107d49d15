"""Performance qualification: whether the package meets other software and publications.

Of each case the value is shown that takes most of its tolerance.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final, NamedTuple

import numpy as np

from trialsim.validation.cases import Case, cases
from trialsim.validation.checks import Check
from trialsim.validation.computed import (
    dose_response,
    means,
    planning,
    ranks,
    sequential,
    several,
    times,
)

Given = dict[str, Any]

FOUND: Final[Mapping[str, Callable[[Given], Given]]] = {
    **ranks.FOUND,
    **means.FOUND,
    **planning.FOUND,
    **several.FOUND,
    **sequential.FOUND,
    **times.FOUND,
    **dose_response.FOUND,
}
"""The computation of each kind of case, by how its name begins; the longest that fits counts."""


class Value(NamedTuple):
    """One value of a case, or several of a kind, as they were expected and found."""

    name: str
    expected: Any
    found: Any
    share: float
    """How much of its tolerance the deviation takes; beyond 1 it is not met."""


def computation(case: Case) -> Callable[[Given], Given] | None:
    """Return what computes a case, None where another program's definition has no counterpart."""
    fitting = [start for start in FOUND if f"{case.name}.".startswith(start)]
    return FOUND[max(fitting, key=len)] if fitting else None


def reference_checks() -> Iterator[Check]:
    """Yield a check for each case that can be computed, and how many others a topic has."""
    for topic, of_topic in groupby(cases(), key=lambda case: case.topic):
        others = 0
        for case in of_topic:
            compute = computation(case)
            if compute is not None:
                yield checked(case, compute)
            else:
                others += 1
        if others:
            yield _not_computed(topic, others)


def _not_computed(topic: str, count: int) -> Check:
    what = "Cases that are not computed here"
    return Check("reference", topic, what, "", str(count), "not checked", topic)


def checked(case: Case, compute: Callable[[Given], Given]) -> Check:
    """Return whether every value of a case that is computed is met."""
    values = list(values_of(compute(dict(case.inputs)), case.expected, case.tolerance))
    worst = max(values, key=lambda value: value.share)
    name = worst.name.removeprefix(".")
    return Check(
        part="reference",
        name=case.name,
        what=f"{case.title} ({len(values)} value{'s' * (len(values) > 1)})",
        expected=f"{name} = {_short(worst.expected)}",
        found=_short(worst.found),
        outcome="pass" if worst.share <= 1 else "fail",
        topic=case.topic,
        source=case.source,
    )


def values_of(
    found: Any, expected: Any, tolerance: Mapping[str, Any], name: str = ""
) -> Iterator[Value]:
    """Yield what was found beside what was expected, where both are numbers.

    >>> [one.share for one in values_of({"p": 0.31}, {"p": 0.3, "q": 1}, {"abs": 0.02})]
    [0.5...]
    """
    if isinstance(expected, Mapping):
        for key in [key for key in expected if key in found]:
            within = tolerance.get(key, tolerance)
            yield from values_of(found[key], expected[key], within, f"{name}.{key}")
        return
    theirs = _numbers(expected)
    if theirs is None:
        return
    mine = np.asarray(found, float)
    yield Value(name, theirs, mine, _share(mine, theirs, tolerance))


def _numbers(expected: Any) -> Any:
    """Return expected numbers; None where the other program gave none."""
    try:
        numbers = np.asarray(expected, float)
    except ValueError:
        return None
    return None if np.isnan(numbers).any() else numbers


def _share(mine: Any, theirs: Any, tolerance: Mapping[str, Any]) -> float:
    """Return the largest deviation as a share of what is allowed."""
    if mine.shape != theirs.shape:
        return float("inf")
    if not mine.size:
        return 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.abs(mine - theirs)
        allowed = tolerance.get("abs", 0) + tolerance.get("rel", 0) * np.abs(theirs)
        share = np.where(mine == theirs, 0.0, away / allowed)
    return float(np.nan_to_num(share, nan=np.inf, posinf=np.inf).max())


def _short(value: Any) -> str:
    """Return numbers in ten digits; of many the first three."""
    flat = np.ravel(value)
    told = ", ".join(f"{one:.10g}" for one in flat[:3])
    return told if flat.size < 4 else f"{told}, ... ({flat.size} numbers)"
