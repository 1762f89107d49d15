"""What holds of every figure: its words, its room, its bytes, and that its data can be had."""

import re
import sys
from collections.abc import Callable
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import pytest
from matplotlib.text import Text

import trialsim as ts
from trialsim.dictionary.answers import dictionary_of_answer
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.catalogue import KINDS, data, plot

FIGURES: Final = (
    "estimate",
    "what-if",
    "tornado",
    "heat-map",
    "curve of a what-if",
    "curve",
    "curve of a sample size",
    "assurance",
    "tipping-point",
    "tipping-point of one trial",
    "estimands",
    "missingness",
    "effects",
    "subgroups",
    "subgroups of several",
    "scores",
    "times",
    "distribution",
    "recruitment",
    "recruitment of several",
    "adherence",
    "lanes",
    "chairs",
    "population",
    "dose-response",
    "dose-response of several",
    "stopping",
    "patients",
    "boundaries",
    "expected-size",
    "graph",
)
WITHOUT_TRIALS: Final = {
    **dict.fromkeys(
        ("boundaries", "expected-size"),
        r"Normal approximation .* no trial was run. Scenario cars_sequential",
    ),
    "graph": r"No trial was run. Scenario cars1_graph",
}
"""What is said of those for which no trial is run, so that they have no seed."""
WIDTHS: Final = (7.0, 4.3)
OF_A_NOTEBOOK: Final = mpl.RcParams(
    {"font.size": 20.0, "axes.grid": True, "svg.fonttype": "path", "savefig.dpi": 50.0}
)
WAYS_TO_DRAW: Final = (
    *("what-if", "heat-map", "distribution", "lanes", "scores", "chairs", "population", "graph"),
)
"""Points with bars, an image, stacked bars, marks, lines, steps, hatches, and arrows."""
Named = Callable[[str], tuple[Any, str]]
Draw = Callable[[str, float], Drawing]
every_figure = pytest.mark.parametrize("figure", FIGURES)


@pytest.fixture(scope="session")
def drawn(drawn_from: Named) -> Callable[[str, float], Drawing]:
    """Return a function from a figure's name and its width to the figure, drawn once.

    A narrow one is drawn where a notebook has large letters, which would lie on one another.
    """

    @cache
    def draw(figure: str, width: float) -> Drawing:
        result, kind = drawn_from(figure)
        with mpl.rc_context(OF_A_NOTEBOOK if width < WIDTHS[0] else None):
            return plot(result, kind, width=width)

    return draw


@pytest.fixture(scope="session")
def svg(drawn: Draw) -> Callable[[str], str]:
    """Return a function from a figure's name to it as SVG, written once."""
    return cache(lambda figure: drawn(figure, WIDTHS[0]).svg())


def test_every_kind_of_figure_is_looked_at_here(drawn_from: Named) -> None:
    looked_at = {drawn_from(figure)[1] for figure in FIGURES}
    assert looked_at == {kind for kinds in KINDS.values() for kind in kinds}


@every_figure
def test_a_figure_says_that_it_is_simulated_from_which_seed_and_how_often(
    drawn: Draw, figure: str
) -> None:
    drawing = drawn(figure, WIDTHS[0])
    how_often = (
        r"(\d simulated trials,|One simulated trial, replicate 0 of) seed 2016, "
        r"scenario (cars|alvarez2011)"
    )
    if figure in WITHOUT_TRIALS:
        how_often = WITHOUT_TRIALS[figure]
    assert re.search(how_often, drawing.caption)
    assert SIMULATED in drawing.caption
    assert drawing.get_supxlabel().replace("\n", " ") == drawing.caption


@every_figure
def test_every_axis_says_what_it_shows(drawn: Draw, figure: str) -> None:
    """An axis of names explains itself; of two axes one above the other the lower says it.

    A graph has no axis.
    """
    drawing = drawn(figure, WIDTHS[0])
    shown = [axes for axes in drawing.axes if axes.axison]
    assert bool(shown) is (figure != "graph")
    main = [axes for axes in shown if axes.get_label() != "<colorbar>"]
    assert all(axes.get_xlabel() for axes in main[-1:])
    for axes in shown:
        ticks = [tick.get_text() for tick in axes.get_yticklabels()]
        names = any(re.search("[a-z]", tick) for tick in ticks)
        assert axes.get_ylabel() or names


