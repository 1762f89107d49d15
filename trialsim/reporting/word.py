"""A page as a Word document: the page's own headings, sentences, tables and drawings, in its order.

What the page hides on paper is left out here too. Links within the page lead to bookmarks, every
table repeats its headings on the next sheet, and the footer counts the pages.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from trialsim.errors import InputError, Problem
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.named_file import MAKER
from trialsim.reporting.office_file import without_clock
from trialsim.reporting.printed import NEEDS_EXTRA, as_png

if TYPE_CHECKING:
    from docx.text.paragraph import Paragraph
    from lxml.html import HtmlElement

_DRAWING: Final = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_NOT_ON_PAPER: Final = (
    "//script | //style | //nav | //*[contains(concat(' ', @class, ' '), ' screen ')]"
    " | //*[contains(concat(' ', @class, ' '), ' folded ')]/*[not(self::summary)]"
)
_WIDTH_MM: Final = 178.0
"""Of the text on a sheet of A4."""
_HIGHEST_MM: Final = 205.0
_CHARACTER_MM, _EDGES_MM = 1.5, 4.5
"""Of a table's letters, on average, and of the room beside them."""
_WIDEST: Final = 48
"""Characters of a cell beyond which it is broken into lines."""
_POINTS: Final = {"Normal": 10, "Heading 1": 16, "Heading 2": 13, "Heading 3": 11, "Caption": 9}
"""The size of the letters by style."""


def check_word() -> None:
    """Refuse, before any of it is made, a document that this installation cannot make.

    Raises
    ------
    InputError
        If the extra `office` is not installed.
    """
    try:
        import docx  # noqa: F401
        import lxml.html  # noqa: F401
    except ImportError:
        raise InputError([Problem("", NEEDS_EXTRA.format("Word"))]) from None


def as_docx(page: str) -> bytes:
    """Return a page of HTML as a Word document.

    Raises
    ------
    InputError
        If the extra `office`, or a library of the system that it needs, is not installed.
    """
    check_word()
    from lxml.html import document_fromstring

    drawings: list[str] = _DRAWING.findall(page)
    numbers = iter(range(len(drawings)))
    tree = document_fromstring(
        _DRAWING.sub(lambda _: f'<img alt="{next(numbers)}">', page).encode()
    )
    for hidden in tree.xpath(_NOT_ON_PAPER):
        hidden.drop_tree()
    writer = _Writer(str(tree.findtext(".//title")), drawings)
    writer.write(tree.body)
    return writer.content()


class _Run(NamedTuple):
    """Words of one look."""

    text: str
    bold: bool = False
    target: str = ""
    """The name of what they lead to on the page."""


