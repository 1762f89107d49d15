"""A page as a file: HTML, or PDF as WeasyPrint prints it, which asks no network."""

from pathlib import Path
from typing import Any, Final

from trialsim.errors import InputError, Problem

NEEDS_EXTRA: Final = "PDF needs the extra office: pip install 'trialsim[office]'"
_KINDS: Final = (".html", ".pdf")


def check_kind(path: Path, option: str) -> None:
    """Refuse a file that a page cannot become, before the page is made.

    Raises
    ------
    InputError
        If its name ends otherwise than in .html or .pdf, or for a PDF the extra `office`, or a
        library of the system that it needs, is not installed.
    """
    if path.suffix.lower() not in _KINDS:
        raise InputError([Problem(option, f"must end in {' or '.join(_KINDS)}", str(path))])
    if _is_pdf(path):
        _weasyprint()


def as_file(path: Path, page: str) -> bytes:
    """Return a page as the content of a file, whose name says of which kind."""
    return as_pdf(page) if _is_pdf(path) else page.encode()


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


def _is_pdf(path: Path) -> bool:
    return path.suffix.lower() == ".pdf"


def _weasyprint() -> Any:
    try:
        import weasyprint
    except ImportError:
        raise InputError([Problem("", NEEDS_EXTRA)]) from None
    except OSError as error:  # Pango is found as it is loaded
        raise InputError(
            [Problem("", f"PDF needs Pango, which WeasyPrint loads: {error}")]
        ) from None
    return weasyprint
