"""Where a figure goes: to files, as a picture or as the table that it draws, or out as JSON."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from trialsim.cli.console import print_json
from trialsim.errors import InputError, Problem, RunError

Out = Annotated[
    list[Path] | None,
    typer.Option(
        "-o",
        "--out",
        metavar="FILE",
        help="A .svg or .png for the figure, a .csv for what it draws; may be repeated.",
    ),
]
Width = Annotated[float, typer.Option(min=3, max=20, help="Inches of the figure.")]
INCHES: Final = 7.0
_FORMATS: Final = (".svg", ".png", ".csv")


def check_output(out: list[Path] | None, as_json: bool) -> None:
    """Refuse, before anything is simulated, files that cannot be written, all at once.

    Raises
    ------
    InputError
        If there is nowhere to write to, or the extra `report` is not installed.
    """
    import trialsim.reporting.figures  # noqa: F401 - refuses where matplotlib is not installed

    problems = []
    if not out and not as_json:
        problems.append(Problem("--out", "must name a file, unless --json is given"))
    for path in out or ():
        if path.suffix.lower() not in _FORMATS:
            rule = f"must end in one of {', '.join(_FORMATS)}"
            problems.append(Problem("--out", rule, str(path)))
        elif not path.parent.is_dir():
            problems.append(Problem("--out", "must be in a folder that exists", str(path)))
    if problems:
        raise InputError(problems)


def deliver(
    result: Any, kind: str, out: list[Path] | None, as_json: bool, width: float, **options: Any
) -> None:
    """Write a figure of a result to every file, and print what it draws if that is asked for."""
    from trialsim.reporting.figures.catalogue import data, plot

    drawn = data(result, kind, **options)
    for path in out or ():
        if path.suffix.lower() == ".csv":
            _write(path, drawn.to_csv(index=False, lineterminator="\n").encode())
        else:
            plot(result, kind, width=width, **options).write(path)
    if as_json:
        print_json({"figure": kind, "rows": drawn.to_dict("records")})
    else:
        for path in out or ():
            print(f"{path}: {kind}")


def _write(path: Path, content: bytes) -> None:
    from trialsim.runs.atomic_file import write_whole

    try:
        write_whole(path, content)
    except OSError as error:
        raise RunError(f"cannot write to {path}: {error.strerror or error}") from None
