"""Where figures and pages go: to files, to standard output, or out as the JSON of what is drawn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

import typer

from trialsim.cli.console import answer, command_line, print_json, put, say, warn
from trialsim.cli.options import AsJson
from trialsim.errors import InputError, Problem
from trialsim.reporting.table_format import TABLES, USUAL_START, TableFormat

if TYPE_CHECKING:
    from pandas import DataFrame

    from trialsim.scenario.programme import Study

STANDARD_OUTPUT: Final = Path("-")
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace a table, or a file that trialsim has not made.")
]


@dataclass(frozen=True, kw_only=True)
class TableForm:
    """How the tables of a trial are written."""

    format: Annotated[
        TableFormat,
        typer.Option("--format", help="How the tables are written; cdisc for SDTM and ADaM."),
    ] = "csv"
    study_start: Annotated[
        str | None,
        typer.Option(
            "--study-start",
            metavar="DATE",
            help=f"First day of the trial in --format cdisc, a Monday; {USUAL_START} unless given.",
        ),
    ] = None

    @property
    def chosen(self) -> tuple[TableFormat, str]:
        """The format, and the first day of the trial."""
        return self.format, self.study_start or USUAL_START

    def check(self) -> None:
        """Refuse a format that cannot be written, and a date that no file would have.

        Raises
        ------
        InputError
            If what writes the format is not installed, or the date is none or no Monday.
        """
        if self.study_start is not None and self.format != "cdisc":
            raise typer.BadParameter("goes with --format cdisc", param_hint="--study-start")
        if self.format == "cdisc":
            from trialsim.reporting.exports import check_format

            check_format(*self.chosen)


@dataclass(frozen=True, kw_only=True)
class AnswerForm:
    """How an answer is given: in words or as JSON, and its table as a file.

    A file that cannot be written is refused as the command begins.
    """

    table: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write the table of the answer: a .csv, with its dictionary beside it, or by "
            "the extra office an .xlsx, which also holds dictionary, conventions and versions.",
        ),
    ] = None
    overwrite: Overwrite = False
    as_json: AsJson = False

    def __post_init__(self) -> None:
        """Refuse the file."""
        if self.table is not None:
            from trialsim.reporting.result_tables import check_table

            check_table(self.table, "--table", self.overwrite)

    def give(
        self, result: Any, text: Callable[[], str], content: Mapping[str, Any] | None = None
    ) -> None:
        """Print a result in words, or as JSON, which is its own unless another is given."""
        if self.table is not None:
            from trialsim.reporting.result_tables import write_result_table

            write_result_table(result, self.table, "--table", self.overwrite, command_line())
        answer(result.to_dict() if content is None else content, self.as_json, text)

    def tell(self, found: tuple["Study", Any], text: Callable[[str, Any], str]) -> None:
        """Print what was found of a study, whose title heads the words."""
        study, result = found
        self.give(result, lambda: text(study.title, result))


@dataclass(frozen=True, kw_only=True)
class FigureFiles:
    """Where a figure goes."""

    out: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="A .svg, .png or .pdf for the figure, a .csv or .xlsx for what it draws; may be "
            "repeated. - for the figure on standard output.",
        ),
    ] = None
    overwrite: Overwrite = False
    as_json: AsJson = False
    formats: ClassVar[tuple[str, ...]] = (".svg", ".png", ".pdf", *TABLES)

    def check(self) -> None:
        """Refuse files that cannot be written, all at once.

        Raises
        ------
        InputError
            If there is nowhere to write to, what stands there must not be replaced, or the extra
            `report` is not installed.
        """
        import trialsim.reporting.figures  # noqa: F401 - refuses where matplotlib is not installed
        from trialsim.reporting.named_file import check_named
        from trialsim.reporting.result_tables import check_table

        problems = []
        if not self.out and not self.as_json:
            problems.append(Problem("--out", "must name a file, unless --json is given"))
        for path in self.out or ():
            if path == STANDARD_OUTPUT:
                if self.as_json or len(self.out or ()) > 1:
                    problems.append(Problem("--out", "must be alone and without --json", str(path)))
            elif path.suffix.lower() not in self.formats:
                rule = f"must end in {', '.join(self.formats[:-1])} or {self.formats[-1]}"
                problems.append(Problem("--out", rule, str(path)))
            else:
                try:
                    if path.suffix.lower() in TABLES:
                        check_table(path, "--out", self.overwrite)
                    else:
                        check_named(path, "--out", self.overwrite)
                except InputError as error:
                    problems += error.problems
        if problems:
            raise InputError(problems)

    def write(
        self, kind: str, table: "DataFrame", drawn: Callable[[str], bytes], called: str
    ) -> None:
        """Write the figure to every file, and print what it draws, or which files have it.

        Beside a table stands its dictionary. `drawn` returns the figure in the format of a suffix.
        """
        from trialsim.dictionary.answers import dictionary_of_answer
        from trialsim.replicates.result import SIMULATED
        from trialsim.reporting.named_file import write_named
        from trialsim.reporting.result_tables import write_table

        for path in self.out or ():
            suffix = path.suffix.lower()
            if path == STANDARD_OUTPUT:
                put(drawn(suffix))
            elif suffix in TABLES:
                told = dictionary_of_answer(kind, table, path.stem)
                about = {"figure": called, "command": command_line(), "note": SIMULATED}
                write_table(table, told, path, "--out", self.overwrite, about)
            else:
                write_named(path, drawn(suffix), "--out", self.overwrite)
        if self.as_json:
            print_json({"figure": called, "rows": table.to_dict("records")})
            return
        for path in self.out or ():
            if path == STANDARD_OUTPUT:
                warn(f"standard output: {called}")
            else:
                say(f"{path}: {called}")


@dataclass(frozen=True, kw_only=True)
class PictureFiles(FigureFiles):
    """Where a figure of the catalogue goes, of some width."""

    width: Annotated[float, typer.Option(min=3, max=20, help="Inches of the figure.")] = 7.0

    def deliver(self, result: Any, kind: str, called: str | None = None, **options: Any) -> None:
        """Write a figure of a result, with its own options, to every file.

        It is called by its kind, unless the command that draws it has another name.
        """
        from trialsim.reporting.figures.catalogue import data, plot

        def drawn(suffix: str) -> bytes:
            figure = plot(result, kind, width=self.width, **options)
            return {".png": figure.png, ".pdf": figure.pdf}.get(suffix, figure.svg_file)()

        self.write(kind, data(result, kind, **options), drawn, called or kind)


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
        from trialsim.reporting.paper import as_file

        if self.alone:
            put(page.encode())
        else:
            write_named(self.path, as_file(self.path, page), self.option, self.overwrite)


def page_file(
    path: Path, option: str, overwrite: bool, as_json: bool = False, moves: bool = False
) -> PageFile:
    """Return where a page goes; a file that cannot be written is refused before it is made.

    A page that `moves` when it is used is not for paper.

    Raises
    ------
    InputError
        If what stands there must not be replaced, the file is of another kind than HTML, PDF and
        Word, or the extra `report`, or for paper `office`, is not installed.
    """
    from trialsim.reporting.named_file import check_named
    from trialsim.reporting.paper import PAPER, check_kind
    from trialsim.reporting.tables.page import check_pages

    check_pages()
    if path != STANDARD_OUTPUT:
        check_named(path, option, overwrite)
        if moves and path.suffix.lower() in PAPER:
            raise InputError([Problem(option, "must end in .html: it has sliders", str(path))])
        check_kind(path, option)
    elif as_json:
        raise InputError([Problem(option, "must be a file with --json", str(path))])
    return PageFile(path, option, overwrite)


@dataclass(frozen=True, kw_only=True)
class PageOptions:
    """Whether a page is written beside the answer, and where it goes."""

    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a page about it, one file of HTML; - for standard output."
        ),
    ] = None
    overwrite: Overwrite = False

    def file(self, as_json: bool) -> PageFile | None:
        """Return where the page goes, if one is wanted; see `page_file`."""
        if self.report is None:
            return None
        return page_file(self.report, "--report", self.overwrite, as_json)
