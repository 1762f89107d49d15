"""A figure that carries its own words, shows itself in a notebook, and is written the same twice.

Identifiers inside an SVG are salted with the figure's title, so several stand on one page.
"""

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from trialsim.errors import InputError, Problem
from trialsim.legible import legible
from trialsim.reporting.named_file import MAKER, write_named

_DOTS_PER_INCH: Final = 160
_NO_DATE: Final[Mapping[str, None]] = dict.fromkeys(("Date", "Creator", "Format", "Type"))


@contextmanager
def any_letters() -> Iterator[None]:
    """Draw letters that the font lacks as boxes, without a word about each of them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        yield


class Drawing(Figure):
    """A matplotlib figure with the title and the caption that stand on it."""

    def __init__(self, title: str, caption: str, **options: Any) -> None:
        """Take the words, and what matplotlib's figure takes."""
        super().__init__(**options)
        self.title = title
        self.caption = caption

    def svg(self) -> str:
        """Return the figure as an SVG element to stand in a page, its words as its label."""
        text = StringIO()
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": self.title}), any_letters():
            canvas = FigureCanvasSVG(self)  # without the dry run of `savefig`, which only lays out
            canvas.print_svg(text, metadata=dict(_NO_DATE))  # type: ignore[no-untyped-call]
        element = legible(text.getvalue())
        element = element[element.index("<svg") :]
        element = re.sub(r"\s*<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
        element = re.sub(r'<g id="[^"]*"', "<g", element)
        label = escape(legible(f"{self.title}. {self.caption}"), quote=True)
        return element.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)

    def svg_file(self) -> bytes:
        """Return the figure as an SVG file, which says what made it."""
        return f'<?xml version="1.0" encoding="utf-8"?>\n<!-- {MAKER} -->\n{self.svg()}'.encode()

    def png(self) -> bytes:
        """Return the figure as a PNG file."""
        content = BytesIO()
        with any_letters():
            self.savefig(content, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": MAKER})
        return content.getvalue()

    def pdf(self) -> bytes:
        """Return the figure as a PDF file, its letters as letters."""
        content = BytesIO()
        about = {"Creator": MAKER, "Title": self.title, "CreationDate": None, "Producer": None}
        with rc_context({"pdf.fonttype": 42}), any_letters():
            self.savefig(content, format="pdf", metadata=about)
        return content.getvalue()

    def write(self, path: str | Path, overwrite: bool = False) -> None:
        """Write the figure to a file whose name ends in .svg, .png or .pdf.

        Raises
        ------
        InputError
            If it ends otherwise, or what is there is no figure or page of trialsim and may not be
            overwritten.
        RunError
            If it cannot be written.
        """
        path = Path(path)
        match path.suffix.lower():
            case ".svg":
                content = self.svg_file()
            case ".png":
                content = self.png()
            case ".pdf":
                content = self.pdf()
            case _:
                raise InputError([Problem("out", "must end in .svg, .png or .pdf", str(path))])
        write_named(path, content, overwrite=overwrite)

    def _repr_svg_(self) -> str:
        """Let a notebook show the figure."""
        return self.svg()
