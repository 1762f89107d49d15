"""Where a flow diagram goes: to files, as a drawing or as a table, or out as JSON."""

from pathlib import Path
from typing import TYPE_CHECKING

from trialsim.cli.console import print_json
from trialsim.cli.figure_output import check_output
from trialsim.errors import InputError, Problem

if TYPE_CHECKING:
    from trialsim.reporting.consort.flow import Flow


def check_flow_output(out: list[Path] | None, as_json: bool) -> None:
    """Refuse, before anything is simulated, files that cannot be written.

    Raises
    ------
    InputError
        If there is nowhere to write to, a picture in pixels is asked for, or the extra `report` is
        not installed.
    """
    check_output(out, as_json)
    rule = "must end in .svg or .csv: a flow diagram is not drawn in pixels"
    pixels = [path for path in out or () if path.suffix.lower() == ".png"]
    if pixels:
        raise InputError([Problem("--out", rule, str(path)) for path in pixels])


def deliver_flow(flow: "Flow", out: list[Path] | None, as_json: bool) -> None:
    """Write a flow diagram to every file, and print what it says if that is asked for."""
    from trialsim.reporting.consort.diagram import flow_diagram
    from trialsim.reporting.tables.page import write_page

    for path in out or ():
        if path.suffix.lower() == ".csv":
            write_page(path, flow.to_frame().to_csv(index=False, lineterminator="\n"))
        else:
            write_page(path, flow_diagram(flow))
    if as_json:
        print_json({"figure": "consort", "rows": flow.to_frame().to_dict("records")})
    else:
        for path in out or ():
            print(f"{path}: consort")
