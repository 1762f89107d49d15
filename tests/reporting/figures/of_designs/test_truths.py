"""True values and mean estimates: nothing is left out in silence, nothing lies on another."""

from collections.abc import Callable
from typing import Any

import numpy as np

from trialsim.reporting.figures.catalogue import plot
from trialsim.scenario.words.labels import in_words

Named = Callable[[str], tuple[Any, str]]


def test_every_analysis_is_named_in_the_figure_or_as_left_out(drawn_from: Named) -> None:
    for kind in ("estimands", "missingness"):
        result, _ = drawn_from(kind)
        drawing = plot(result)
        axes = drawing.axes[0]
        legend = axes.get_legend()
        assert legend is not None
        words = [text.get_text() for text in (*axes.texts, *legend.get_texts())]
        _, left_out = drawing.caption.split("Left out, as it has another quantity or variable: ")
        assert left_out.startswith("mixed model. ")
        analysed = (result if kind == "estimands" else result.found[0]).analysed
        shown = [in_words(one.name) for one in analysed if one.name != "mixed_model"]
        assert set(shown) <= set(words)


def test_what_stands_in_a_row_is_apart(drawn_from: Named) -> None:
    drawing = plot(drawn_from("estimands")[0])
    heights = np.concatenate([np.asarray(line.get_ydata()) for line in drawing.axes[0].lines[1:]])
    rows = np.unique(heights[np.isfinite(heights)].round(6))
    inches = drawing.get_figheight() * drawing.axes[0].get_position().height / 6
    assert np.diff(rows).min() * inches > 0.1
