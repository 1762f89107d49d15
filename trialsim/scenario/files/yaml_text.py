"""Plain content as YAML text, read with the place of each part; YAML is here alone."""

import math
import pickle
from collections.abc import Iterator, Mapping
from functools import lru_cache
from io import StringIO
from textwrap import indent
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from trialsim.errors import InputError, Problem, RunError
from trialsim.scenario.files.kept_parse import keep, kept
from trialsim.scenario.validation.paths import below

if TYPE_CHECKING:
    from ruamel.yaml import YAML

_ONE_LINE: Final = 2**31
"""Columns of a written line: a scalar that is folded loses one of two spaces at the fold."""
_ENTRIES_KEPT: Final = 4096
"""Written, which a process does not write again: what-ifs differ in a few from their base."""
_DEPTH: Final = 1
"""Of a part whose entries are written one by one: those of a section."""
_FILES_KEPT: Final = 64
"""Which a process does not parse again: variants share what they extend."""
_MOST_PARTS: Final = 100_000
"""In one file, what stands behind an alias counted wherever the alias stands."""


def yaml_of(content: Mapping[str, Any]) -> str:
    r"""Return plain content as YAML that reads back equal, whatever its texts and keys hold.

    >>> print(yaml_of({"title": "Two  spaces", "summary": chr(10)}), end="")
    title: Two  spaces
    summary: "\n"

    Raises
    ------
    RunError
        If the text would read back as anything else.
    """
    if not content:
        return _entries(pickle.dumps(content))
    return "".join(_written(key, part, _DEPTH) for key, part in content.items())


def _written(key: Any, part: Any, depth: int) -> str:
    """Return one entry of a mapping as YAML, its own entries each written once a process."""
    if not (depth and isinstance(part, Mapping) and part):
        return _entries(pickle.dumps({key: part}))
    below = "".join(_written(*entry, depth - 1) for entry in part.items())
    return _entries(pickle.dumps({key: None})) + indent(below, "  ")


@lru_cache(maxsize=_ENTRIES_KEPT)
def _entries(pickled: bytes) -> str:
    """Return a pickled mapping as YAML, every scalar on one line, that reads back equal."""
    content = pickle.loads(pickled)
    text = StringIO()
    _yaml().dump(_writable(content), text)
    # Quotes escape every break but this one, which a reader folds into a space.
    written = text.getvalue().replace("\x85", "\\N")
    if parsed_value(written) != _lists(content):
        raise RunError("what is to be kept cannot be written as YAML that reads back the same")
    return written


def parsed(text: str, file: str, *, keep_it: bool = False) -> tuple[Any, dict[str, "Place"]]:
    """Return what the text of a file means, and the place of every key and list item in it.

    Parameters
    ----------
    keep_it
        Whether other processes may read what is parsed from beside the file, as of a built-in
        study.

    Raises
    ------
    InputError
        If the text is not YAML, or holds more than a study does.
    """
    content, places = pickle.loads(_read(text, file, keep_it))
    return content, {path: Place(file, *at) for path, at in places.items()}


@lru_cache(maxsize=_FILES_KEPT)
def _read(text: str, file: str, keep_it: bool) -> bytes:
    """Return the pickled content of a text, with the line and column of each path."""
    known = kept(file, text) if keep_it else None
    if known is None:
        raw = _parsed(text, file)
        known = pickle.dumps((_plain(raw), dict(_places(raw))))
        if keep_it:
            keep(file, text, known)
    return known


def parsed_value(text: str) -> Any:
    """Return the value that a text means in a scenario file.

    >>> parsed_value("300"), parsed_value("null"), parsed_value("{distribution: constant}")
    (300, None, {'distribution': 'constant'})

    Raises
    ------
    InputError
        If the text is not YAML.
    """
    return _plain(_parsed(text, "value"))


class Place(NamedTuple):
    """Where something stands in a file, counted from 1."""

    file: str
    line: int
    column: int


def _parsed(text: str, file: str) -> Any:
    """Return the parsed YAML of a text; what is not YAML is refused at its place."""
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.reader import ReaderError

    line, column = 1, 1
    try:
        return _bounded(_yaml().load(text), file)
    except ReaderError as error:
        line, column = place_of(error.position, text)
        rule = f"must not hold the control character #x{error.character:02x}"
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark is not None:
            line, column = mark.line + 1, mark.column + 1
        rule = _words(str(error.problem or error.context))
    except RecursionError:
        rule = "must not be nested so deeply"
    raise InputError([Problem("", rule, None, file, line, column)])


