"""The commands that hold studies, and the package, to what was published: reproduce, validate."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trialsim.cli.console import RUN_FAILED, answer, say, warn
from trialsim.cli.option_groups import Commands, with_options
from trialsim.cli.options import AsJson, RunOptions, ScenarioName
from trialsim.cli.outputs import AnswerForm, Overwrite, page_file
from trialsim.errors import InputError, Problem

if TYPE_CHECKING:
    from trialsim.questions.calibration.figure_curve import Target
    from trialsim.scenario.programme import Study

commands = Commands()

Trials = Annotated[int, typer.Option("--replicates", min=2, help="Simulated trials.")]


@commands.command()
@with_options
def reproduce(
    studies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STUDY]...",
            help="Built-in studies or paths of YAML files; all built-in ones with findings.",
        ),
    ] = None,
    *,
    run: RunOptions,
    replicates: Trials = 2_000,
    effects: Annotated[bool, typer.Option("--effects", help="Only estimates of effects.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a table of Markdown.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare simulated with published results.

    For each published figure: the mean over simulated trials, its Monte Carlo error, where single
    trials fall, and a verdict in words.
    """
    from trialsim.questions.calibration.reproduce import reproduced
    from trialsim.replicates.result import SIMULATED
    from trialsim.reporting.text.reproduction import reproduction_markdown, reproduction_text

    found = _with_findings(studies, effects)
    with run.runner(replicates, len(found)) as runner:
        results = [reproduced(runner, one, replicates) for one in found]
    content = {"studies": [result.to_dict() for result in results], "note": SIMULATED}
    text = reproduction_markdown if markdown else reproduction_text
    answer(content, as_json, lambda: text(results))


@commands.command(short_help="Calibrate parameters to target values.")
@with_options
def calibrate(
    scenario: ScenarioName,
    paths: Annotated[
        list[str],
        typer.Option(
            "--path",
            metavar="PATH",
            help="A number to solve for; PATH=VALUE begins elsewhere. May be repeated.",
        ),
    ],
    targets: Annotated[
        list[str],
        typer.Option(
            "--target",
            metavar="TARGET",
            help="What it is to give: a finding of the study, or QUANTITY=VALUE. One for each "
            "--path.",
        ),
    ],
    run: RunOptions,
    form: AnswerForm,
    replicates: Trials = 2_000,
    write: Annotated[
        bool, typer.Option("--write", help="Write numbers and targets into the file.")
    ] = False,
) -> None:
    """Calibrate parameters to target values, such as published figures.

    A quantity is `power`, `estimate` or another mean in `trialsim power --json`. The answer
    has a Monte Carlo error, and is confirmed on trials of another seed.
    """
    from trialsim.questions.calibration.calibrate import calibrated_by
    from trialsim.reporting.named_file import check_named
    from trialsim.reporting.text.reproduction import calibration_text
    from trialsim.runs.atomic_file import write_whole
    from trialsim.scenario.files.calibrated import with_calibrated
    from trialsim.scenario.files.studies import load_study

    if write and not Path(scenario).is_file():
        raise typer.BadParameter("needs the path of a file", param_hint="--write")
    if write:
        check_named(scenario, "--write", overwrite=True)
    study = load_study(scenario)
    wanted, start = _targets(study, paths, targets)
    if write:
        _refuse_published(study, list(wanted))
    with run.runner(None) as runner:
        result = calibrated_by(runner, study, wanted, replicates, start)
    if write:
        numbers = {row.path: row.value for row in result.rows}
        text = with_calibrated(Path(scenario), numbers, result.study.calibrated)
        write_whole(Path(scenario), text.encode())
    form.give(result, lambda: calibration_text(result))
    if write and not form.as_json:
        say(f"{scenario} has the new values")


@commands.command(short_help="Check this installation, and the reference values it meets.")
def validate(
    *,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FILE", help="Write a page of it; - for HTML here."),
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Check this installation: pass or fail.

    Installation: versions, and files as they were delivered. Operation: engines, workers and
    batches agree to the bit, and known answers. Reference values: those of other software and of
    publications, each with its source. Exit status 1 where anything fails.
    """
    from trialsim.reporting.validation.page import validation_page
    from trialsim.reporting.validation.text import validation_text
    from trialsim.scenario.words.values import counted
    from trialsim.validation.validate import validate as validated

    page = None if out is None else page_file(out, "--out", overwrite, as_json)
    found = validated()
    if page is not None:
        page.write(validation_page(found))
    if page is None or not page.alone:
        answer(found.to_dict(), as_json, lambda: validation_text(found))
    if not found.passed:
        warn(f"trialsim: {counted(len(found.failed), 'checks')} failed")
        raise typer.Exit(RUN_FAILED)


def _refuse_published(study: "Study", paths: list[str]) -> None:
    """Refuse to write numbers where their source would still say that they were published."""
    from trialsim.scenario.programme import source_at
    from trialsim.scenario.validation.paths import part_at

    content = study.model_dump()
    rule = "must have a source that says derived or assumed, as it is solved for"
    problems = [
        Problem(path, rule, "published")
        for path in paths
        if part_at(content, path) is not None and source_at(path, study).status == "published"
    ]
    if problems:
        raise InputError(problems)


def _with_findings(names: list[str] | None, effects: bool) -> list["Study"]:
    """Return the named studies, or every built-in one, those of them that have findings."""
    from trialsim.scenario.files.builtin import builtin_studies
    from trialsim.scenario.files.studies import load_study

    found: list[Study] = []
    problems: list[Problem] = []
    for name in names or builtin_studies():
        try:
            study = load_study(name)
        except InputError as error:
            problems += error.problems
            continue
        if effects:
            study = _effects_alone(study)
        if study.findings:
            found.append(study)
        elif names:
            problems.append(Problem("study", "must have findings to be reproduced", name))
    if problems:
        raise InputError(problems)
    return found


def _effects_alone(study: "Study") -> "Study":
    """Return a study with those findings that are estimates of an analysis."""
    from trialsim.scenario.plan.findings import AnalysisFigure

    estimates = {
        name: finding
        for name, finding in study.findings.items()
        if isinstance(finding.of, AnalysisFigure) and finding.of.figure == "estimate"
    }
    return study.model_copy(update={"findings": estimates})


def _targets(
    study: "Study", paths: list[str], targets: list[str]
) -> tuple[dict[str, "Target"], dict[str, float]]:
    """Return the target of each path, and where the search of some of them begins."""
    from trialsim.questions.calibration.calibrate import target_of
    from trialsim.scenario.validation.problems import as_written

    if len(paths) != len(targets):
        rule = f"must be given once for each --path, {len(paths)} in all"
        raise InputError([Problem("--target", rule, str(len(targets)))])
    wanted: dict[str, Target] = {}
    start: dict[str, float] = {}
    problems: list[Problem] = []
    for path, target in zip(paths, targets, strict=True):
        name, begins, value = path.partition("=")
        try:
            wanted[name] = target_of(study, target)
            start |= {name: float(value)} if begins else {}
        except InputError as error:
            problems += error.problems
        except ValueError:
            problems.append(Problem("--path", "must begin at a number", as_written(path)))
    if len(wanted) < len(paths) and not problems:
        problems.append(Problem("--path", "must be given once for each number"))
    if problems:
        raise InputError(problems)
    return wanted, start
