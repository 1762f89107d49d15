"""What every printed result has: that it is simulated, and its conventions."""

from collections.abc import Mapping
from textwrap import wrap
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from trialsim.replicates.result import SIMULATED
from trialsim.scenario.words.labels import in_words
from trialsim.stats.monte_carlo import Proportion

_WIDTH: Final = 100
_INDENT: Final = 21
_OF_LOOKS: Final = "monitoring_"
_MONITORING: Final = "Monitoring"


def heading(title: str, what: str) -> str:
    """Return the first lines of a result, with a blank line after them."""
    return f"{title}\n{what}\n{SIMULATED}\n"


def data_heading(title: str, what: str, simulated: bool) -> str:
    """Return the first lines of an analysis of data, which may be those of patients."""
    if simulated:
        return heading(title, what)
    return f"{title}\n{what}\nAnalysed as the plan says; nothing is added to the data.\n"


def p_text(p_value: float) -> str:
    """Return a p-value as it is reported, to four decimals.

    >>> p_text(0.03271), p_text(2.6e-6)
    ('p 0.0327', 'p < 0.0001')
    """
    return "p < 0.0001" if p_value < 0.0001 else f"p {p_value:.4f}"


def error_text(mcse: ArrayLike, digits: int = 4) -> str:
    """Return a Monte Carlo standard error, for a column or a sentence beside an interval.

    At a proportion of 0 or 1 the formula gives 0, which is no error: there a dash stands for it,
    and the interval alone says what is known.

    >>> error_text(0.00123), error_text(0.0), error_text(0.00001)
    ('0.0012', '-', '<0.0001')
    """
    error = float(np.asarray(mcse))
    if error == 0:
        return "-"
    smallest = 10.0**-digits
    return f"<{smallest:.{digits}f}" if error < smallest / 2 else f"{error:.{digits}f}"


def ends_text(share: Proportion) -> str:
    """Return the ends of the interval of a proportion, for a column.

    >>> from trialsim.stats.monte_carlo import wilson_interval
    >>> ends_text(wilson_interval(10, 10))
    '0.7225-1.0000'
    """
    return f"{share.low:.4f}-{share.high:.4f}"


def conventions_text(conventions: Mapping[str, str]) -> list[str]:
    """Return the conventions of an analysis, each under its heading, as wrapped lines.

    A convention of several lines, such as that of the secondary analyses, becomes a list. Those of
    the looks stand together under their own heading.
    """
    lines: list[str] = []
    for name, words in conventions.items():
        of_looks = name.startswith(_OF_LOOKS)
        if of_looks and _MONITORING not in lines:
            lines += ["", _MONITORING]
        first, *others = words.splitlines()
        heading = f"{in_words(name.removeprefix(_OF_LOOKS)).capitalize()}:"
        lines += wrap(f"{heading:{_INDENT - 1}} {first}", _WIDTH, subsequent_indent=" " * _INDENT)
        for item in others:
            opening = " " * _INDENT + "- "
            lines += wrap(
                item, _WIDTH, initial_indent=opening, subsequent_indent=f"{opening[:-2]}  "
            )
    return lines
