"""Words on axes and beside rows: quantities with their units, and paths that fit a margin."""

from typing import Final

from trialsim.scenario.programme import Study
from trialsim.scenario.words.labels import path_in_words, spoken
from trialsim.scenario.words.values import unit_of

QUANTITIES: Final = {
    "power": "power",
    "estimate": "mean estimate",
    "duration_days": "duration of the trial (days)",
    "screened": "candidates screened (number)",
    "infusions_given": "infusions given (number)",
}
"""What is compared between studies, as an axis says it."""


def with_unit(path: str, study: Study | None) -> str:
    """Return what stands at a path, with its unit where the words do not say it.

    >>> import trialsim as ts
    >>> with_unit("operations.death.probability", ts.load("cars1"))
    'Death, probability'
    >>> with_unit("operations.clinic_opens_hour", ts.load("cars1"))
    'Clinic opens hour'
    """
    words, unit = spoken(path_in_words(path, study)), unit_of(path.rsplit(".", 1)[-1])
    return f"{words} ({unit})" if unit and unit.lower() not in words.lower() else words


def signed(value: float) -> str:
    """Return a difference to three digits, with its sign.

    >>> signed(-0.01234), signed(120.0)
    ('\N{MINUS SIGN}0.0123', '+120')
    """
    return f"{value:+.3g}".replace("-", "\N{MINUS SIGN}")


def broken(name: str, letters: int) -> str:
    """Return a name on as many lines as needed, broken after a dot, a comma or a space.

    >>> print(broken("operations.withdrawal.probability=0.02", 24))
    operations.withdrawal.
    probability=0.02
    """
    lines = [""]
    piece = ""
    for letter in name:
        piece += letter
        if letter in "., " and not _inside_a_number(name, len("".join(lines) + piece)):
            _add(lines, piece, letters)
            piece = ""
    _add(lines, piece, letters)
    return "\n".join(line.strip() for line in lines)


def _inside_a_number(name: str, place: int) -> bool:
    return name[place : place + 1].isdigit() and name[place - 1] == "."


def _add(lines: list[str], piece: str, letters: int) -> None:
    if lines[-1] and len(lines[-1]) + len(piece) > letters:
        lines.append(piece)
    else:
        lines[-1] += piece