class _Writer:
    """The document as far as it is written."""

    def __init__(self, title: str, drawings: list[str]) -> None:
        import docx

        self.document = docx.Document()
        self.drawings = drawings
        self.figures = 0
        self.bookmarks = 0
        about = self.document.core_properties
        about.title, about.author, about.comments = title, MAKER, SIMULATED
        self._set_up()

    def _set_up(self) -> None:
        """Choose the sheet and the letters, and write what stands on every sheet."""
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.shared import Mm, Pt, RGBColor

        section = self.document.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.left_margin = section.right_margin = Mm((210 - _WIDTH_MM) / 2)
        section.top_margin = section.bottom_margin = Mm(18)
        for name, points in _POINTS.items():
            style = self.document.styles[name]
            style.font.size, style.font.name = Pt(points), "Arial"
            style.font.color.rgb = RGBColor(0, 0, 0)
        self.document.styles["Normal"].paragraph_format.space_after = Pt(6)
        self.document.styles["Caption"].paragraph_format.keep_with_next = True
        section.header.paragraphs[0].text = SIMULATED
        footer = section.footer.paragraphs[0]
        footer.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        for words, field in (("Page ", "PAGE"), (" of ", "NUMPAGES")):
            footer.add_run(words)
            counted = _add(footer._p, "fldSimple", {"instr": field})
            counted.append(footer.add_run("1")._r)  # until the document is first laid out

    def content(self) -> bytes:
        """Return the document as the content of a file, the same at any time."""
        file = BytesIO()
        self.document.save(file)
        return without_clock(file.getvalue())

    def write(self, element: "HtmlElement") -> None:
        """Write an element of the page, and all that is in it."""
        match element.tag:
            case "h1" | "h2" | "h3":
                heading = self.document.add_heading(level=int(element.tag[1]))
                self._fill(heading, element)
            case "p" | "summary" | "li":
                style = "List Bullet" if element.tag == "li" else None
                paragraph = self.document.add_paragraph(style=style)
                self._fill(paragraph, element, bold=element.tag == "summary")
                paragraph.paragraph_format.keep_with_next = element.tag == "summary"
            case "dl":
                self._write_facts(element)
            case "pre":
                self._write_code(element)
            case "table":
                self._write_table(element)
            case "figure":
                self._write_figure(element)
            case _:
                for child in element:
                    self.write(child)

    def _fill(self, paragraph: "Paragraph", element: "HtmlElement", bold: bool = False) -> None:
        """Write the words of an element into a paragraph, which links can lead to."""
        for run in _runs(element, bold):
            if run.target:
                link = _add(paragraph._p, "hyperlink", {"anchor": _bookmark(run.target)})
                link.append(paragraph.add_run(run.text)._r)
            else:
                paragraph.add_run(run.text).bold = run.bold or None
        if element.tag != "caption":  # links lead to its table
            self._mark(paragraph, element.get("id"))

    def _mark(self, paragraph: "Paragraph", name: str | None) -> None:
        """Let links to this name of the page lead to a paragraph."""
        if name is None:
            return
        self.bookmarks += 1
        about = {"id": str(self.bookmarks)}
        _add(paragraph._p, "bookmarkStart", {**about, "name": _bookmark(name)})
        _add(paragraph._p, "bookmarkEnd", about)

    def _write_facts(self, element: "HtmlElement") -> None:
        """Write each term with what is said of it as a paragraph."""
        from docx.shared import Pt

        for part in element:
            if part.tag == "dt":
                paragraph = self.document.add_paragraph()
                paragraph.paragraph_format.space_after = Pt(3)
                self._fill(paragraph, part, bold=True)
                paragraph.add_run(":").bold = True
            else:
                paragraph.add_run(" ")
                self._fill(paragraph, part)

    def _write_code(self, element: "HtmlElement") -> None:
        from docx.shared import Pt

        run = self.document.add_paragraph().add_run(element.text_content().strip("\n"))
        run.font.name, run.font.size = "Courier New", Pt(8)

    def _write_table(self, element: "HtmlElement") -> None:
        """Write a table under its caption; its first row is repeated on every sheet."""
        from docx.shared import Mm

        caption = self.document.add_paragraph(style="Caption")
        self._fill(caption, element.find("caption"), bold=True)
        self._mark(caption, element.get("id"))
        rows = [list(row) for row in element.iter("tr")]
        widths = _widths([[cell.text_content() for cell in row] for row in rows])
        table = self.document.add_table(len(rows), len(widths), style="Table Grid")
        table.autofit = False
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Mm(width)
        for number, (row, cells) in enumerate(zip(table.rows, rows, strict=True)):
            properties = row._tr.get_or_add_trPr()
            _add(properties, "cantSplit", {})
            if number == 0:
                _add(properties, "tblHeader", {})
            for place, cell, width in zip(row.cells, cells, widths, strict=True):
                place.width = Mm(width)
                self._fill_cell(place.paragraphs[0], cell, heading=number == 0)
        self.document.add_paragraph()

    def _fill_cell(self, paragraph: "Paragraph", cell: "HtmlElement", heading: bool) -> None:
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.shared import Pt

        self._fill(paragraph, cell, bold=heading)
        if heading:
            shade = {"val": "clear", "fill": "E8ECF1"}
            _add(paragraph._p.getparent().get_or_add_tcPr(), "shd", shade)
        for run in paragraph.iter_inner_content():
            for part in getattr(run, "runs", [run]):
                part.font.size = Pt(7.5)
        paragraph.paragraph_format.space_after = Pt(0)
        if "number" in cell.get("class", "").split():
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT

    def _write_figure(self, element: "HtmlElement") -> None:
        """Write a drawing over its numbered caption, and what it shows for those who cannot see."""
        from docx.shared import Mm

        self.figures += 1
        svg = self.drawings[int(element.find(".//img").get("alt"))]
        drawing = as_png(svg)
        width = min(_WIDTH_MM, drawing.width_mm, _HIGHEST_MM * drawing.width_mm / drawing.height_mm)
        paragraph = self.document.add_paragraph()
        paragraph.paragraph_format.keep_with_next = True
        shape = paragraph.add_run().add_picture(BytesIO(drawing.content), width=Mm(width))
        shape._inline.docPr.set("descr", element.find("div").get("aria-label"))
        self._mark(paragraph, element.get("id"))
        caption = self.document.add_paragraph(f"Figure {self.figures}. ", style="Caption")
        caption.paragraph_format.keep_with_next = False
        self._fill(caption, element.find("figcaption"))