def _bounded(node: Any, file: str) -> Any:
    """Return a parsed node that is no larger, its aliases followed, than a study may be."""
    known: dict[int, float] = {}

    def parts_of(node: Any) -> float:
        if not isinstance(node, Mapping | list):
            return 1
        if id(node) not in known:
            known[id(node)] = math.inf  # should it hold itself
            known[id(node)] = 1 + sum(parts_of(part) for _, part in parts_in(node))
        return known[id(node)]

    if parts_of(node) > _MOST_PARTS:
        rule = f"must hold at most {_MOST_PARTS:,} values, those behind aliases counted each time"
        raise InputError([Problem("", rule, None, file, 1, 1)])
    return node


def _words(problem: str) -> str:
    """Return what the YAML library complains of, shortened, as a rule."""
    if "duplicate key" in problem:
        return problem.split(" with value")[0].replace("found ", "")
    if r"'\t'" in problem:
        return "must not hold a tab here; indent and separate with spaces"
    if problem.startswith("must "):
        return problem
    return f"must be YAML: {problem}"


def place_of(position: int, text: str) -> tuple[int, int]:
    """Return the line and the column, counted from 1, of a character."""
    before = text[:position]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _yaml() -> "YAML":
    """Return a reader and writer of YAML 1.2 that keeps places and refuses tags and double keys."""
    from ruamel.yaml import YAML
    from ruamel.yaml.composer import Composer, ComposerError
    from ruamel.yaml.constructor import (
        ConstructorError,
        DuplicateKeyError,
        RoundTripConstructor,
    )
    from ruamel.yaml.nodes import Node

    class Untagged(Composer):
        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.parser.peek_event()
            tag = getattr(event, "tag", None)
            if tag is not None:
                written = tag.replace("tag:yaml.org,2002:", "!!")
                rule = f"must not bear a tag such as {written}"
                raise ComposerError(None, None, rule, event.start_mark)
            return super().compose_node(parent, index)

    class Constructor(RoundTripConstructor):
        def construct_object(self, node: Node, deep: bool = False) -> Any:
            try:
                return super().construct_object(node, deep)
            except ValueError as error:  # such as a date in month 13
                raise ConstructorError(None, None, str(error), node.start_mark) from None

        def check_mapping_key(
            self, node: Node, key_node: Node, mapping: Any, key: Any, value: Any
        ) -> bool:
            if key in mapping:
                written = key_node.value if isinstance(key_node.value, str) else key
                rule = f'found duplicate key "{written}"'
                raise DuplicateKeyError(None, None, rule, key_node.start_mark)
            return True

    yaml = YAML(typ="rt")
    yaml.Composer = Untagged
    yaml.Constructor = Constructor
    yaml.allow_duplicate_keys = False
    yaml.composer.warn_double_anchors = False
    yaml.width = _ONE_LINE
    return yaml


def _places(node: Any, above: str = "") -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the path, line and column of every key and every list item of a parsed node."""
    for key, part in parts_in(node):
        path = below(above, key)
        line, column, *_ = (node.lc.data or {}).get(key, (node.lc.line, node.lc.col))
        yield path, (line + 1, column + 1)
        yield from _places(part, path)


def parts_in(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the keys and values of a mapping, or the numbers and items of a list."""
    if isinstance(node, Mapping):
        yield from node.items()
    elif isinstance(node, list):
        yield from enumerate(node)


def _plain(node: Any) -> Any:
    """Return a parsed node as plain Python values."""
    if isinstance(node, Mapping):
        return {_plain_key(key): _plain(part) for key, part in node.items()}
    if isinstance(node, list):
        return [_plain(part) for part in node]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def _plain_key(key: Any) -> Any:
    return _plain(key) if isinstance(key, str | int | float | None) else str(key)


def _writable(content: Any) -> Any:
    """Return plain content in lists, and with every text that only quotes keep in quotes."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(content, Mapping):
        return {_writable(key): _writable(part) for key, part in content.items()}
    if isinstance(content, list | tuple):
        return [_writable(part) for part in content]
    if isinstance(content, str) and not content.isprintable():
        return DoubleQuotedScalarString(content)
    return content


def _lists(content: Any) -> Any:
    """Return plain content without tuples, which YAML does not know."""
    if isinstance(content, Mapping):
        return {key: _lists(part) for key, part in content.items()}
    return [_lists(part) for part in content] if isinstance(content, list | tuple) else content
