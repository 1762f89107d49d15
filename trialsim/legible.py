"""Text that may be shown: what is no letter is written as an escape.

A control character moves a terminal's cursor or ends a drawing's well-formedness, a mark that turns
the direction of writing shows a name as another, and half a character cannot be written at all.
"""

import re
from typing import Final

_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def legible(text: str) -> str:
    r"""Return a text with nothing in it that is not seen, but for tabs and the ends of lines.

    The escapes are those of JSON, so what is JSON stays so and means the same.

    >>> legible("Stroke\x1b[2J trial"), legible("Étude “petite” — 小\n")
    ('Stroke\\u001b[2J trial', 'Étude “petite” — 小\n')
    """
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
