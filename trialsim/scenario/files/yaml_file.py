"""Scenarios as YAML files: read with places, extended, checked and written; YAML is here alone."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import ValidationError

from trialsim.distributions import Model
from trialsim.errors import InputError, Problem, RunError, nearest
from trialsim.scenario.files.schema import EXTENDS, schema
from trialsim.scenario.files.variants import emptied, name_of_file, with_visits_in_order
from trialsim.scenario.programme import TRIALS, Study, is_programme
from trialsim.scenario.scenario import Scenario, resourced, validated
from trialsim.scenario.validation.paths import and_above, below, laid_over
from trialsim.scenario.validation.problems import as_written, problems_between, problems_of

if TYPE_CHECKING:
    from ruamel.yaml import YAML

__all__ = [
    "Draft",
    "builtin_folder",
    "builtin_programmes",
    "builtin_scenarios",
    "draft_of",
    "draft_over_bases",
    "found_file",
    "load",
    "load_as",
    "parsed_value",
    "scenario_of",
    "schema",
    "to_yaml",
    "yaml_of",
]

_SUFFIXES: Final = (".yaml", ".yml")
_ONE_LINE: Final = 2**31
"""Columns of a written line: a scalar that is folded loses one of two spaces at the fold."""
_MOST_BYTES: Final = 2_000_000
"""In one file: many times the largest study that comes with the package."""
_SECTIONS: Final = ("population", "eligibility", "operations", "design", "treatment", "analysis")
"""Which a variant cannot take away: their parts can be, one by one."""
_MOST_PARTS: Final = 100_000
"""In one file, what stands behind an alias counted wherever the alias stands."""


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
    draft = draft_over_bases(found_file(scenario), ())
    if is_programme(draft.content):
        rule = "must be one trial: this is a programme of several"
        raise InputError([draft.placed(Problem(TRIALS, rule))])
    return scenario_of(draft)


def scenario_of(draft: "Draft") -> Scenario:
    """Return the scenario that a draft describes; its problems are reported with their places.

    It has the name of its file if it gives none.
    """
    named = {"name": Path(draft.places[""].file).stem, **draft.content}
    try:
        return validated(named)
    except InputError as error:
        raise InputError(draft.sorted(error.problems)) from None


def builtin_scenarios() -> dict[str, Path]:
    """Return the scenarios that come with the package: name and file, in alphabetical order."""
    return {path.stem: path for path in sorted(builtin_folder().glob("*.yaml"))}


def builtin_programmes() -> dict[str, Path]:
    """Return the programmes of several trials that come with the package, as scenarios are."""
    return {path.stem: path for path in sorted((builtin_folder() / "programmes").glob("*.yaml"))}


def builtin_folder() -> Path:
    """Return the folder of the scenarios that come with the package, and of what goes with them."""
    package = Path(__file__).resolve().parents[2]
    inside, beside = package / "scenarios", package.parent / "scenarios"
    return inside if inside.is_dir() else beside  # a source tree keeps them beside the package


def load_as(model: type[Model], path: Path) -> Model:
    """Return what a YAML file describes that is no scenario, such as a prior.

    Raises
    ------
    InputError
        With every problem of the file and its place.
    """
    draft = draft_of(path)
    try:
        return model.model_validate(draft.content)
    except ValidationError as error:
        problems = problems_of(error, draft.content, model)
    hidden = problems_between(model, draft.content)
    raise InputError(draft.sorted([*problems, *(one for one in hidden if one not in problems)]))


def to_yaml(study: Study) -> str:
    """Return the whole study as YAML, without `extends`; reading it gives the same study.

    Raises
    ------
    RunError
        If the text would read back as anything else.
    """
    return yaml_of(study.model_dump())


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
    text = StringIO()
    _yaml().dump(_writable(content), text)
    # Quotes escape every break but this one, which a reader folds into a space.
    written = text.getvalue().replace("\x85", "\\N")
    if parsed_value(written) != _lists(content):
        raise RunError("what is to be kept cannot be written as YAML that reads back the same")
    return written


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


@dataclass(frozen=True, slots=True)
class Draft:
    """Plain content, and where each path of it stands."""

    content: dict[str, Any]
    places: Mapping[str, Place]

    def placed(self, problem: Problem) -> Problem:
        """Return a problem with the place of its path, or of the nearest path above it."""
        above = (path for path in (*and_above(problem.path), "") if path in self.places)
        return replace(problem, **self.places[next(above)]._asdict())

    def sorted(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return problems with their places, in the order of the file, then of those below it."""
        own = self.places[""].file
        return sorted(
            map(self.placed, problems),
            key=lambda one: (one.file != own, one.file, one.line, one.column),
        )

    def over(self, base: "Draft") -> "Draft":
        """Return this draft laid over that of the file which it extends.

        The variant's name is that of its file if it gives none, and what it changes does not keep
        the sources of the old values. Of the findings, and of what is calibrated, it takes over
        those that it names and says nothing of.
        """
        problems = list(emptied(self.content, base.content))
        if problems:
            raise InputError(self.sorted(problems))
        content = with_visits_in_order(laid_over(base.content, self.content), base.content)
        empty = (name for name in _SECTIONS if self.content.get(name, content) is None)
        content |= dict.fromkeys(empty)  # refused: what is not said is not the default's
        for part in ("findings", "calibrated"):
            content[part] = _taken_over(self.content.get(part), base.content.get(part))
        standing = set(_paths(content))
        kept = {path: place for path, place in base.places.items() if path in standing}
        places = {**kept, **self.places}
        content["name"] = self.content.get("name", name_of_file(Path(self.places[""].file).stem))
        own = self.content.get("sources")
        if isinstance(own, Mapping | None):
            note = f"set in {content['name']}, which gives no source"
            content["sources"] = resourced(base.content, content, own or {}, note)
        return Draft(content, places)


