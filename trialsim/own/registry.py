"""Functions of users by name: those registered in this process, and installed entry points.

A name is looked up in these two places and nowhere else. No module is imported, and no file opened,
because a study file names it.
"""

import hashlib
import inspect
import marshal
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import FunctionType
from typing import Any, Final, Generic, TypeVar

from trialsim.errors import InputError, Problem

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Registered:
    """A function, and the name by which a study file chooses it."""

    name: str
    function: Callable[..., Any]
    fingerprint: str
    """The mark of its text and version."""


Kind = TypeVar("Kind", bound=Registered)


class Registry(Generic[Kind]):
    """The functions of one kind."""

    def __init__(self, kind: str) -> None:
        """Take what they are, after which the group of the entry points is called."""
        self._group = f"trialsim.{kind}"
        self._known: dict[str, Kind] = {}

    def register(self, one: Kind) -> None:
        """Add a function whose name no other function has.

        The same code may come again, and so may other code in the same place, such as a cell of a
        notebook that is run again.

        Raises
        ------
        InputError
            If another function has the name.
        """
        known = self._known.get(one.name)
        if known is not None and known.fingerprint != one.fingerprint:
            first, second = _place(known.function), _place(one.function)
            if first != second:
                rule = f"must be that of one function: {one.name} is registered by {first}, not by"
                raise InputError([Problem(self._group, f"{rule} {second}")])
        self.add(one)

    def add(self, one: Kind) -> None:
        """Register a function; one of the same name that was there before is replaced."""
        self._known[one.name] = one

    def find(self, name: str) -> Kind | None:
        """Return what bears a name; None where nothing does.

        Raises
        ------
        InputError
            If an installed package that offers it cannot be loaded or registers something else.
        """
        if name not in self._known and _NAME.fullmatch(name):
            self._load(name)
        return self._known.get(name)

    def names(self) -> list[str]:
        """Return all names, those of packages that are not loaded yet among them."""
        return sorted({*self._known, *(one.name for one in entry_points(group=self._group))})

    def _load(self, name: str) -> None:
        offered = tuple(entry_points(group=self._group, name=name))
        if len(offered) > 1:
            packages = ", ".join(sorted(one.dist.name for one in offered if one.dist))
            rule = f"must be offered by one package: {name} is an entry point of {packages}"
            raise InputError([Problem(self._group, rule)])
        for one in offered:
            try:
                one.load()
            except (Exception, SystemExit) as error:
                rule = f"the entry point {name} cannot be loaded: {said_by(error)}"
                raise InputError([Problem(self._group, rule, one.value)]) from error
            if name not in self._known:
                rule = f"the entry point {name} must lead to a function registered by that name"
                raise InputError([Problem(self._group, rule, one.value)])


def checked_name(name: str) -> str:
    """Return a name that a study file can give.

    Raises
    ------
    InputError
        If it is none.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        rule = "must be a name of lower case letters, digits and underscores"
        raise InputError([Problem("name", rule, name)])
    return name


def _place(function: Callable[..., Any]) -> str:
    """Return where a function stands, such as my_package.my_function."""
    return f"{function.__module__}.{function.__qualname__}"


def fingerprint(function: Callable[..., Any], version: str) -> str:
    """Return twelve hexadecimal digits of a function's own text and its version.

    What it calls is not looked into: for that, a version is changed.

    Raises
    ------
    InputError
        If it is not a function written in Python.
    """
    if not isinstance(function, FunctionType):
        raise InputError([Problem("function", "must be a Python function", repr(function))])
    try:
        text = inspect.getsource(function).encode()
    except (OSError, TypeError):  # such as one typed into an interpreter
        text = marshal.dumps(function.__code__)
    return hashlib.sha256(text + version.encode()).hexdigest()[:12]


def first_error(
    call: Callable[[Any], Any], parts: Iterable[Any], error: BaseException
) -> tuple[int | None, str]:
    """Return at which part of a batch that raised an error a call raises by itself, and what.

    If it does at none, there is only the error of the batch.
    """
    for place, part in enumerate(parts):
        try:
            call(part)
        except (Exception, SystemExit) as alone:
            return place, f"raised {said_by(alone)}"
    return None, f"raised {said_by(error)}"


def said_by(error: BaseException) -> str:
    """Return what an error says in a line, with where in the user's code it arose.

    >>> said_by(ValueError("no"))
    'ValueError: no'
    """
    told = f"{type(error).__name__}: {error}".replace("\n", " ").rstrip(": ")
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None:
        return told
    file = last.tb_frame.f_code.co_filename.replace("\\", "/").rsplit("/", 1)[-1]
    return f"{told} ({file}, line {last.tb_lineno})"
