"""A command has the options of the groups among its parameters, and gets each as one object."""

from dataclasses import dataclass
from inspect import signature
from typing import Any

import pytest

from trialsim.cli.app import program
from trialsim.cli.option_groups import with_options


@dataclass(frozen=True, kw_only=True)
class Inner:
    """A group inside another."""

    jobs: int = -1


@dataclass(frozen=True, kw_only=True)
class Outer:
    """A group with an option that must be given."""

    name: str
    inner: Inner
    low: float | None = None


def test_options_stand_where_their_group_stands() -> None:
    def command(first: int, group: Outer, last: bool = False) -> None: ...

    flat = with_options(command)
    assert list(signature(flat).parameters) == ["first", "name", "jobs", "low", "last"]
    assert flat.__annotations__["jobs"] is int


def test_a_command_gets_its_groups_made_of_their_options() -> None:
    got: list[Any] = []

    def command(first: int, group: Outer, last: bool = False) -> None:
        got.extend([first, group, last])

    with_options(command)(first=3, name="a", jobs=2, low=None, last=True)
    assert got == [3, Outer(name="a", inner=Inner(jobs=2)), True]


def test_the_help_of_every_command_speaks_of_what_is_given_and_not_of_types(
    capsys: pytest.CaptureFixture[str],
) -> None:
    every = [[name] for name in program().commands if name != "plot"]
    every += [["plot", name] for name in program().commands["plot"].commands]
    for command in every:
        program().main([*command, "--help"], prog_name="trialsim", standalone_mode=False)
        told = capsys.readouterr().out
        assert told.startswith(" ".join(["Usage: trialsim", *command, ""]))
        for word in ("<str", "<int", "<float", "<path", "<=x", "x>=", "{"):
            assert word not in told, (command, word)
