"""Options that several commands take together, and the words in which help tells of them.

A group of options is a frozen dataclass, whose fields are options.

A command with such a group among its parameters takes the group's options, and has them as one
object. So the options of a question are written once, whether it is answered in words or drawn.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from inspect import Parameter, Signature, signature
from typing import Any, Final

import typer
from typer.core import TyperCommand
from typer.models import CommandFunctionType

_TYPE: Final = re.compile(r"<(?:list\[)?([^<>\]]*)\]?>$")
_WORDS: Final[Mapping[str, str]] = {"str": "TEXT", "int": "N", "float": "NUMBER"}
_AT_LEAST: Final = re.compile(r"\bx>=([^\s\];]+)")
_BETWEEN: Final = re.compile(r"([^\s\[]+)<=x<=([^\s\];]+)")


class Command(TyperCommand):
    """A command whose help says what is to be given in a user's words, not by Python's types."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the usage line, in which what must be given stands without brackets."""
        return [re.sub(r"[{}]", "", piece) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and options, each with a word for what it takes."""
        write = formatter.write_dl

        def write_in_words(rows: Any, *layout: Any, **more: Any) -> None:
            write([(_taken(name), _told(told)) for name, told in rows], *layout, **more)

        formatter.write_dl = write_in_words
        super().format_options(ctx, formatter)


class Commands(typer.Typer):
    """Commands whose help is in a user's words."""

    def command(
        self, *name: Any, **options: Any
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """Return what makes a function a command."""
        return super().command(*name, **{"cls": Command, **options})


def _taken(name: str) -> str:
    """Return the name of an option with a word for what it takes.

    >>> _taken("--seed <int range>"), _taken("SCENARIO <str>"), _taken("--engine <auto|events>")
    ('--seed N', 'SCENARIO', '--engine auto|events')
    """
    found = _TYPE.search(name)
    if found is None:
        return name
    option = name[: found.start()].rstrip()
    if not option.startswith("-"):
        return option
    plain = found[1].removesuffix(" range")
    return f"{option} {_WORDS.get(plain, plain if '|' in plain else plain.upper())}"


def _told(told: str) -> str:
    """Return what help says of an option, its bounds in words.

    >>> _told("Trials.  [default: 64; x>=1]"), _told("Seed.  [0<=x<=9]")
    ('Trials.  [default: 64; at least 1]', 'Seed.  [0 to 9]')
    """
    return _BETWEEN.sub(r"\1 to \2", _AT_LEAST.sub(r"at least \1", told))


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that takes the options of the groups among its parameters."""
    options = list(_options_of(command))

    def flat(**values: Any) -> None:
        _called(command, values)

    flat.__name__, flat.__doc__ = command.__name__, command.__doc__
    flat.__annotations__ = {one.name: one.annotation for one in options}
    flat.__signature__ = Signature(options)  # type: ignore[attr-defined]
    return flat


def _options_of(owner: Callable[..., Any]) -> Iterator[Parameter]:
    """Yield the options of a command or a group, those of a group where it stands."""
    for one in signature(owner).parameters.values():
        if _is_group(one.annotation):
            yield from _options_of(one.annotation)
        else:
            yield one.replace(kind=Parameter.KEYWORD_ONLY)


def _called(owner: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    """Call a command, or make a group, with the values of its options."""
    own = {
        name: _called(one.annotation, values) if _is_group(one.annotation) else values[name]
        for name, one in signature(owner).parameters.items()
    }
    return owner(**own)


def _is_group(annotation: Any) -> bool:
    """Return whether a parameter stands for a group of options."""
    return isinstance(annotation, type) and is_dataclass(annotation)
