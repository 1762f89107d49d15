"""Scenarios as YAML files: read with places, merged with what they extend, checked and written."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from trialsim.distributions import Model
from trialsim.errors import InputError, Problem, nearest
from trialsim.scenario.files.builtin import builtin_folder, builtin_studies
from trialsim.scenario.files.schema import EXTENDS
from trialsim.scenario.files.tables import (
    COURSE_FILE,
    FILE,
    LISTS,
    TABULATED,
    filled,
    listed,
    tabulated,
)
from trialsim.scenario.files.variants import (
    emptied,
    name_of_file,
    with_moments_of_its_own,
    with_visits_in_order,
)
from trialsim.scenario.files.yaml_text import Place, parsed, parts_in, place_of, yaml_of
from trialsim.scenario.programme import TRIALS, Study, is_programme
from trialsim.scenario.scenario import Scenario, resourced, validated
from trialsim.scenario.validation.paths import and_above, below, laid_over, part_at
from trialsim.scenario.validation.problems import as_written, problems_between, problems_of

_SUFFIXES: Final = (".yaml", ".yml")
_MOST_BYTES: Final = 2_000_000
"""In one file: many times the largest study that comes with the package."""
_OF_TABLE: Final = ".margin.values"
"""How the paths end of what a table of former patients fills in."""
_SECTIONS: Final = ("population", "eligibility", "operations", "design", "treatment", "analysis")
"""Which a variant cannot take away: their parts can be, one by one."""
AnyStudy = TypeVar("AnyStudy", bound=Study)


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
    draft, of_tables = draft.with_tables()
    named = {"name": Path(draft.places[""].file).stem, **draft.content}
    return draft.described_by(_with_scenarios, named, of_tables)


def _with_scenarios(content: Mapping[str, Any]) -> Scenario:
    """Return a scenario whose named scenarios can be made of it."""
    study = validated(content)
    named = study.report.scenarios
    study.changed_by({name: one.changes for name, one in named.items()}, "report.scenarios")
    return study


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


@dataclass(frozen=True, slots=True)
class Draft:
    """Plain content, and where each path of it stands."""

    content: dict[str, Any]
    places: Mapping[str, Place]

    def placed(self, problem: Problem) -> Problem:
        """Return a problem with the place of its path, or of the nearest path above it.

        A built-in study is right by itself: what a variant makes wrong in it stands in the variant.
        """
        above = [path for path in (*and_above(problem.path), "") if path in self.places]
        place, own = self.places[above[0]], self.places[""].file
        if place.file != own and Path(place.file) in builtin_studies().values():
            nearest_own = next(path for path in above if self.places[path].file == own)
            told = f"{problem.rule}; it stands in {Path(place.file).name}, line {place.line}"
            return replace(problem, rule=told, **self.places[nearest_own]._asdict())
        return replace(problem, **place._asdict())

    def sorted(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return problems with their places, in the order of the file, then of those below it."""
        own = self.places[""].file
        return sorted(
            map(self.placed, problems),
            key=lambda one: (one.file != own, one.file, one.line, one.column),
        )

    def described_by(
        self,
        read: Callable[[Mapping[str, Any]], AnyStudy],
        content: Mapping[str, Any],
        of_tables: Sequence[Problem],
    ) -> AnyStudy:
        """Return the study of content, or raise with its problems behind those of its tables.

        What is lacking because a table is wrong is left out.
        """
        try:
            study = read(content)
        except InputError as error:
            wrong = tuple(one.path.removesuffix(".file") for one in of_tables)
            others = [
                one
                for one in error.problems
                if not (wrong and (one.path.startswith(wrong) or one.path.endswith(_OF_TABLE)))
            ]
            raise InputError([*of_tables, *self.sorted(others)]) from None
        if of_tables:
            raise InputError(of_tables)
        return study

    def with_tables(self, above: str = "") -> tuple["Draft", list[Problem]]:
        """Return this draft with what its study, at a path, takes of the tables that it names.

        Beside it is what is wrong with them; what they would give is then lacking in the draft.
        """
        content, start = self.content, f"{above}." if above else ""
        problems: list[Problem] = []
        for place, at in self.places.items():
            if not (place.endswith(".file") and place.startswith(start)):
                continue
            if not isinstance(part_at(content, place), str):
                continue
            course = COURSE_FILE.fullmatch(place.removeprefix(start))
            folder = Path(at.file).parent
            found: list[Problem] = []
            part = place.removesuffix(".file")
            try:
                if place == below(above, FILE):
                    content, found = filled(content, folder, above)
                elif place == below(above, LISTS):
                    content = listed(content, folder, part)
                elif course and part_at(content, f"{part}.model") == TABULATED:
                    content, found = tabulated(content, folder, part)
            except InputError as error:
                found = [*error.problems]
            problems += found
        return Draft(content, self.places), [
            one if one.file else self.placed(one) for one in problems
        ]

    def over(self, base: "Draft") -> "Draft":
        """Return this draft merged into that of the file which it extends.

        The variant's name is that of its file if it gives none, and what it changes does not keep
        the sources of the old values. Of the findings, and of what is calibrated, it takes over
        those that it names and says nothing of; what the report has of an author, it has its own.
        """
        problems = list(emptied(self.content, base.content))
        if problems:
            raise InputError(self.sorted(problems))
        content = with_visits_in_order(laid_over(base.content, self.content), base.content)
        content = with_moments_of_its_own(content, self.content)
        empty = (name for name in _SECTIONS if self.content.get(name, content) is None)
        content |= dict.fromkeys(empty)  # refused: what is not said is not the default's
        content["report"] = self.content.get("report", {})
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
    known = builtin_studies()
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
    content, places = parsed(_text(path), file, keep_it=builtin_folder() in path.parents)
    if not isinstance(content, dict):
        rule = "must not be empty" if content is None else "must be a mapping of scenario parts"
        raise InputError([Problem("", rule, None, file, 1, 1)])
    return Draft(content, {"": Place(file, 1, 1), **places})


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
        line, column = place_of(len(before), before)
        value = f"byte 0x{content[error.start]:02x}"
        raise InputError([Problem("", "must be UTF-8 text", value, file, line, column)]) from None


def _paths(content: Any, above: str = "") -> Iterator[str]:
    """Yield the path of every value of plain content, list items among them."""
    for key, part in parts_in(content):
        path = below(above, key)
        yield path
        yield from _paths(part, path)
