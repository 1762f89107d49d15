"""A figure that carries its own words, shows itself in a notebook, and is written the same twice.

Identifiers inside an SVG are salted with the figure's title, so several stand on one page.
"""

import re
from collections.abc import Mapping
from html import escape
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.figure import Figure

from trialsim.errors import InputError, Problem, RunError
from trialsim.runs.atomic_file import write_whole

_DOTS_PER_INCH: Final = 160
_NO_DATE: Final[Mapping[str, None]] = dict.fromkeys(("Date", "Creator", "Format", "Type"))


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
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": self.title}):
            self.savefig(text, format="svg", metadata=dict(_NO_DATE))
        element = text.getvalue()
        element = element[element.index("<svg") :]
        element = re.sub(r"\s*<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
        element = re.sub(r'<g id="[^"]*"', "<g", element)
        label = escape(f"{self.title}. {self.caption}", quote=True)
        return element.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)

    def png(self) -> bytes:
        """Return the figure as a PNG file."""
        content = BytesIO()
        self.savefig(content, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
        return content.getvalue()

    def write(self, path: str | Path) -> None:
        """Write the figure to a file whose name ends in .svg or .png.

        Raises
        ------
        InputError
            If it ends otherwise.
        RunError
            If it cannot be written.
        """
        path = Path(path)
        match path.suffix.lower():
            case ".svg":
                content = f'<?xml version="1.0" encoding="utf-8"?>\n{self.svg()}'.encode()
            case ".png":
                content = self.png()
            case _:
                raise InputError([Problem("out", "must end in .svg or .png", str(path))])
        try:
            write_whole(path, content)
        except OSError as error:
            raise RunError(f"cannot write to {path}: {error.strerror or error}") from None

    def _repr_svg_(self) -> str:
        """Let a notebook show the figure."""
        return self.svg()
