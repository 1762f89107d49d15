"""Office files are archives, and the same content makes the same file at any time."""

import re
from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

_FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest date that an archive can give a file."""
_WRITTEN: Final = re.compile(rb"(<dcterms:(?:created|modified)\b[^>]*>)[^<]*")
_SOME_TIME: Final = rb"\g<1>1980-01-01T00:00:00Z"


def without_clock(archive: bytes) -> bytes:
    """Return an archive whose files, and what it says of itself, all carry the same date.

    >>> once = BytesIO()
    >>> with ZipFile(once, "w") as file:
    ...     file.writestr("words.xml", "<a/>")
    >>> with ZipFile(BytesIO(without_clock(once.getvalue()))) as file:
    ...     file.getinfo("words.xml").date_time[0], file.read("words.xml")
    (1980, b'<a/>')
    """
    file = BytesIO()
    with ZipFile(BytesIO(archive)) as given, ZipFile(file, "w", ZIP_DEFLATED) as written:
        for part in given.infolist():
            content = given.read(part)
            if part.filename == "docProps/core.xml":
                content = _WRITTEN.sub(_SOME_TIME, content)
            written.writestr(ZipInfo(part.filename, _FIRST_DAY), content, ZIP_DEFLATED)
    return file.getvalue()
