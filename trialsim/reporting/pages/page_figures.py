"""Drawings as figures of a page, each with what it shows in words."""

from trialsim.reporting.consort.diagram import flow_diagram, flow_in_words, flow_title
from trialsim.reporting.consort.flow import Flow
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.tables.page import Figure, inlined


def drawn(name: str, drawing: Drawing) -> Figure:
    """Return a drawing for a page; its caption describes it for those who cannot see it."""
    told = f"{drawing.title}. {drawing.caption}"
    return Figure(name, inlined(drawing.svg(), name), drawing.title, told, ink_on_white=True)


def flow_drawn(name: str, flow: Flow, ignores_looks: bool = False) -> Figure:
    """Return the flow diagram of a trial, or of the average of several, for a page."""
    caption = f"{flow_title(flow)}, in the layout of the CONSORT 2025 statement."
    if ignores_looks:
        caption += " All planned patients are in it, as if no look had stopped a trial."
    return Figure(name, inlined(flow_diagram(flow), name), caption, flow_in_words(flow))
