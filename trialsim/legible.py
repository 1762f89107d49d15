"""What is shown can be read: no character that is not seen, a result in a line or a page.

A control character moves a terminal's cursor or ends a drawing's well-formedness, a mark that turns
the direction of writing shows a name as another, and half a character cannot be written at all.
Results and studies stand below the part that draws and writes them and do not know it, so that
nobody who only computes loads a plotting library: the package hands it in as it is loaded.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    class Picture(Figure):
        """A figure as type checkers know it; what draws it is handed in."""

        def write(self, path: str | Path, overwrite: bool = False) -> None:
            """Write the figure to a file whose name ends in .svg or .png."""


_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def legible(text: str) -> str:
    r"""Return a text with nothing in it that is not seen, but for tabs and the ends of lines.

    The escapes are those of JSON, so what is JSON stays so and means the same.

    >>> legible("Stroke\x1b[2J trial"), legible("Étude “petite” — 小\n")
    ('Stroke\\u001b[2J trial', 'Étude “petite” — 小\n')
    """
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Shows(Protocol):
    """What shows a result: the module that the package hands in."""

    def plot(self, result: Any, kind: str | None, **options: Any) -> "Picture":
        """Return a figure of it."""

    def line(self, shown: Any) -> str:
        """Return what it is and says, in a line."""

    def text(self, shown: Any) -> str:
        """Return what the command line prints of it."""

    def html(self, shown: Any) -> str:
        """Return it as HTML."""

    def save(self, result: Any, path: str | Path, overwrite: bool) -> None:
        """Write it to a file."""

    def bar(self, replicates: int | None) -> AbstractContextManager[Callable[[int, Any], None]]:
        """Return what shows how far so many replicates are, as long as it is open."""

    def yaml(self, study: Any) -> str:
        """Return the whole file of a study."""

    def description(self, study: Any) -> str:
        """Return a study in words, and the status of each number."""

    def difference(self, study: Any, other: Any) -> "dict[str, tuple[Any, Any]]":
        """Return both values of what differs between two studies, by path."""


MOST_LINES: Final = 25
"""Of what is printed of a result; the rest is in the file that `save` writes."""
_handed_in: Final[list[Callable[[], Shows]]] = []


def show_by(loaded: Callable[[], Shows]) -> None:
    """Name the function that loads what shows results."""
    _handed_in[:] = [loaded]


def shows() -> Shows:
    """Return what shows results."""
    (loaded,) = _handed_in
    return loaded()


class Printed:
    """Gives what is public a line, a text and HTML in place of all that it holds."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return a line: the class, the study, and the answer with its error."""
        return shows().line(self)

    def __str__(self) -> str:
        """Return what the command line prints, of a long text the first lines."""
        lines = shows().text(self).splitlines()
        if len(lines) <= MOST_LINES:
            return "\n".join(lines)
        return "\n".join([*lines[: MOST_LINES - 1], "..."])

    def _repr_html_(self) -> str:
        """Return it as HTML, for notebooks."""
        return shows().html(self)


class PrintedStudy(Printed):
    """Gives a study its file, its description, and what sets it apart from another."""

    __slots__ = ()

    def to_yaml(self) -> str:
        """Return the whole study as its file would have it, without `extends`."""
        return shows().yaml(self)

    def describe(self) -> str:
        """Return the study in words, and the status of each number, as `trialsim show` prints."""
        return shows().description(self)

    def diff(self, other: Any) -> dict[str, tuple[Any, Any]]:
        """Return the values here and in another study, by the path of what differs.

        The other is a study, the name of a built-in one or the path of its file. A value that one
        of them has not is None; what documents a study and changes nothing is left out.
        """
        return shows().difference(self, other)
