"""Pages printed as PDF, and drawings in pixels: by WeasyPrint, which asks no network."""

import re
from io import BytesIO
from typing import Any, Final, NamedTuple

from trialsim.errors import InputError, Problem
from trialsim.reporting.named_file import MAKER

NEEDS_EXTRA: Final = "{} needs the extra office: pip install 'trialsim[office]'"
_MM_OF_PIXEL: Final = 25.4 / 96
_DOTS_OF_PIXEL: Final = 2.0
"""Of a drawing in pixels, for each of CSS: 192 an inch."""


def check_printing() -> None:
    """Refuse, before any of it is made, what this installation cannot print.

    Raises
    ------
    InputError
        If the extra `office`, or a library of the system that it needs, is not installed.
    """
    _weasyprint()


def as_pdf(page: str) -> bytes:
    """Return a page of HTML as PDF; what it would fetch is refused.

    Raises
    ------
    InputError
        If the extra `office`, or a library of the system that it needs, is not installed.
    """
    maker = _weasyprint()
    fetcher = maker.urls.URLFetcher(allowed_protocols=("data",))
    printed: bytes = maker.HTML(string=page, url_fetcher=fetcher).write_pdf()
    return printed


class Pixels(NamedTuple):
    """A drawing as a PNG file, and its size on paper."""

    content: bytes
    width_mm: float
    height_mm: float


def drawn_as_pdf(svg: str) -> bytes:
    """Return a drawing as PDF, on a white sheet of its own size.

    Raises
    ------
    InputError
        If the extra `office`, or a library of the system that it needs, is not installed.
    """
    width, height = _size(svg)
    sheet = f"@page {{ size: {width}px {height}px; margin: 0; background: #ffffff }}"
    own = f"svg {{ display: block; width: {width}px; height: {height}px }} body {{ margin: 0 }}"
    return as_pdf(f"<html><style>{sheet} {own}</style><body>{svg}</body></html>")


def as_png(svg: str) -> Pixels:
    """Return a drawing in pixels, on white.

    Raises
    ------
    InputError
        If the extra `office`, or a library of the system that it needs, is not installed.
    """
    check_printing()
    from PIL.PngImagePlugin import PngInfo
    from pypdfium2 import PdfDocument

    width, height = _size(svg)
    content, about = BytesIO(), PngInfo()
    about.add_text("Software", MAKER)
    with PdfDocument(drawn_as_pdf(svg)) as document:
        drawn = document[0].render(scale=_DOTS_OF_PIXEL * 96 / 72)
        drawn.to_pil().save(content, "png", pnginfo=about)
    return Pixels(content.getvalue(), width * _MM_OF_PIXEL, height * _MM_OF_PIXEL)


def _size(svg: str) -> tuple[float, float]:
    """Return width and height of a drawing in pixels of CSS, by its view box.

    >>> _size('<svg viewBox="0 -6 300 96" width="504pt">')
    (672.0, 215.04)
    >>> _size('<svg viewBox="0 0 300 96" width="375">')
    (375.0, 120.0)
    """
    box = re.search(r'viewBox="\S+ \S+ (\S+) (\S+)"', svg)
    width = re.search(r'\swidth="([\d.]+)(pt)?"', svg)
    if box is None or width is None:
        raise ValueError("a drawing without a size")
    pixels = float(width[1]) * (96 / 72 if width[2] else 1)
    return pixels, pixels * float(box[2]) / float(box[1])


def _weasyprint() -> Any:
    try:
        import pypdfium2  # noqa: F401
        import weasyprint
    except ImportError:
        raise InputError([Problem("", NEEDS_EXTRA.format("PDF"))]) from None
    except OSError as error:  # Pango is found as it is loaded
        raise InputError(
            [Problem("", f"PDF needs Pango, which WeasyPrint loads: {error}")]
        ) from None
    return weasyprint
