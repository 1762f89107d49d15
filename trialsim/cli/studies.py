"""The commands about studies, of which no trial is run: list, new, show, check, bounds, schema."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trialsim.cli.console import INPUT_WRONG, print_json, say
from trialsim.cli.option_groups import Commands, with_options
from trialsim.cli.options import AsJson, Changes, ScenarioName, loaded, study_names
from trialsim.cli.outputs import STANDARD_OUTPUT, AnswerForm
from trialsim.errors import InputError, Problem

if TYPE_CHECKING:
    from trialsim.scenario.programme import Study

commands = Commands()


@commands.command("list", short_help="List the built-in studies: trials and programmes.")
def list_scenarios(as_json: AsJson = False) -> None:
    """List the built-in studies: trials, and programmes of several."""
    from trialsim.scenario.files.builtin import builtin_studies, title_of

    found = [{"name": name, "title": title_of(file)} for name, file in builtin_studies().items()]
    if as_json:
        print_json({"scenarios": found})
        return
    width = max(len(one["name"]) for one in found)
    for one in found:
        say(f"{one['name']:{width}}  {one['title']}")


class Kind(StrEnum):
    """What sort of study a new one begins as."""

    two_arm_ordinal = "two_arm_ordinal"
    infusions = "infusions"
    several_arms = "several_arms"
    time_course = "time_course"


@commands.command(short_help="Write a short study with comments, to be changed.")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the study is called.")],
    kind: Annotated[Kind, typer.Option(help="What it begins as.")] = Kind.two_arm_ordinal,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="A USDM v4 document in JSON to begin with."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Where to write it; NAME.yaml unless given, - for standard output.",
        ),
    ] = None,
) -> None:
    """Write a short study with comments, to be changed into one's own.

    A file that exists is never replaced. Of a USDM document arms, visits, planned number, doses
    and infusions are taken; what it does not say is asked for in comments.
    """
    from trialsim.scenario.files.templates import new_study
    from trialsim.scenario.usdm.reading import study_from_usdm

    text = new_study(name, kind.value) if source is None else study_from_usdm(name, source)
    if out == STANDARD_OUTPUT:
        print(text, end="")
        return
    file = out or Path(f"{name}.yaml")
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        rule = "must not exist: a new study replaces no file"
        raise InputError([Problem("out", rule, str(file))]) from None
    except OSError as error:
        rule = f"cannot be written: {error.strerror}"
        raise InputError([Problem("out", rule, str(file))]) from None
    say(f"{file}: a study to change; then trialsim check {file}")


@commands.command()
def show(
    scenario: ScenarioName,
    changes: Changes = None,
    as_json: AsJson = False,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="Print the file of the study instead.")
    ] = False,
    as_usdm: Annotated[
        bool, typer.Option("--usdm", help="Print the trial as a USDM v4 document instead.")
    ] = False,
) -> None:
    """Print a study in words, and the status of each number.

    The status is published, derived or assumed; what has no source is assumed. With --yaml, a
    built-in study is printed as its file has it, any other or a changed one whole.
    """
    if as_usdm:
        from trialsim.scenario.programme import single_trial
        from trialsim.scenario.usdm.writing import usdm_document

        print_json(usdm_document(single_trial(loaded(scenario, changes))))
        return
    if as_yaml:
        from trialsim.scenario.files.builtin import builtin_studies
        from trialsim.scenario.files.yaml_file import to_yaml

        study = loaded(scenario, changes)
        own = builtin_studies().get(scenario) if not changes else None
        print(own.read_text(encoding="utf-8") if own else to_yaml(study), end="")
        return
    from trialsim.questions.obtained import obtained_of
    from trialsim.questions.warnings import warnings_of
    from trialsim.reporting.text.obtained import obtained_dict, obtained_text
    from trialsim.scenario.words.description import as_text
    from trialsim.scenario.words.programme import describe_study

    study = loaded(scenario, changes)
    sections, found = describe_study(study), obtained_of(study)
    warnings = warnings_of(study)
    if as_json:
        told = {"obtained": obtained_dict(found), "warnings": list(warnings)}
        print_json({**sections.to_dict(), **told})
    else:
        say(f"{as_text(sections)}\n\n{obtained_text(found)}")
        for warning in warnings:
            say(f"WARNING: {warning}")


@commands.command()
def check(
    scenarios: Annotated[
        list[str],
        typer.Argument(
            metavar="SCENARIO...",
            help="Built-in scenarios or paths of YAML files.",
            autocompletion=study_names,
        ),
    ],
    beside: Annotated[
        bool,
        typer.Option(
            "--obtained/--no-obtained",
            help="Print parameters as specified alongside those realised in simulated trials.",
        ),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Check scenario files, and report every problem at once.

    Each problem is reported with its file, line, column, path, rule and value. A few trials of
    a sound study are simulated, as its numbers are of reference patients, and those enrolled
    differ.
    """
    from trialsim.questions.obtained import obtained_of
    from trialsim.questions.warnings import warnings_of
    from trialsim.reporting.text.obtained import obtained_dict, obtained_text
    from trialsim.scenario.files.studies import load_study

    problems: list[Problem] = []
    sound: list[Study] = []
    for name in scenarios:
        try:
            sound.append(load_study(name))
        except InputError as error:
            problems += error.problems
    found = {one.name: obtained_of(one) for one in (sound if beside else [])}
    warnings = [warning for one in sound for warning in warnings_of(one)]
    if as_json:
        told = [asdict(problem) for problem in problems]
        kept = {
            "obtained": {
                name: table
                for tables in found.values()
                for name, table in obtained_dict(tables).items()
            }
        }
        names = [one.name for one in sound]
        content = {"sound": names, "problems": told, "warnings": warnings}
        print_json(content | (kept if beside else {}))
    else:
        for one in sound:
            say(f"{one.name}: no problem found (digest {one.digest})")
        for warning in warnings:
            say(f"WARNING: {warning}")
        for name, tables in found.items():
            say(f"\n{name}\n{obtained_text(tables)}")
    if problems:
        if not as_json:
            raise InputError(problems)
        raise typer.Exit(INPUT_WRONG)


@commands.command(short_help="Print the bounds of a study with looks, on every scale.")
@with_options
def bounds(
    scenario: ScenarioName,
    form: AnswerForm,
    effects: Annotated[
        list[float] | None,
        typer.Option(
            "--effect",
            metavar="EFFECT",
            help="A true effect, in the estimate's unit; may be repeated.",
        ),
    ] = None,
    changes: Changes = None,
) -> None:
    """Print the bounds of a study with looks, on every scale, and what they do.

    No trial is run: shares of information as planned, mean recruitment, and the normal
    approximation. Beside the expected patients stands the textbook number, which ignores those
    whose endpoint is pending.
    """
    from trialsim.questions.monitoring.bounds import bounds as of_study
    from trialsim.reporting.text.bounds import bounds_text

    study = loaded(scenario, changes)
    result = of_study(study, effects)
    form.give(result, lambda: bounds_text(study.title, result))


@commands.command(short_help="Print the JSON Schema of scenario files, or their fields.")
def schema(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print every field as a page in Markdown instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of scenario files, for editors, or every field as a page."""
    if markdown:
        from trialsim.reporting.pages.study_files import study_files_page

        print(study_files_page(), end="")
        return
    from trialsim.scenario.files.schema import schema as scenario_schema

    print_json(scenario_schema())
