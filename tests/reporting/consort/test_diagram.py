"""The flow diagram: everything fits, nothing overlaps, and each number of the flow is in it."""

import math
from itertools import combinations, pairwise
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.replicates.result import SIMULATED
from trialsim.reporting.consort.diagram import flow_diagram, flow_file, flow_in_words, flow_note
from trialsim.reporting.consort.flow import ArmFlow, Count, Entry, Flow, flow_of
from trialsim.reporting.consort.layout import SIZE, Box, layout
from trialsim.reporting.consort.text import text_width, wrapped
from trialsim.simulated import simulate

pytest.importorskip("jinja2")

SVG: Final = "{http://www.w3.org/2000/svg}"
NOTE: Final = "All of this is simulated."


def number(people: float) -> Count:
    """Return a number of one trial."""
    return Count(people, people, people)


FIVE: Final = number(5)


def flow_with(
    arms: int = 2, reasons: int = 3, label: str = "<dose> & saline", each: Count = FIVE
) -> Flow:
    """Return a flow with so many arms, of such a label, and so many reasons of exclusion."""
    below = tuple(Entry(f"{label} {place}", each) for place in range(reasons))
    return Flow(
        1,
        Entry("Assessed for eligibility", number(12345)),
        Entry("In screening", each) if reasons % 2 else None,
        Entry("Excluded", number(5 * reasons), (Entry("Other", number(5 * reasons), below),)),
        Entry("Randomised", number(208)),
        tuple(
            ArmFlow(
                f"arm_{place}",
                Entry(f"Allocated to {label} {place}", number(104), below[: place % 3]),
                (Entry("Lost to follow-up", each, below[: (place + 1) % 3]), Entry(label, each)),
                (Entry("Analysed", number(103)), Entry("Excluded from the analysis", number(1)))
                if place != 1
                else (Entry("Not in the primary analysis", None),),
            )
            for place in range(arms)
        ),
    )


labels = st.text(st.sampled_from("abc iW-—ü"), min_size=1, max_size=80)
flows = st.builds(
    flow_with,
    st.integers(2, 7),
    st.integers(0, 30),
    labels,
    st.sampled_from([number(0), number(7), number(10**6), Count(3.25, 0, 10**5)]),
)


def overlap(one: Box, other: Box) -> bool:
    across = one.x < other.x + other.width and other.x < one.x + one.width
    return across and one.y < other.bottom and other.y < one.bottom


@given(flows)
@settings(max_examples=60, deadline=None)
def test_nothing_overlaps_and_all_text_is_in_its_box(flow: Flow) -> None:
    drawn = layout(flow, NOTE)
    assert not any(overlap(one, other) for one, other in combinations(drawn.boxes, 2))
    for box in drawn.boxes:
        assert box.x >= 0 <= box.y
        assert box.x + box.width <= drawn.width + 1e-9
        assert box.bottom <= drawn.height
        baselines = [line.y for line in box.lines]
        assert all(after - before >= SIZE for before, after in pairwise(baselines))
        for line in box.lines:
            assert box.y < line.y - SIZE / 2 < line.y < box.bottom
            assert box.x < line.x
            assert line.x + text_width(line.words, SIZE, line.bold) <= box.x + box.width
    lowest = max(box.bottom for box in drawn.boxes)
    assert all(lowest < note.y <= drawn.height for note in drawn.notes)


@given(flows)
@settings(max_examples=30, deadline=None)
def test_arrows_end_at_the_edge_of_a_box_and_go_through_none(flow: Flow) -> None:
    drawn = layout(flow, NOTE)
    for arrow in drawn.arrows:
        x, y = arrow[-1]
        assert any(math.isclose(y, box.y) or math.isclose(x, box.x) for box in drawn.boxes), (
            "an arrow ends nowhere"
        )
        for (x1, y1), (x2, y2) in pairwise(arrow):
            for box in drawn.boxes:
                across = min(x1, x2) < box.x + box.width and box.x < max(x1, x2)
                across |= x1 == x2 and box.x < x1 < box.x + box.width
                down = min(y1, y2) < box.bottom and box.y < max(y1, y2)
                down |= y1 == y2 and box.y < y1 < box.bottom
                assert not (across and down)


