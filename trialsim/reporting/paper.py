"""A page as a file: HTML, PDF or Word, as its name ends."""

from pathlib import Path
from typing import Final

from trialsim.errors import InputError, Problem
from trialsim.reporting.printed import as_pdf, check_printing
from trialsim.reporting.word import as_docx, check_word

PAPER: Final = (".pdf", ".docx")
_KINDS: Final = (".html", *PAPER)


def check_kind(path: Path, option: str) -> None:
    """Refuse a file that a page cannot become, before the page is made.

    Raises
    ------
    InputError
        If its name ends otherwise than in .html, .pdf or .docx, or for PDF and Word the extra
        `office`, or a library of the system that it needs, is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in _KINDS:
        rule = f"must end in {', '.join(_KINDS[:-1])} or {_KINDS[-1]}"
        raise InputError([Problem(option, rule, str(path))])
    if suffix in PAPER:
        check_printing()
    if suffix == ".docx":
        check_word()


def as_file(path: Path, page: str) -> bytes:
    """Return a page as the content of a file, whose name says of which kind."""
    match path.suffix.lower():
        case ".pdf":
            return as_pdf(page)
        case ".docx":
            return as_docx(page)
        case _:
            return page.encode()
