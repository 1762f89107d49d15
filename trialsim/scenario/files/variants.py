"""What a variant means where it says little: its name, an empty section, a visit among others."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trialsim.errors import Problem
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.expected import holds_entries
from trialsim.scenario.validation.problems import schema_of


def name_of_file(stem: str) -> str:
    """Return the name of a study whose file is so called and gives none.

    >>> name_of_file("Late-2"), name_of_file("my study"), name_of_file("2016 plan")
    ('late_2', 'my_study', 'study_2016_plan')
    """
    name = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")[:90]
    return name if re.match(r"[a-z]", name) else f"study_{name}".rstrip("_")


def emptied(own: Mapping[Any, Any], base: Mapping[Any, Any]) -> Iterator[Problem]:
    """Yield each section of a variant that is left empty and would take all its entries away.

    As it stands in a file whose lines below it are commented out.
    """
    yield from _emptied(own, base, ())


def _emptied(own: Any, base: Any, above: tuple[str, ...]) -> Iterator[Problem]:
    for key, part in own.items():
        old, location = base.get(key), (*above, str(key))
        if not isinstance(old, Mapping) or not old:
            continue
        if isinstance(part, Mapping):
            yield from _emptied(part, old, location)
        elif part is None and holds_entries(location, schema_of(Scenario)):
            entries = ", ".join(map(str, old))
            rule = f"must not be left empty: to remove one of {entries}, write its name with null"
            yield Problem(".".join(location), rule)


def with_visits_in_order(content: dict[Any, Any], base: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return content in which the visits that a variant adds stand where their days put them.

    >>> visits = {"baseline": {"day": 0}, "day_90": {"day": 90}}
    >>> more = {"design": {"visits": {**visits, "day_30": {"day": 30}}}}
    >>> list(with_visits_in_order(more, {"design": {"visits": visits}})["design"]["visits"])
    ['baseline', 'day_30', 'day_90']
    """
    design, old = content.get("design"), base.get("design")
    if not isinstance(design, Mapping) or not isinstance(old, Mapping):
        return content
    visits, known = design.get("visits"), old.get("visits")
    if not isinstance(visits, Mapping) or not isinstance(known, Mapping):
        return content
    order = [name for name in visits if name in known]
    for name in visits:
        if name not in known:
            later = (place for place, one in enumerate(order) if _later(visits[one], visits[name]))
            order.insert(next(later, len(order)), name)
    return {**content, "design": {**design, "visits": {name: visits[name] for name in order}}}


def with_moments_of_its_own(content: dict[Any, Any], own: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return content in which a look that a variant moves is at the variant's moment alone.

    A moment is said in one of several ways: another way takes the place of that of the base.

    >>> merged = {"monitoring": {"looks": {"first": {"when": {"known": 0.5, "day": 300}}}}}
    >>> own = {"monitoring": {"looks": {"first": {"when": {"day": 300}}}}}
    >>> with_moments_of_its_own(merged, own)["monitoring"]["looks"]
    {'first': {'when': {'day': 300}}}
    """
    monitoring = own.get("monitoring")
    looks = monitoring.get("looks") if isinstance(monitoring, Mapping) else None
    for name, look in looks.items() if isinstance(looks, Mapping) else ():
        when = look.get("when") if isinstance(look, Mapping) else None
        if isinstance(when, Mapping):
            whole = content["monitoring"]
            moved = {**whole["looks"], name: {**whole["looks"][name], "when": dict(when)}}
            content = {**content, "monitoring": {**whole, "looks": moved}}
    return content


def _later(visit: Any, other: Any) -> bool:
    """Return whether a visit is on a later day than another, as far as both say a day."""
    if not isinstance(visit, Mapping) or not isinstance(other, Mapping):
        return False
    day, before = visit.get("day"), other.get("day")
    return isinstance(day, int) and isinstance(before, int) and day > before