@given(labels, st.floats(20, 300), st.booleans())
def test_wrapping_loses_nothing_and_leaves_no_line_too_wide(
    text: str, room: float, bold: bool
) -> None:
    told = wrapped(text, room, SIZE, bold)
    assert "".join(told).replace(" ", "") == text.replace(" ", "")
    assert all(len(one) <= 1 or text_width(one, SIZE, bold) <= room for one in told)


def test_the_drawing_says_every_number_of_the_flow_as_text() -> None:
    root = ElementTree.fromstring(flow_diagram(flow_with(arms=3)))
    told = " ".join(text.text or "" for text in root.iter(f"{SVG}text")).replace("\xa0", " ")
    for expected in (
        "Assessed for eligibility (n = 12,345)",
        "In screening (n = 5)",
        "<dose> & saline 2 (n = 5)",
        "Not in the primary analysis",
        "Allocated to <dose> & saline 1",
        "(n = 104)",
        "Analysed (n = 103)",
        "Excluded from the analysis (n = 1)",
        "Enrolment",
        "Allocation",
        "Follow-up",
        "Analysis",
    ):
        assert expected in told
    assert SIMULATED in told


def test_a_mean_is_told_with_its_range() -> None:
    flow = flow_with(arms=3)
    many = Flow(200, Entry("Assessed", Count(389.41, 355, 429)), None, *_rest(flow))
    told = flow_diagram(many).replace("\xa0", " ")
    assert "Assessed (n = 389.4; 355 to 429)" in told
    assert "the mean of 200 simulated trials" in flow_note(many)


def _rest(flow: Flow) -> tuple[Entry, Entry, tuple[ArmFlow, ...]]:
    return flow.excluded, flow.randomised, flow.arms


def test_the_rarest_of_many_reasons_are_counted_together() -> None:
    told = flow_diagram(flow_with(reasons=40, label="Reason")).replace("\xa0", " ")
    assert "33 rarer reasons (n = 165)" in told
    assert "Reason 6 (n = 5)" in told
    assert "Reason 7 (n = 5)" not in told


@pytest.mark.parametrize("arms", [2, 3, 4, 9])
def test_every_arm_has_its_column(arms: int) -> None:
    drawn = layout(flow_with(arms), NOTE)
    for stage in (drawn.boxes[place : place + arms] for place in (3, 3 + arms, 3 + 2 * arms)):
        assert len({box.x for box in stage}) == arms
        assert len({(box.y, box.height) for box in stage}) == 1
        assert min(box.width for box in stage) >= 180


def test_a_reader_who_sees_nothing_is_told_the_numbers() -> None:
    root = ElementTree.fromstring(flow_diagram(flow_with(arms=3)))
    assert root.get("role") == "img"
    title, described = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert title.text == "CONSORT flow diagram of one simulated trial"
    assert described is not None
    assert described.text == flow_in_words(flow_with(arms=3))
    assert "arm_1: Allocated to <dose> & saline 1 104, Lost to follow-up 5" in described.text


def test_no_colour_is_fixed_on_a_page_and_a_lone_file_is_dark_on_white() -> None:
    drawing = flow_diagram(flow_with(arms=3))
    style = drawing[drawing.index("<style>") : drawing.index("</style>")]
    assert "#" not in drawing.replace(style, "").replace("http://www.w3.org", "")
    assert "color: #1b1f24; background: #ffffff" in style
    assert "prefers-color-scheme" not in style


def test_the_flow_that_the_readme_shows_is_drawn_again() -> None:
    flow = flow_of(simulate("cars1", 2016).batch)
    shown = Path(__file__).parents[3] / "docs" / "figures" / "consort.svg"
    assert flow_file(flow, ".svg") == shown.read_bytes()
    assert "figures/consort.svg" in (shown.parents[2] / "README.md").read_text(encoding="utf-8")
