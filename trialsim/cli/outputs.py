"""Where figures and pages go: to files, to standard output, or out as the JSON of what is drawn."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from trialsim.cli.console import print_json, put, say, warn
from trialsim.errors import InputError, Problem

if TYPE_CHECKING:
    from trialsim.reporting.consort.flow import Flow

STANDARD_OUTPUT: Final = Path("-")
Out = Annotated[
    list[Path] | None,
    typer.Option(
        "-o",
        "--out",
        metavar="FILE",
        help="A .svg or .png for the figure, a .csv for what it draws; may be repeated. "
        "- for the figure on standard output.",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace a file that trialsim has not made.")
]
Width = Annotated[float, typer.Option(min=3, max=20, help="Inches of the figure.")]
INCHES: Final = 7.0
_FORMATS: Final = (".svg", ".png", ".csv")
FLOW_FORMATS: Final = (".svg", ".csv")
"""A flow diagram is not drawn in pixels."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the figure of a command goes."""

    files: tuple[Path, ...]
    as_json: bool
    overwrite: bool
    width: float = INCHES

    def write(self, path: Path, content: bytes) -> None:
        """Write a file of the figure, or put it on standard output."""
        from trialsim.reporting.named_file import write_named

        if path == STANDARD_OUTPUT:
            put(content)
        else:
            write_named(path, content, "--out", self.overwrite)

    def tell(self, kind: str, rows: list[dict[Any, Any]]) -> None:
        """Print what is drawn if requested, or else which files have it."""
        if self.as_json:
            print_json({"figure": kind, "rows": rows})
            return
        for path in self.files:
            (warn if STANDARD_OUTPUT in self.files else say)(f"{path}: {kind}")


def destination(
    out: list[Path] | None,
    as_json: bool,
    overwrite: bool,
    width: float = INCHES,
    formats: tuple[str, ...] = _FORMATS,
) -> Destination:
    """Return where a figure goes; files that cannot be written are refused, all at once.

    Raises
    ------
    InputError
        If there is nowhere to write to, what stands there must not be replaced, or the extra
        `report` is not installed.
    """
    import trialsim.reporting.figures  # noqa: F401 - refuses where matplotlib is not installed
    from trialsim.reporting.named_file import check_named

    problems = []
    if not out and not as_json:
        problems.append(Problem("--out", "must name a file, unless --json is given"))
    for path in out or ():
        if path == STANDARD_OUTPUT:
            if as_json or len(out or ()) > 1:
                problems.append(Problem("--out", "must be alone and without --json", str(path)))
        elif path.suffix.lower() not in formats:
            rule = f"must end in {', '.join(formats[:-1])} or {formats[-1]}"
            problems.append(Problem("--out", rule, str(path)))
        else:
            try:
                check_named(path, "--out", overwrite)
            except InputError as error:
                problems += error.problems
    if problems:
        raise InputError(problems)
    return Destination(tuple(out or ()), as_json, overwrite, width)


def deliver(result: Any, kind: str, to: Destination, **options: Any) -> None:
    """Write a figure of a result to every file, and print what it draws if requested."""
    from trialsim.reporting.figures.catalogue import data, plot
    from trialsim.runs.plain_csv import as_csv

    drawn = data(result, kind, **options)
    for path in to.files:
        match path.suffix.lower():
            case ".csv":
                to.write(path, as_csv(drawn).encode())
            case suffix:
                figure = plot(result, kind, width=to.width, **options)
                to.write(path, figure.png() if suffix == ".png" else figure.svg_file())
    to.tell(kind, drawn.to_dict("records"))


def deliver_flow(flow: "Flow", to: Destination) -> None:
    """Write a flow diagram to every file, and print what it says if requested."""
    from trialsim.reporting.consort.diagram import flow_diagram
    from trialsim.runs.plain_csv import as_csv

    table = flow.to_frame()
    for path in to.files:
        page = as_csv(table) if path.suffix.lower() == ".csv" else flow_diagram(flow)
        to.write(path, page.encode())
    to.tell("consort", table.to_dict("records"))


@dataclass(frozen=True, slots=True)
class PageFile:
    """Where the page of a command goes."""

    path: Path
    option: str
    overwrite: bool

    @property
    def alone(self) -> bool:
        """Whether the page takes standard output, where nothing else is then printed."""
        return self.path == STANDARD_OUTPUT

    def write(self, page: str) -> None:
        """Write the page to its file, or put it on standard output."""
        from trialsim.reporting.named_file import write_named

        if self.alone:
            put(page.encode())
        else:
            write_named(self.path, page.encode(), self.option, self.overwrite)


def page_file(path: Path, option: str, overwrite: bool, as_json: bool = False) -> PageFile:
    """Return where a page goes; a file that cannot be written is refused before it is made.

    Raises
    ------
    InputError
        If what stands there must not be replaced, or the extra `report` is not installed.
    """
    from trialsim.reporting.named_file import check_named
    from trialsim.reporting.tables.page import check_pages

    check_pages()
    if path != STANDARD_OUTPUT:
        check_named(path, option, overwrite)
    elif as_json:
        raise InputError([Problem(option, "must be a file with --json", str(path))])
    return PageFile(path, option, overwrite)
