"""Results that draw and show themselves, by a part of the house above them that is found by name.

A result stands floors below `trialsim.reporting`, which draws it; so these methods import that when
they are called, as pandas does with its plotting backend, and nobody pays for it who does not ask.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Shown:
    """Gives a result its figures and its look in a notebook."""

    __slots__ = ()

    def plot(self, kind: str | None = None, **options: Any) -> "Figure":
        """Return a figure of the result, of its first kind unless told otherwise.

        `trialsim.reporting.figures.catalogue` says which kinds a result has; options are those of
        the figure, such as `width` in inches.

        Raises
        ------
        InputError
            If the result has no such figure, or the extra `report` is not installed.
        """
        figure: Figure = import_module("trialsim.reporting.figures.catalogue").plot(
            self, kind, **options
        )
        return figure

    def _repr_html_(self) -> str:
        """Return the result as HTML, for notebooks."""
        html: str = import_module("trialsim.reporting.notebook").html(self)
        return html
