"""A report in Word says what its page says: headings, sentences, tables, drawings, and links."""

import re
from io import BytesIO
from typing import Any, Final

import pytest

pytest.importorskip("docx", reason="the extra office is not installed")
pytest.importorskip("weasyprint", reason="the extra office is not installed")

from lxml.html import HtmlElement, document_fromstring

from trialsim.reporting import word
from trialsim.reporting.printed import Pixels, as_png
from trialsim.reporting.word import as_docx

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@pytest.fixture(scope="module")
def document(report_page: str) -> Any:
    """Return the report as python-docx reads it.

    Of matplotlib's drawings and of our own one is turned into pixels, which stand for the others.
    """
    from docx import Document

    kept: dict[bool, Pixels] = {}

    def pixels(svg: str) -> Pixels:
        kind = "stroke-linejoin: round" in svg  # as matplotlib writes it
        return kept.get(kind) or kept.setdefault(kind, as_png(svg))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word, "as_png", pixels)
        document = Document(BytesIO(as_docx(report_page)))
    assert len(kept) == 2
    return document


@pytest.fixture(scope="module")
def tree(report_page: str) -> HtmlElement:
    """Return the page as it goes to paper: without its drawings' own words."""
    page = re.sub(r"<svg.*?</svg>", "", report_page, flags=re.DOTALL)
    found = document_fromstring(page.encode())
    for one in found.xpath("//nav | //*[@class='screen'] | //*[@class='folded']/div"):
        one.drop_tree()
    return found


def _words(element: HtmlElement) -> str:
    return " ".join(element.text_content().split())


def test_every_heading_table_and_drawing_of_the_page_stands_in_the_document(
    tree: HtmlElement, document: Any
) -> None:
    headings = [one.text for one in document.paragraphs if one.style.name.startswith("Heading")]
    assert headings == [_words(one) for one in tree.xpath("//h1 | //h2 | //h3")]
    tables = [
        [[" ".join(cell.text.split()) for cell in row.cells] for row in table.rows]
        for table in document.tables
    ]
    assert tables == [
        [[_words(cell) for cell in row] for row in table.iter("tr")]
        for table in tree.xpath("//table")
    ]
    drawings = [one._inline.docPr.get("descr") for one in document.inline_shapes]
    assert drawings == [one.get("aria-label") for one in tree.xpath("//figure/div")]
    assert len(drawings) > 5


def test_every_sentence_of_the_page_stands_in_the_document(
    tree: HtmlElement, document: Any
) -> None:
    said = {" ".join(one.text.split()) for one in document.paragraphs}
    assert [_words(one) for one in tree.xpath("//p | //li") if _words(one) not in said] == []


def test_every_link_leads_to_a_bookmark(document: Any) -> None:
    body = document.element.body
    links = {one.get(f"{_W}anchor") for one in body.iter(f"{_W}hyperlink")}
    places = [one.get(f"{_W}name") for one in body.iter(f"{_W}bookmarkStart")]
    assert {"performance", "nuisance", "assumptions"} <= links
    assert links <= set(places)
    assert len(places) == len(set(places))


def test_pages_are_counted_and_headings_of_tables_are_repeated(document: Any) -> None:
    section = document.sections[0]
    fields = [one.get(f"{_W}instr") for one in section.footer._element.iter(f"{_W}fldSimple")]
    assert fields == ["PAGE", "NUMPAGES"]
    assert "All cohorts are simulated" in section.header.paragraphs[0].text
    for table in document.tables:
        assert table.rows[0]._tr.trPr.find(f"{_W}tblHeader") is not None
        assert sum(column.width.mm for column in table.columns) < 178.5


def test_the_same_page_makes_the_same_file() -> None:
    page = "<title>t</title><h1>A</h1><p>Words</p>"
    assert as_docx(page) == as_docx(page)
