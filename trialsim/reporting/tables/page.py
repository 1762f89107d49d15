"""A page that one can send: one file of HTML that needs no network.

Every page extends `base.html` and is built of the tables and figures described here, which
`parts.html` writes down. Its first line and its footer say that the cohorts are simulated.
"""

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from trialsim.errors import InputError, Problem
from trialsim.legible import legible
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.named_file import MAKER

if TYPE_CHECKING:
    from jinja2 import Environment


class Cell(NamedTuple):
    """What stands in one place of a table."""

    text: str
    value: float | None = None
    """The number to sort by, and for machines, in full precision; None for words."""
    name: str | None = None
    """The name under which the number stands in the JSON of the same result."""
    kind: str = ""
    """A class of the style sheet, for words: `path`, `prose` or `status`."""
    target: str = ""
    """The name of what it leads to on the same page."""


class TableRow(NamedTuple):
    """A row of a table; its first cell is its heading."""

    cells: Sequence[Cell]
    kind: str = ""
    """A class of the style sheet."""


class Table(NamedTuple):
    """A table that can be sorted by each of its columns."""

    name: str
    """Unique on its page."""
    caption: str
    columns: Sequence[str]
    rows: Sequence[TableRow]

    def is_number(self, column: int) -> bool:
        """Return whether a column holds numbers."""
        return any(row.cells[column].value is not None for row in self.rows)


class Figure(NamedTuple):
    """A drawing, with what it shows in words."""

    name: str
    """Unique on its page."""
    svg: str
    caption: str
    alternative: str
    """What a reader hears who cannot see it."""
    ink_on_white: bool = False
    """Whether its colours are fixed, and must be turned round in the dark."""


def number(value: float | None, digits: int, name: str | None = None, sign: str = "") -> Cell:
    """Return a number for a table, a dash where it is not known.

    >>> number(0.71037, 4).text, number(float("nan"), 4).text, number(1234.5, 1, sign="+").text
    ('0.7104', '–', '+1,234.5')
    """
    if value is None or not math.isfinite(value):
        return Cell("–", None, name, "number")
    return Cell(f"{value:{sign},.{digits}f}", value, name)


def error(mcse: float | None, digits: int, name: str | None = None) -> Cell:
    """Return a Monte Carlo standard error for a table; a dash where the formula gives 0.

    So it does at a proportion of 0 or 1, where the interval alone says what is known.

    >>> error(0.00372, 4).text, error(0.0, 4).text, error(0.0, 4).value
    ('0.0037', '–', 0.0)
    """
    cell = number(mcse, digits, name)
    if not mcse:
        return cell._replace(text="–")
    smallest = 10.0**-digits
    return cell._replace(text=f"<{smallest:.{digits}f}") if 0 < mcse < smallest / 2 else cell


def proportion(told: Mapping[str, Any], value: str, path: str) -> list[Cell]:
    """Return a proportion of the JSON, its Monte Carlo error, and the ends of its interval."""
    low, high = told["ci"]
    return [
        number(told[value], 4, f"{path}.{value}"),
        error(told["mcse"], 4, f"{path}.mcse"),
        number(low, 4, f"{path}.ci.0"),
        number(high, 4, f"{path}.ci.1"),
    ]


def p_value(value: float, name: str | None = None) -> Cell:
    """Return a p-value for a table, a small one as below the last decimal shown.

    >>> p_value(0.03217).text, p_value(2e-9).text
    ('0.0322', '<0.0001')
    """
    cell = number(value, 4, name)
    return cell._replace(text="<0.0001") if value < 0.0001 else cell


def mean_and_sd(mean: float, sd: float) -> Cell:
    """Return a mean for a table with its standard deviation, to two digits of that at least.

    >>> mean_and_sd(35.61, 12.34).text, mean_and_sd(0.3512, 0.0349).text
    ('35.6 (12.3)', '0.351 (0.035)')
    >>> mean_and_sd(35.61, float("nan")).text
    '35.6 (–)'
    """
    decimals = max(1, 1 - math.floor(math.log10(sd))) if sd > 0 else 1
    cell = number(mean, decimals)
    return cell._replace(text=f"{cell.text} ({number(sd, decimals).text})")


def words(*texts: str) -> TableRow:
    """Return a row of words.

    >>> [cell.text for cell in words("seed", "2016").cells]
    ['seed', '2016']
    """
    return TableRow([Cell(text) for text in texts])


def inlined(svg: str, prefix: str) -> str:
    """Return an SVG document as an element of a page, with names of its own for its parts.

    >>> inlined('<?xml version="1.0"?><svg><path id="a"/><use href="#a"/></svg>', "power")
    '<svg><path id="power-a"/><use href="#power-a"/></svg>'
    """
    element = svg[svg.index("<svg") :].rstrip()
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'(\sid=")', rf"\g<1>{prefix}-", element)
    return re.sub(r"""(url\(["']?#|href="#)""", rf"\g<1>{prefix}-", element)


def breakable(path: str) -> str:
    """Return a path that is safe in HTML and may be broken where a name in it ends.

    >>> breakable("design.block_size=<4>")
    'design.<wbr>block_size=&lt;4&gt;'
    """
    return escape(path).replace(".", ".<wbr>")


def rendered(template: str, content: Mapping[str, Any]) -> str:
    """Return the page that a template makes of its content.

    Raises
    ------
    InputError
        If the extra `report` is not installed.
    """
    return legible(_environment().get_template(template).render(**content))


def check_pages() -> None:
    """Refuse, before any of it is made, a page that this installation cannot make.

    Raises
    ------
    InputError
        If the extra `report` is not installed.
    """
    _environment()


@cache
def _environment() -> "Environment":
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
    except ImportError:
        raise InputError([Problem("", NEEDS_EXTRA)]) from None
    environment = Environment(
        loader=PackageLoader("trialsim.reporting"),
        autoescape=select_autoescape(["html", "svg"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = breakable
    environment.globals |= {"simulated": SIMULATED, "maker": MAKER}
    return environment


NEEDS_EXTRA: Final = "pages need the extra report: pip install 'trialsim[report]'"
