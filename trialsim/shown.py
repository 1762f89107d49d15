"""Results that draw and show themselves, by functions that the package hands in when it is loaded.

A result stands below the part that draws it and does not know it, so that nobody who only computes
loads a plotting library.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_shows: dict[str, Callable[..., Any]] = {}


def show_by(plot: "Callable[..., Figure]", html: Callable[[Any], str]) -> None:
    """Name the functions that draw a result and write it as HTML."""
    _shows.update(plot=plot, html=html)


def plot(result: "Shown", kind: str | None = None, **options: Any) -> "Figure":
    """Return a figure of a result, of its first kind unless another is named.

    Options are those of the figure, such as `width` in inches.

    Raises
    ------
    InputError
        If the result has no such figure, or the extra `report` is not installed.
    """
    figure: Figure = _shows["plot"](result, kind, **options)
    return figure


class Shown:
    """Gives a result its figures and its look in a notebook."""

    __slots__ = ()

    def plot(self, kind: str | None = None, **options: Any) -> "Figure":
        """Return a figure of the result, as `trialsim.plot` does."""
        return plot(self, kind, **options)

    def _repr_html_(self) -> str:
        """Return the result as HTML, for notebooks."""
        html: str = _shows["html"](self)
        return html