def _runs(element: "HtmlElement", bold: bool = False) -> Iterator[_Run]:
    """Yield the words of an element with their look, as they follow one another."""
    yield from _words(element.text, bold)
    for child in element:
        if child.tag == "br":
            yield _Run("\n")
        target = child.get("href", "")
        if child.tag == "a" and target.startswith("#"):
            yield _Run(_spaced(child.text_content()), target=target[1:])
        else:
            yield from _runs(child, bold or child.tag in ("strong", "b"))
        if child.tag in ("small", "b"):  # lines of a tile
            yield _Run(" ")
        yield from _words(child.tail, bold)


def _words(text: str | None, bold: bool) -> Iterator[_Run]:
    if text:
        yield _Run(_spaced(text), bold)


def _spaced(text: str) -> str:
    """Return a text with one space for any white space, as a browser shows it.

    >>> _spaced("in   a line ")
    'in a line '
    """
    return re.sub(r"[ \t\r\n]+", " ", text)


def _widths(rows: list[list[str]]) -> list[float]:
    """Return the width of each column in mm: no word is broken, what is left goes to long cells.

    >>> [round(width, 1) for width in _widths([["power", "a " * 200], ["bias", "b"]])]
    [12.0, 76.5]
    >>> round(sum(_widths([["some words of a cell"] * 8])))
    178
    """
    least, wanted = [], []
    for cells in zip(*rows, strict=True):
        word = max(len(word) for cell in cells for word in (cell.split() or [""]))
        longest = min(max(len(cell) for cell in cells), max(_WIDEST, word))
        least.append(_CHARACTER_MM * word + _EDGES_MM)
        wanted.append(_CHARACTER_MM * longest + _EDGES_MM)
    if sum(least) >= _WIDTH_MM:
        return [width * _WIDTH_MM / sum(least) for width in least]
    more = sum(wanted) - sum(least)
    room = min(1.0, (_WIDTH_MM - sum(least)) / more) if more else 0.0
    return [low + room * (high - low) for low, high in zip(least, wanted, strict=True)]


def _bookmark(name: str) -> str:
    """Return a name of the page as Word takes it: letters, digits and at most 40 of them.

    >>> _bookmark("performance-measures")
    'performance_measures'
    """
    return re.sub(r"\W", "_", name)[:40]


def _w(name: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(f"w:{name}"))


def _add(parent: Any, name: str, attributes: dict[str, str]) -> Any:
    """Add an element of Word's own that python-docx has no word for."""
    from docx.oxml import OxmlElement

    element = OxmlElement(f"w:{name}")
    for one, value in attributes.items():
        element.set(_w(one), value)
    parent.append(element)
    return element
