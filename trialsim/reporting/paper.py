"""A page as PDF: what a browser would print of it, by WeasyPrint, which asks no network."""

from typing import Any, Final

from trialsim.errors import InputError, Problem

NEEDS_EXTRA: Final = "PDF needs the extra office: pip install 'trialsim[office]'"


def check_paper() -> None:
    """Refuse a PDF, before its page is made, where it cannot be printed.

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
