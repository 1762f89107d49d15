"""The options that several commands take, and the values that they mean."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from trialsim.errors import InputError, Problem
from trialsim.scenario.scenario import Scenario


class EngineName(StrEnum):
    """What simulates: `auto` takes the fastest that can run the scenario."""

    auto = "auto"
    events = "events"
    vector = "vector"


ScenarioName = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="A built-in scenario or the path of a YAML file.")
]
Seed = Annotated[int, typer.Option(min=0, max=2**64 - 1, help="All randomness follows from it.")]
EngineOption = Annotated[EngineName, typer.Option(help="What simulates; results are the same.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Count = Annotated[int, typer.Option(min=1, help="Simulated trials.")]
Jobs = Annotated[int, typer.Option(help="Worker processes; -1 for one on each core.")]
Kept = Annotated[
    Path | None,
    typer.Option(help="Directory that keeps what is run; the same command then continues."),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Replace a value of the scenario; may be repeated."
    ),
]


def loaded(name: str, changes: list[str] | None, option: str = "--set") -> Scenario:
    """Return a scenario with the changes that an option gives."""
    from trialsim.scenario.files import load, parsed_value

    scenario = load(name)
    return scenario.replace(parsed(changes, option, parsed_value)) if changes else scenario


def parsed(
    changes: list[str] | None, option: str, value_of: Callable[[str], Any]
) -> dict[str, Any]:
    """Return the values by path that an option gives, told apart by path."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for change in changes or ():
        path, equals, value = change.partition("=")
        if not (path.strip() and equals):
            problems.append(Problem(option, "must be PATH=VALUE", change))
            continue
        try:
            values[path.strip()] = value_of(value)
        except InputError as error:
            problems.append(Problem(path.strip(), error.problems[0].rule, value))
    if problems:
        raise InputError(problems)
    return values


def workers_of(jobs: int) -> int:
    """Return the worker processes that `--jobs` asks for, which cannot be none."""
    if jobs == 0:
        raise typer.BadParameter("must not be 0", param_hint="--jobs")
    return jobs
