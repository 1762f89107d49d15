"""Any study by its name or file: one trial, or a programme whose trials extend scenarios."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

from trialsim.errors import InputError, Problem
from trialsim.scenario.files.builtin import ProgrammeName, TrialName
from trialsim.scenario.files.schema import EXTENDS
from trialsim.scenario.files.variants import name_of_file
from trialsim.scenario.files.yaml_file import Draft, draft_over_bases, found_file, scenario_of
from trialsim.scenario.programme import TRIALS, Programme, Study, is_programme, programme_of
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.paths import below
from trialsim.scenario.validation.problems import as_written


@overload
def load_study(study: Scenario | TrialName) -> Scenario: ...


@overload
def load_study(study: Programme | ProgrammeName) -> Programme: ...


@overload
def load_study(study: Study | str | Path) -> Study: ...


def load_study(study: Study | str | Path) -> Study:
    """Return a scenario or a programme by its built-in name or by the path of a YAML file.

    A study is returned as it is.

    A trial of a programme may say `extends`, as the file of a scenario does, and then lists only
    what differs.

    Raises
    ------
    InputError
        With every problem of the file and its place.
    """
    if isinstance(study, Study):
        return study
    if not isinstance(study, str | Path):
        rule = "must be a study, the name of a built-in one or the path of its file"
        raise InputError([Problem("scenario", rule, as_written(study))])
    draft = draft_over_bases(found_file(study), ())
    return _programme(draft) if is_programme(draft.content) else scenario_of(draft)


def _programme(draft: Draft) -> Programme:
    file = Path(draft.places[""].file)
    problems: list[Problem] = []
    if EXTENDS in draft.places:
        problems.append(Problem(EXTENDS, "must stand in a trial, not in the programme"))
    content, places = {"name": name_of_file(file.stem), **draft.content}, dict(draft.places)
    trials = content[TRIALS]
    if isinstance(trials, Mapping):
        content[TRIALS] = dict(trials)
        for name, trial in trials.items():
            above = below(TRIALS, name)
            if not (isinstance(trial, Mapping) and EXTENDS in trial):
                continue
            try:
                whole = _over_base(_part(draft, above, {**trial, "name": name}), file)
            except InputError as error:
                problems += _at(above, error.problems)
                continue
            content[TRIALS][name] = whole.content
            places |= {below(above, path).rstrip("."): at for path, at in whole.places.items()}
    placed = Draft(content, places)
    if problems:
        raise InputError(placed.sorted(problems))
    of_tables: list[Problem] = []
    for name in trials if isinstance(trials, Mapping) else ():
        placed, found = placed.with_tables(below(TRIALS, name))
        of_tables += found
    return placed.described_by(programme_of, placed.content, of_tables)


def _part(draft: Draft, path: str, content: dict[str, Any]) -> Draft:
    """Return what stands at a path as a draft of its own."""
    inside = {
        place.removeprefix(path).lstrip("."): at
        for place, at in draft.places.items()
        if place == path or place.startswith(f"{path}.")
    }
    return Draft(content, inside)


def _over_base(trial: Draft, file: Path) -> Draft:
    """Return a trial over the scenario that it extends."""
    base = trial.content.pop(EXTENDS)
    if not isinstance(base, str):
        rule = "must be a built-in scenario or the path of a YAML file"
        raise InputError([Problem(EXTENDS, rule, as_written(base))])
    try:
        below_it = draft_over_bases(found_file(base, file.parent), ())
    except InputError as error:
        raise InputError([replace(error.problems[0], path=EXTENDS)]) from None
    if is_programme(below_it.content):
        raise InputError([Problem(EXTENDS, "must be one trial, not a programme", base)])
    return trial.over(below_it)


def _at(above: str, problems: Iterable[Problem]) -> list[Problem]:
    return [replace(one, path=below(above, one.path)) for one in problems]
