"""How wide a text is and where it wraps, for drawings whose reader chooses the font.

Widths are those of DejaVu Sans, the widest of the usual sans-serif fonts: in any other the text is
a little shorter than the room that it is given.
"""

from collections.abc import Iterator
from typing import Final

_HUNDREDTHS: Final = {
    29: "'ijlIJ",
    34: " \N{NO-BREAK SPACE},./:;\\|",
    40: "f-()[]t!r",
    50: '"*_`csz?L',
    59: "FkvxyPTYao",
    64: "eESbdghnpqu0123456789${}",
    70: "KAVBRXZC",
    79: "UHNDG&OQ",
    84: "w#+<=>^~",
    100: "mM%W@",
}
_WIDTHS: Final = {
    letter: width / 100 for width, letters in _HUNDREDTHS.items() for letter in letters
}
_OTHERS: Final = 0.64
_BOLD: Final = 1.12


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return how wide a text may be in a font of a size, in the unit of the size.

    >>> text_width("ill", 10.0) < text_width("ill", 10.0, bold=True) < text_width("mmm", 10.0)
    True
    """
    width = sum(_WIDTHS.get(letter, _OTHERS) for letter in text) * size
    return width * _BOLD if bold else width


def wrapped(text: str, room: float, size: float, bold: bool = False) -> list[str]:
    """Return the lines of a text, each no wider than the room.

    Words part at spaces; no-break spaces hold theirs together. A word that is wider than the room
    alone is broken.

    >>> wrapped("Recent myocardial infarction", 110.0, 10.0)
    ['Recent myocardial', 'infarction']
    """
    lines: list[str] = []
    for word in text.split(" "):
        for part in _broken(word, room, size, bold):
            longer = f"{lines[-1]} {part}" if lines else part
            if lines and text_width(longer, size, bold) <= room:
                lines[-1] = longer
            else:
                lines.append(part)
    return lines


def _broken(word: str, room: float, size: float, bold: bool) -> Iterator[str]:
    """Yield a word whole, or in pieces that fit; no piece is empty."""
    while len(word) > 1 and text_width(word, size, bold) > room:
        fitting = len(word) - 1
        while fitting > 1 and text_width(word[:fitting], size, bold) > room:
            fitting -= 1
        yield word[:fitting]
        word = word[fitting:]
    yield word
