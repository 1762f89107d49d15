"""The commands that write a page of many trials, or serve one: report, explore, app."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from trialsim.cli.console import command_line, say, warn, warn_of_damaged_parts
from trialsim.cli.option_groups import Commands, with_options
from trialsim.cli.options import Jobs, KeepOptions, study_names, workers_of
from trialsim.cli.outputs import Overwrite, page_file
from trialsim.cli.questions import Grid
from trialsim.reporting.progress import Progress

commands = Commands()
_LOOPBACK: Final = "127.0.0.1"
_PORT: Final = 8017


def _counted(what: str, usual: str) -> Any:
    """Return the option of how many trials a part of the report has, of which 0 leaves it out."""
    return typer.Option(min=0, help=what, show_default=usual)


@commands.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run.")],
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            help="The .html, .pdf or .docx file to write; - for HTML on standard output.",
        ),
    ],
    null: Annotated[
        Path | None,
        typer.Option(help="A run of the same design without effect, for the type I error."),
    ] = None,
    null_replicates: Annotated[
        int | None,
        _counted("Without --null: trials without effect; 0 for none.", "4096, 1024 with events"),
    ] = None,
    what_if: Annotated[
        Path | None, typer.Option(help="A what-if of the same study, for the sensitivity.")
    ] = None,
    sensitivity_replicates: Annotated[
        int | None,
        _counted("Without --what-if: trials of each change; 0 for none.", "512, 128 with events"),
    ] = None,
    published_replicates: Annotated[
        int | None,
        _counted("Trials beside what was published; 0 for none.", "1024, 256 with events"),
    ] = None,
    nuisance_replicates: Annotated[
        int | None,
        _counted("Trials of each nuisance value; 0 for none.", "1024, 256 with events"),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps what is computed, for the next report."),
    ] = None,
    scenarios: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A YAML file of scenarios to report by name, in place of the study's own.",
        ),
    ] = None,
    scenario_replicates: Annotated[
        int | None,
        _counted("Trials of each named scenario; 0 for none.", "4096, 1024 with events"),
    ] = None,
    question: Annotated[str, typer.Option(help="What the study was simulated to answer.")] = "",
    conclusion: Annotated[
        str, typer.Option(help="What you conclude, printed as the author's words.")
    ] = "",
    jobs: Jobs = -1,
    overwrite: Overwrite = False,
) -> None:
    """Write the report of a run: one file that holds everything.

    It is HTML that needs no network, or by the extra office PDF or Word: the answer first, then
    operating characteristics with their Monte Carlo errors, estimands, sensitivity, example trials,
    methods, how to reproduce it, and every assumption with its source. The run is only read; what
    is computed beside it, such as trials without effect, is kept for the next report in the folder
    of --keep, if there is one.
    """
    from trialsim.reporting.evidence.evidence import ReportOptions, collect_evidence
    from trialsim.reporting.pages.report import report as written
    from trialsim.runs.directory import find_run

    to = page_file(out, "-o", overwrite)
    directory = find_run(run)
    warn_of_damaged_parts(directory)
    counts = null_replicates, sensitivity_replicates, published_replicates, nuisance_replicates
    named = scenarios, scenario_replicates
    wanted = ReportOptions(null, what_if, *counts, *named, workers_of(jobs), keep)
    with Progress(None) as progress:
        evidence = collect_evidence(directory, wanted, progress)
        page = written(evidence, question, command_line(), conclusion)
    to.write(page)
    (warn if to.alone else say)(
        f"The report of {evidence.result.replicates:,} simulated trials is in {out}"
    )


@commands.command(short_help="Write a page with sliders over a grid of designs.")
@with_options
def explore(
    question: Grid,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The HTML file to write; - for standard output.")
    ],
    keep: Annotated[
        Path | None,
        typer.Option(help="Directory that keeps what is run; the same command resumes it."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a page with sliders over a grid of designs: one file that holds everything.

    Every combination of the values of --set is simulated, all on the same random numbers. The page
    is HTML and needs no network: for the design under the sliders it gives power, the difference
    from the base, patients, duration and candidates, each with its Monte Carlo error.
    """
    from trialsim.reporting.pages.explorer import explorer_page

    to = page_file(out, "-o", overwrite, moves=True)
    _, result = question(KeepOptions(out=keep))
    to.write(explorer_page(result, command_line()))
    (warn if to.alone else say)(f"The page of {len(result.rows) - 1:,} designs is {out}")


@commands.command(short_help="Open a page in the browser to plan a trial on.")
def app(
    study: Annotated[
        str | None,
        typer.Argument(
            metavar="[STUDY]",
            help="A built-in study or the path of a YAML file, which is open at first.",
            autocompletion=study_names,
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to serve at; others than this machine's are public.")
    ] = _LOOPBACK,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = _PORT,
    browser: Annotated[
        bool, typer.Option("--browser", help="Open the page in the browser, too.")
    ] = False,
) -> None:
    """Serve a page on which a trial is planned, until it is interrupted with Ctrl-C.

    Choose a study or drop a file, change its design, run it with a progress bar, and compare
    designs on the same simulated trials. Runs are processes of their own; visitors do not share
    anything. It is served to this machine alone unless --host says otherwise. Needs the extra app.
    """
    from trialsim.app.serving import check_app, serve
    from trialsim.scenario.files.studies import load_study

    check_app()
    opened = None if study is None else load_study(study)

    def ready(address: str) -> None:
        say(f"trialsim is at {address} (stop with Ctrl-C)")
        sys.stdout.flush()
        if host not in (_LOOPBACK, "localhost", "::1"):
            warn("trialsim: everyone who reaches this address can have this machine compute")
        if browser:
            typer.launch(address)

    serve(opened, host, port, ready)
