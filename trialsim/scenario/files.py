"""Scenarios as YAML files: read with places, extended, checked and written; YAML is here alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError

from trialsim.errors import InputError, Problem, nearest
from trialsim.scenario.problems import as_written
from trialsim.scenario.scenario import Scenario, validated

EXTENDS = "extends"
_SUFFIXES = (".yaml", ".yml")


def load(scenario: str | Path) -> Scenario:
    """Return a scenario by the name of a built-in one or by the path of a YAML file.

    A file may say `extends: NAME_OR_PATH`, the path being relative to the file; its values then
    take the place of those of the file that it extends, mapping by mapping, and null removes an
    entry of a mapping.

    Raises
    ------
    InputError
        With every problem of the file and its place.
    """
    draft = _read(_found(scenario), ())
    try:
        return validated(draft.content)
    except InputError as error:
        raise InputError(draft.placed(problem) for problem in error.problems) from None


def builtin_scenarios() -> dict[str, Path]:
    """Return the scenarios that come with the package: name and file, in alphabetical order."""
    package = Path(__file__).resolve().parents[1]
    inside, beside = package / "scenarios", package.parent / "scenarios"
    folder = inside if inside.is_dir() else beside  # a source tree keeps them beside the package
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def to_yaml(scenario: Scenario) -> str:
    """Return the whole scenario as YAML, without `extends`; reading it gives the same scenario."""
    text = StringIO()
    _yaml().dump(scenario.model_dump(mode="json"), text)
    return text.getvalue()


def parsed_value(text: str) -> Any:
    """Return the value that a piece of YAML says, as for one place in a scenario file.

    Raises
    ------
    InputError
        If the text is not YAML.

    >>> parsed_value("300"), parsed_value("1e-3"), parsed_value("null"), parsed_value("[a, b]")
    (300, 0.001, None, ['a', 'b'])
    """
    try:
        return _plain(_yaml().load(text))
    except MarkedYAMLError as error:
        raise InputError([Problem("", f"must be YAML: {error.problem}", text)]) from None


@dataclass(frozen=True, slots=True)
class _Draft:
    """Plain content, and where each path of it stands."""

    content: dict[str, Any]
    places: Mapping[str, tuple[str, int, int]]

    def placed(self, problem: Problem) -> Problem:
        """Return a problem with the place of its path, or of the nearest path above it."""
        parts = problem.path.split(".")
        above = (".".join(parts[:length]) for length in range(len(parts), -1, -1))
        file, line, column = next(self.places[path] for path in above if path in self.places)
        return replace(problem, file=file, line=line, column=column)


def _found(scenario: str | Path, beside: Path | None = None) -> Path:
    known = builtin_scenarios()
    if str(scenario) in known:
        return known[str(scenario)]
    path = (beside or Path()) / scenario
    if path.is_file():
        return path
    hint = nearest(str(scenario), known)
    if path.suffix in _SUFFIXES or len(path.parts) > 1:
        raise InputError([Problem("", "there is no such scenario file" + hint, str(scenario))])
    rule = f"must be a built-in scenario or the path of a YAML file{hint}"
    raise InputError([Problem("scenario", rule, str(scenario))])


def _read(path: Path, readers: tuple[Path, ...]) -> _Draft:
    """Return a file's content over the content of the file that it extends."""
    name = str(path)
    if path.resolve() in readers:
        raise InputError([Problem(EXTENDS, "must not lead back to the same file", name, name)])
    raw = _parsed(path)
    places = {"": (name, 1, 1), **dict(_places(raw, name))}
    content = _plain(raw)
    base = content.pop(EXTENDS, None)
    if base is None:
        return _Draft(content, places)
    if not isinstance(base, str):
        rule = "must be a built-in scenario or the path of a YAML file"
        raise InputError([Problem(EXTENDS, rule, as_written(base), *places[EXTENDS])])
    try:
        source = _found(base, path.parent)
    except InputError as error:
        problem = replace(error.problems[0], path=EXTENDS)
        raise InputError([_Draft(content, places).placed(problem)]) from None
    below = _read(source, (*readers, path.resolve()))
    return _Draft(_merged(below.content, content), {**below.places, **places})


def _parsed(path: Path) -> Any:
    name = str(path)
    try:
        raw = _yaml().load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError([Problem("", f"cannot be read: {error.strerror}", file=name)]) from None
    except UnicodeDecodeError as error:
        rule = f"must be UTF-8 text: byte {error.start} is not"
        raise InputError([Problem("", rule, file=name)]) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        rule = str(error.problem or error.context)
        if isinstance(error, DuplicateKeyError):
            rule = rule.split(" with value")[0].replace("found duplicate key", "duplicate key")
        raise InputError([Problem("", rule, None, name, line, column)]) from None
    if not isinstance(raw, Mapping):
        raise InputError([Problem("", "must be a mapping of scenario parts", None, name, 1, 1)])
    return raw


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.allow_duplicate_keys = False
    yaml.width = 100
    return yaml


def _places(node: Any, file: str, above: str = "") -> Iterator[tuple[str, tuple[str, int, int]]]:
    """Yield the path and the place, counted from 1, of every key and every list item."""
    if isinstance(node, Mapping):
        for key, part in node.items():
            path = f"{above}.{key}" if above else str(key)
            line, column = node.lc.key(key)  # type: ignore[attr-defined]
            yield path, (file, line + 1, column + 1)
            yield from _places(part, file, path)
    elif isinstance(node, list):
        for place, part in enumerate(node):
            path = f"{above}.{place}"
            line, column = node.lc.item(place)  # type: ignore[attr-defined]
            yield path, (file, line + 1, column + 1)
            yield from _places(part, file, path)


def _plain(node: Any) -> Any:
    """Return a parsed node as plain Python values."""
    if isinstance(node, Mapping):
        return {_plain(key): _plain(part) for key, part in node.items()}
    if isinstance(node, list):
        return [_plain(part) for part in node]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return one mapping laid over another; null removes an entry, a new kind replaces whole."""
    merged = dict(below)
    for key, part in above.items():
        old = below.get(key)
        if part is None and key in below and isinstance(old, dict):
            del merged[key]
        elif isinstance(part, dict) and isinstance(old, dict) and not _other_kind(old, part):
            merged[key] = _merged(old, part)
        else:
            merged[key] = part
    return merged


def _other_kind(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Return whether a distribution or model is replaced by one of another kind."""
    return any(tag in new and new[tag] != old.get(tag) for tag in ("distribution", "model"))