def _taken_over(own: Any, old: Any) -> Any:
    """Return a variant's own entries, those that are empty as they stand in what it extends."""
    if not isinstance(own, Mapping):
        return own or {}
    known = old if isinstance(old, Mapping) else {}
    return {name: entry or known.get(name, entry) for name, entry in own.items()}


def found_file(scenario: str | Path, beside: Path | None = None) -> Path:
    """Return the file of a built-in study, or the file at a path."""
    known = {**builtin_scenarios(), **builtin_programmes()}
    if str(scenario) in known:
        return known[str(scenario)]
    path = (beside or Path()) / scenario
    try:
        if path.is_file():
            return path
    except OSError as error:  # such as a name that is too long
        rule = f"cannot be read: {error.strerror}"
        raise InputError([Problem("scenario", rule, as_written(str(scenario)))]) from None
    hint = nearest(str(scenario), known)
    if path.is_dir():
        rule = "must be a scenario file, not a folder"
    elif path.suffix in _SUFFIXES or len(Path(scenario).parts) > 1:
        rule = f"must be a scenario file that exists{hint}"
    else:
        rule = f"must be a built-in scenario or the path of a YAML file{hint}"
    raise InputError([Problem("scenario", rule, as_written(str(scenario)))])


def draft_over_bases(path: Path, readers: tuple[Path, ...]) -> Draft:
    """Return a file's content over the content of the file that it extends."""
    draft = draft_of(path)
    base = draft.content.pop(EXTENDS, None)
    if EXTENDS not in draft.places:
        return draft
    try:
        if not isinstance(base, str):
            rule = "must be a built-in scenario or the path of a YAML file"
            raise InputError([Problem(EXTENDS, rule, as_written(base))])
        source = found_file(base, path.parent)
        if source.resolve() in (*readers, path.resolve()):
            raise InputError([Problem(EXTENDS, "must not lead back to the same file", base)])
    except InputError as error:
        problem = replace(error.problems[0], path=EXTENDS)
        raise InputError([draft.placed(problem)]) from None
    return draft.over(draft_over_bases(source, (*readers, path.resolve())))


def draft_of(path: Path) -> Draft:
    """Return a file's own content and places."""
    file = str(path)
    raw = _parsed(_text(path), file)
    if not isinstance(raw, Mapping):
        rule = "must not be empty" if raw is None else "must be a mapping of scenario parts"
        raise InputError([Problem("", rule, None, file, 1, 1)])
    return Draft(_plain(raw), {"": Place(file, 1, 1), **dict(_places(raw, file))})


def _text(path: Path) -> str:
    file = str(path)
    try:
        with path.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            rule = f"must be a file of at most {_MOST_BYTES:,} bytes"
            raise InputError([Problem("", rule, None, file)])
        return content.decode("utf-8")
    except OSError as error:
        raise InputError([Problem("", f"cannot be read: {error.strerror}", None, file)]) from None
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        line, column = _place_of(len(before), before)
        value = f"byte 0x{content[error.start]:02x}"
        raise InputError([Problem("", "must be UTF-8 text", value, file, line, column)]) from None


def _parsed(text: str, file: str) -> Any:
    """Return the parsed YAML of a text; what is not YAML is refused at its place."""
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.reader import ReaderError

    line, column = 1, 1
    try:
        return _bounded(_yaml().load(text), file)
    except ReaderError as error:
        line, column = _place_of(error.position, text)
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
            known[id(node)] = 1 + sum(parts_of(part) for _, part in _parts(node))
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


def _place_of(position: int, text: str) -> tuple[int, int]:
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


def _places(node: Any, file: str, above: str = "") -> Iterator[tuple[str, Place]]:
    """Yield the path and the place of every key and every list item of a parsed node."""
    for key, part in _parts(node):
        path = below(above, key)
        line, column, *_ = (node.lc.data or {}).get(key, (node.lc.line, node.lc.col))
        yield path, Place(file, line + 1, column + 1)
        yield from _places(part, file, path)


def _paths(content: Any, above: str = "") -> Iterator[str]:
    """Yield the path of every value of plain content, list items among them."""
    for key, part in _parts(content):
        path = below(above, key)
        yield path
        yield from _paths(part, path)


def _parts(node: Any) -> Iterator[tuple[Any, Any]]:
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
