"""Results that draw themselves, and are tables and files."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialsim.legible import Printed, shows

if TYPE_CHECKING:
    from pandas import DataFrame

    from trialsim.legible import Picture


def plot(result: Printed, kind: str | None = None, **options: Any) -> "Picture":
    """Return a figure of a result or a study, of its first kind unless another is named.

    Options are those of the figure, such as `width` in inches.

    Raises
    ------
    InputError
        If the result has no such figure, or the extra `report` is not installed.
    """
    return shows().plot(result, kind, **options)


class Shown(Printed):
    """Gives a result its figures, its table and its files."""

    __slots__ = ()

    if TYPE_CHECKING:

        def to_frame(self) -> "DataFrame":
            """Return the result as a table, each its own."""

    def plot(self, kind: str | None = None, **options: Any) -> "Picture":
        """Return a figure of the result, as `trialsim.plot` does."""
        return plot(self, kind, **options)

    def summary(self) -> "DataFrame":
        """Return the table that sums the result up."""
        return self.to_frame()

    def save(self, path: str | Path, overwrite: bool = False) -> None:
        """Write the result to a file; the end of its name says how.

        A .json file has all of it, a .csv the table, with its dictionary beside it, an .xlsx both
        (extra `office`), and a .txt all that is printed.

        Raises
        ------
        InputError
            If the name ends otherwise, or a file that is there may not be overwritten.
        RunError
            If it cannot be written.
        """
        shows().save(self, path, overwrite)