@pytest.mark.parametrize("width", WIDTHS)
@every_figure
def test_no_word_leaves_the_figure_or_lies_on_another(
    drawn: Draw, figure: str, width: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing = drawn(figure, width)
    words: list[Text] = []
    draw = Text.draw

    def note(word: Text, *rest: Any) -> None:
        words.append(word)
        draw(word, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Text, "draw", note)
        drawing.draw_without_rendering()
    boxes = [
        (word.get_text(), word.get_window_extent().padded(-0.8))
        for word in words
        if word.get_visible() and word.get_text().strip()
    ]
    assert len(boxes) > 5
    room = drawing.bbox
    for word, box in boxes:
        assert room.x0 <= box.x0 < box.x1 <= room.x1, word
        assert room.y0 <= box.y0 < box.y1 <= room.y1, word
    for (one, first), (other, second) in combinations(boxes, 2):
        assert not first.overlaps(second), f"{one!r} lies on {other!r}"


@pytest.mark.parametrize("width", WIDTHS)
@every_figure
def test_a_legend_lies_on_no_data(drawn: Draw, figure: str, width: float) -> None:
    drawing = drawn(figure, width)
    for axes in drawing.axes:
        legend = axes.get_legend()
        if legend is not None:
            box = legend.get_window_extent()
            assert box.x1 <= drawing.bbox.x1
            assert not any(box.padded(-1.0).overlaps(one.bbox) for one in drawing.axes)


@pytest.mark.parametrize("figure", WAYS_TO_DRAW)
def test_the_same_input_gives_the_same_bytes_whatever_a_notebook_has_set(
    svg: Callable[[str], str], drawn_from: Named, figure: str
) -> None:
    result, kind = drawn_from(figure)
    with mpl.rc_context(OF_A_NOTEBOOK):
        assert plot(result, kind, width=WIDTHS[0]).svg() == svg(figure)


def test_a_picture_too_has_the_same_bytes(drawn: Draw, drawn_from: Named) -> None:
    before = drawn("what-if", WIDTHS[0])
    result, kind = drawn_from("what-if")
    with mpl.rc_context(OF_A_NOTEBOOK):
        assert plot(result, kind, width=WIDTHS[0]).png() == before.png()


@every_figure
def test_an_svg_is_small_text_is_text_and_its_names_are_its_own(
    svg: Callable[[str], str], figure: str
) -> None:
    text = svg(figure)
    assert len(text.encode()) < 150_000
    assert text.startswith('<svg role="img" aria-label="')
    assert "<text" in text
    assert "sans-serif" in text
    assert "<metadata" not in text
    names = re.findall(r'\bid="([^"]*)"', text)
    assert len(names) == len(set(names))
    used = set(re.findall(r'(?:url\(#|href="#)([^")]*)', text))
    assert used <= set(names)


@every_figure
def test_what_a_figure_draws_can_be_had_as_a_table(drawn_from: Named, figure: str) -> None:
    result, kind = drawn_from(figure)
    table = data(result, kind)
    assert len(table) > 0
    unknown = {"closed_form"} if figure == "curve of a sample size" else set()
    assert set(table.columns[table.isna().all()]) == unknown
    assert dictionary_of_answer(kind, table)["column"].tolist() == list(table.columns)


def test_drawing_leaves_pyplot_alone(study: ts.Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which keeps figures alive and asks for a screen: it is named nowhere and not needed."""
    here = Path(ts.__file__).parent
    assert not [one for one in here.rglob("*.py") if "pyplot" in one.read_text(encoding="utf-8")]
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    trial = ts.simulate(study, 1)
    plot(trial, "scores").svg()
    plot(trial, "lanes").png()
