"""Plain content, as a file holds it, and the dotted paths that find every value in it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

KIND_TAGS: Final = ("distribution", "model", "method", "rule", "scale", "procedure")
"""The keys whose value says which alternative a mapping describes."""
SCALES: Final = {"anchor": "value"}
"""The key that says on which scale a number stands, and the key of the number."""


def paths_of(content: Any, above: str = "") -> Iterator[str]:
    """Yield the dotted path of every value in plain content, and of everything above one.

    >>> list(paths_of({"design": {"patients": 208}}))
    ['design', 'design.patients']
    """
    if isinstance(content, Mapping):
        for key, part in content.items():
            path = below(above, key)
            yield path
            if isinstance(part, Mapping):
                yield from paths_of(part, path)


def has_path(content: Any, path: str) -> bool:
    """Return whether a path is among the paths of plain content.

    >>> has_path({"design": {"patients": 208}}, "design.patients"), has_path({2: 0.5}, "2")
    (True, True)
    """
    if not isinstance(content, Mapping):
        return False
    name, _, rest = path.partition(".")
    if name in content and (not rest or has_path(content[name], rest)):
        return True
    spelt = ((str(key), part) for key, part in content.items() if key != name)
    return any(  # of a key that is a number, or has a dot in it
        path == key or (path.startswith(f"{key}.") and has_path(part, path[len(key) + 1 :]))
        for key, part in spelt
    )


def changed_paths(old: Mapping[Any, Any], new: Mapping[Any, Any], above: str = "") -> Iterator[str]:
    """Yield the highest paths at which two contents differ, those that are gone among them.

    >>> list(changed_paths({"a": 1, "b": {"c": 2, "d": 3}}, {"a": 1, "b": {"c": 4}, "e": 5}))
    ['b.c', 'b.d', 'e']
    """
    for key in {**old, **new}:
        path, before, after = below(above, key), old.get(key), new.get(key)
        if before is after and key in old and key in new:
            continue
        if key not in old or key not in new:
            yield path
        elif _same_kind(before, after):
            yield from changed_paths(before, after, path)  # type: ignore[arg-type]
        elif before != after or isinstance(before, bool) != isinstance(after, bool):
            yield path


def laid_over(below: Mapping[Any, Any], above: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return one content merged into another, mapping by mapping.

    Null removes an entry that is a mapping; a distribution or model of another kind replaces the
    whole of the old one, and a number does not outlast the scale on which it stood.

    >>> laid_over({"a": {"b": 1, "c": 2}, "d": {"e": 3}}, {"a": {"b": 4}, "d": None})
    {'a': {'b': 4, 'c': 2}}
    """
    merged = dict(below)
    for key, part in above.items():
        old = below.get(key)
        if part is None and isinstance(old, Mapping):
            del merged[key]
        elif _same_kind(old, part):
            merged[key] = laid_over(old, part)  # type: ignore[arg-type]
        else:
            merged[key] = part
    for scale, number in SCALES.items():
        if below.get(scale) != merged.get(scale) and number in below and number not in above:
            del merged[number]
    return merged


def below(above: str, key: object) -> str:
    """Return the path of a key of the mapping at a path.

    >>> below("design", "patients"), below("", "design")
    ('design.patients', 'design')
    """
    return f"{above}.{key}" if above else str(key)


def part_at(content: Any, path: str) -> Any:
    """Return what stands at a dotted path of plain content; None where there is nothing.

    >>> part_at({"design": {"patients": 208}}, "design.patients")
    208
    """
    for name in path.split("."):
        parts = content.items() if isinstance(content, Mapping) else ()
        content = next((part for key, part in parts if str(key) == name), None)
    return content


def and_above(path: str) -> Iterator[str]:
    """Yield a path and every path above it, the longest first.

    >>> list(and_above("design.arms.placebo"))
    ['design.arms.placebo', 'design.arms', 'design']
    """
    parts = path.split(".")
    return (".".join(parts[:length]) for length in range(len(parts), 0, -1))


def _same_kind(old: Any, new: Any) -> bool:
    """Return whether two values are mappings that describe the same kind of thing."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return False
    return all(new.get(tag, old.get(tag)) == old.get(tag) for tag in KIND_TAGS)
