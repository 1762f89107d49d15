"""The ways an input can be wrong and a run can fail, in words for whoever has to fix it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from typing import Final

_LONGEST_NAME: Final = 200
"""Beyond, no known name is near, and looking for one takes long."""
_CLOSE: Final = 0.65
"""How alike two spellings are at least, by difflib's ratio, of which one is offered."""


class TrialsimError(Exception):
    """Anything that trialsim refuses on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where."""

    path: str
    """The dotted path inside the scenario, or the name of an option; "" where there is none."""
    rule: str
    value: str | None = None
    """What was found, as the user would write it; None where nothing was."""
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Say the place, the path, the rule and the value.

        >>> print(Problem("design.patients", "must be at least 2", "1", "cars1.yaml", 16, 3))
        cars1.yaml:16:3: design.patients: must be at least 2 (got 1)
        """
        place = ":".join(_one_line(part) for part in (self.file, self.line, self.column) if part)
        got = "" if self.value is None else f" (got {_one_line(self.value)})"
        return ": ".join(part for part in (place, self.path, self.rule) if part) + got


def _one_line(part: object) -> str:
    return str(part).replace("\n", "\\n")


class InputError(TrialsimError, ValueError):
    """The input is wrong; every problem found is reported at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Sequence[Problem] = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type["InputError"], tuple[Sequence[Problem]]]:
        """Let the error travel between processes whole."""
        return type(self), (self.problems,)


class RunError(TrialsimError, RuntimeError):
    """A run was well specified and could not be finished."""


class StoppedError(TrialsimError):
    """To be raised in `progress`, which is called after each task, by who wants to stop a run.

    The workers end, whole blocks stay in the directory of the run, if it has one, from which the
    same call continues, and whoever asked the question gets the error back.
    """


class RecruitmentError(RunError):
    """Recruitment never reaches the planned number of patients, in any replicate that was run."""

    def __init__(self, reason: str, replicates: int = 1) -> None:
        """Take the reason, which is that of each replicate, and how many replicates were run."""
        self.reason = reason
        super().__init__(reason + (f" in any of {replicates} replicates" if replicates > 1 else ""))


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that is most like the given one, or "".

    Capitals are no difference.

    >>> nearest("patient", ["patients", "arms"]), nearest("ARAT", ["arat", "mrs"])
    ('; did you mean patients?', '; did you mean arat?')
    """
    if len(name) > _LONGEST_NAME:
        return ""
    names = {one.lower(): one for one in map(str, known)}
    close = get_close_matches(name.lower(), names, n=1, cutoff=_CLOSE)
    return f"; did you mean {names[close[0]]}?" if close else ""


def nearest_path(path: str, known: Iterable[str]) -> str:
    """Return a hint at the known dotted path that is most like the given one, or "".

    What two paths have in common makes them no more alike: only where they differ is compared.

    >>> nearest_path("design.patient", ["design.patients", "design.arms"])
    '; did you mean design.patients?'
    >>> nearest_path("design.depot", ["design.patients", "design.arms"])
    ''
    """
    if len(path) > _LONGEST_NAME:
        return ""
    for one in get_close_matches(path, list(map(str, known)), n=5, cutoff=_CLOSE):
        ours, theirs = _where_they_differ(path.split("."), one.split("."))
        if SequenceMatcher(None, ours, theirs).ratio() >= _CLOSE:
            return f"; did you mean {one}?"
    return ""


def _where_they_differ(one: list[str], other: list[str]) -> tuple[str, str]:
    """Return two paths without the names that both begin with and those that both end with."""
    for end in (0, -1):
        while one and other and one[end] == other[end]:
            one, other = (one[1:], other[1:]) if end == 0 else (one[:-1], other[:-1])
    return ".".join(one), ".".join(other)
