"""The CONSORT 2025 flow diagram of a trial, or of the average trial, as SVG."""

from trialsim.replicates.result import SIMULATED
from trialsim.reporting.consort.flow import Entry, Flow
from trialsim.reporting.consort.layout import SIZE, STAGE_WIDTH, layout
from trialsim.reporting.printed import as_png, drawn_as_pdf
from trialsim.reporting.tables.page import rendered


def flow_diagram(flow: Flow) -> str:
    """Return a participant flow as an SVG document, which may also stand inside a page.

    Of many trials every number is a mean, followed by the range of the central 95% of them.

    Raises
    ------
    InputError
        If the extra `report` is not installed.
    """
    content = {
        "layout": layout(flow, flow_note(flow)),
        "title": flow_title(flow),
        "description": flow_in_words(flow),
        "size": SIZE,
        "strip": STAGE_WIDTH,
    }
    return rendered("consort.svg", content)


def flow_file(flow: Flow, suffix: str) -> bytes:
    """Return a participant flow as the content of a .png, a .pdf or an .svg.

    Raises
    ------
    InputError
        If the extra `report` is not installed, or for PNG and PDF `office`.
    """
    drawing = flow_diagram(flow)
    match suffix:
        case ".png":
            return as_png(drawing).content
        case ".pdf":
            return drawn_as_pdf(drawing)
        case _:
            return drawing.encode()


def flow_title(flow: Flow) -> str:
    """Say what a diagram shows."""
    if flow.replicates == 1:
        return "CONSORT flow diagram of one simulated trial"
    return f"CONSORT flow diagram of the average of {flow.replicates:,} simulated trials"


def flow_note(flow: Flow) -> str:
    """Say what the numbers of a diagram are."""
    if flow.replicates == 1:
        return f"One simulated trial. {SIMULATED}"
    return (
        f"n is the mean of {flow.replicates:,} simulated trials; the range after it holds the "
        f"central 95% of them. {SIMULATED}"
    )


def flow_in_words(flow: Flow) -> str:
    """Return the main numbers of a diagram as sentences, for who cannot see it."""
    told = [_told(entry) for entry in (flow.assessed, flow.excluded, flow.randomised)]
    for arm in flow.arms:
        entries = (arm.allocation, *arm.follow_up, *arm.analysis)
        told.append(f"{arm.arm}: {', '.join(_told(one) for one in entries if one.people)}")
    return f"{'. '.join(told)}."


def _told(entry: Entry) -> str:
    return f"{entry.label} {entry.people.mean:,.6g}" if entry.people else entry.label
