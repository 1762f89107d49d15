"""Questions that one command answers in words and another draws, with one list of options.

A question is a function whose parameters are options; it returns what was asked of, and the answer.
"""

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from trialsim.cli.console import keeping
from trialsim.cli.options import (
    AnalysisName,
    Changes,
    Count,
    EngineName,
    EngineOption,
    Jobs,
    Kept,
    ScenarioName,
    Scheduler,
    Seed,
    collecting_problems,
    in_blocks,
    loaded,
    parsed,
    replaced,
    runner_of,
    under_analysis,
)
from trialsim.errors import InputError, Problem
from trialsim.questions.what_if.variants import How, Variant, alternatives
from trialsim.reporting.text.progress import Progress
from trialsim.scenario.programme import Study

if TYPE_CHECKING:
    from trialsim.questions.assurance.assurance import Assurance
    from trialsim.questions.size.sample_size import SampleSize
    from trialsim.questions.type_one_error import TypeOneError
    from trialsim.questions.what_if.what_if import WhatIf

Question: TypeAlias = Callable[..., tuple[Study, Any]]


def compared(
    scenario: ScenarioName,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE,VALUE...",
            help="Values that a path takes, or with --hypercube its range LOW:HIGH; may be "
            "repeated.",
        ),
    ] = None,
    grid: Annotated[bool, typer.Option("--grid", help="Every combination of the values.")] = False,
    hypercube: Annotated[
        int | None, typer.Option(min=1, help="So many points, spread evenly over the ranges.")
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(metavar="SCENARIO", help="Another scenario beside it; may be repeated."),
    ] = None,
    base: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH=VALUE", help="Replace a value in the base, and so in all but variants."
        ),
    ] = None,
    analysis: AnalysisName = None,
    replicates: Count = 10_000,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    scheduler: Scheduler = None,
    out: Kept = None,
    vary: int | None = None,
) -> tuple[Study, "WhatIf"]:
    """Compare a study with others; `vary` is how many paths must vary, any number if None."""
    from trialsim.questions.what_if.what_if import compared as compared_by
    from trialsim.runs.worlds import WORLD_BLOCK

    if grid and hypercube is not None:
        raise typer.BadParameter("must not be given with --grid", param_hint="--hypercube")
    how: How = "grid" if grid else "one_at_a_time" if hypercube is None else "latin_hypercube"
    worlds, paths = asked_worlds(
        scenario, base, values, how, variant, hypercube or 1, seed, analysis
    )
    if vary not in (None, len(paths)):
        rule = f"must vary exactly {vary} of the study's paths for this figure"
        raise InputError([Problem("--set", rule, str(len(paths)))])
    study = worlds[0].scenario
    others = sum(world.scenario.digest != study.digest for world in worlds)
    count = in_blocks(replicates, out, WORLD_BLOCK)
    with Progress(count, 1 + others) as progress, keeping(out):
        runner = runner_of(seed, jobs, engine, progress, scheduler)
        return study, compared_by(worlds, paths, replicates, runner, out)


def sized(
    scenario: ScenarioName,
    target: Annotated[float, typer.Option("--power", help="The power to reach.")] = 0.9,
    path: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="The number to find, which moves the power one way.",
            show_default="design.patients, of a programme size_percent",
        ),
    ] = None,
    low: Annotated[
        float | None, typer.Option(help="Where to search from; not needed for patients.")
    ] = None,
    high: Annotated[
        float | None, typer.Option(help="Where to search to; not needed for patients.")
    ] = None,
    replicates: Annotated[
        int, typer.Option(min=1, help="Simulated trials of each candidate, and to confirm.")
    ] = 10_000,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    scheduler: Scheduler = None,
    out: Kept = None,
    changes: Changes = None,
    analysis: AnalysisName = None,
) -> tuple[Study, "SampleSize"]:
    """Find the value that gives a power."""
    from trialsim.questions.size.sample_size import Sought, size_by

    study = loaded(scenario, changes, analysis)
    sought = Sought(target, path, low, high, replicates)
    with Progress(None) as progress, keeping(out):
        runner = runner_of(seed, jobs, engine, progress, scheduler)
        return study, size_by(runner, study, sought, out)


def assured(
    scenario: ScenarioName,
    prior: Annotated[
        str,
        typer.Option(metavar="PRIOR", help="A built-in prior or the path of a YAML file."),
    ],
    no_effect: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Prior probability of no effect, in place of the prior's own."
        ),
    ] = None,
    replicates: Annotated[
        int, typer.Option(min=1, help="Simulated trials under all effects together.")
    ] = 10_240,
    strata: Annotated[int, typer.Option(min=2, help="Effects drawn from the prior.")] = 40,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    scheduler: Scheduler = None,
    out: Kept = None,
    changes: Changes = None,
    analysis: AnalysisName = None,
) -> tuple[Study, "Assurance"]:
    """Average the power over a prior of the effect."""
    from trialsim.questions.assurance.assurance import assurance_by
    from trialsim.questions.assurance.prior_files import load_prior
    from trialsim.runs.worlds import WORLD_BLOCK

    study, believed = loaded(scenario, changes, analysis), load_prior(prior)
    if no_effect is not None:
        believed = believed.model_copy(update={"no_effect": no_effect})
    count = in_blocks(-(-replicates // strata), out, WORLD_BLOCK)
    with Progress(count, strata) as progress, keeping(out):
        runner = runner_of(seed, jobs, engine, progress, scheduler)
        return study, assurance_by(runner, study, believed, replicates, strata, out)


def without_effect(
    scenario: ScenarioName,
    replicates: Count = 10_000,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    scheduler: Scheduler = None,
    out: Kept = None,
    changes: Changes = None,
    analysis: AnalysisName = None,
) -> tuple[Study, "TypeOneError"]:
    """Count how often the study rejects without any effect."""
    from trialsim.questions.type_one_error import type_one_error_by
    from trialsim.runs.manifest import BLOCK

    study = loaded(scenario, changes, analysis)
    with Progress(in_blocks(replicates, out, BLOCK)) as progress, keeping(out):
        runner = runner_of(seed, jobs, engine, progress, scheduler)
        return study, type_one_error_by(runner, study, replicates, out)


def varied(
    scenario: ScenarioName,
    replicates: Count = 1_000,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    scheduler: Scheduler = None,
    out: Kept = None,
    changes: Changes = None,
    analysis: AnalysisName = None,
) -> tuple[Study, "WhatIf"]:
    """Vary each number that is not published."""
    from trialsim.questions.sensitivity import sensitivity_by, worlds_of
    from trialsim.runs.worlds import WORLD_BLOCK

    worlds = worlds_of(loaded(scenario, changes, analysis))
    count = in_blocks(replicates, out, WORLD_BLOCK)
    with Progress(count, len(worlds)) as progress, keeping(out):
        runner = runner_of(seed, jobs, engine, progress, scheduler)
        return worlds[0].scenario, sensitivity_by(runner, worlds, replicates, out)


def asking(
    question: Question, answer: Callable[..., None], without: tuple[str, ...] = ()
) -> Callable[..., None]:
    """Return a command that takes the options of a question and those of its answer.

    `answer` takes first what asks the question, without any argument, and then its own options, so
    that it can refuse what it cannot deliver before anything is simulated. `without` names options
    of the question that the command does not have.
    """
    asked = _options(question, without)
    own = _options(answer, ())[1:]

    def command(**given: Any) -> None:
        options = {one.name: given[one.name] for one in asked}
        answer(lambda: question(**options), **{one.name: given[one.name] for one in own})

    order = sorted([*asked, *own], key=lambda one: one.default is not Parameter.empty)
    command.__signature__ = Signature(order)  # type: ignore[attr-defined]
    command.__doc__ = answer.__doc__
    return command


def _options(function: Callable[..., Any], without: tuple[str, ...]) -> list[Parameter]:
    found = signature(function, eval_str=False).parameters.values()
    return [
        one.replace(kind=Parameter.KEYWORD_ONLY)
        for one in found
        if one.name not in ("vary", *without)
    ]


Asked: TypeAlias = Callable[[], tuple[Study, Any]]
"""What asks a question of which all options are given."""


def asked_worlds(
    name: str,
    base: list[str] | None,
    values: list[str] | None,
    how: How,
    variants: list[str] | None,
    points: int = 1,
    seed: int = 0,
    analysis: str | None = None,
) -> tuple[tuple[Variant, ...], tuple[str, ...]]:
    """Return the base and its alternatives, and the paths that were given values.

    With the name of an analysis, all of them have that secondary analysis as their primary one.
    All problems are reported at once: in the base, in the values, and in the variants they give
    which are right.
    """
    from trialsim.scenario.files.studies import load_study
    from trialsim.scenario.files.yaml_file import parsed_value

    problems: list[Problem] = []
    plain = load_study(name)
    study = replaced(plain, parsed(base, "--base", parsed_value, problems), problems)
    others: list[Any] = list(variants or ())
    if analysis is not None:
        with collecting_problems(problems):
            study = under_analysis(study, analysis)
            others = [under_analysis(load_study(one), analysis) for one in others]
    value_of = _range if how == "latin_hypercube" else _list
    changes = parsed(values, "--set", value_of, problems)
    worlds: tuple[Variant, ...] = ()
    if changes or others or not problems:
        with collecting_problems(problems):
            worlds = alternatives(study, changes, how, others, points, seed)
    if problems:
        raise InputError(problems)
    return worlds, tuple(changes)


def _list(text: str) -> Any:
    """Return values separated by commas, as a list of them stands in a scenario file."""
    from trialsim.scenario.files.yaml_file import parsed_value

    return parsed_value(f"[{text}]")


def _range(text: str) -> list[Any]:
    """Return the two ends of LOW:HIGH."""
    from trialsim.scenario.files.yaml_file import parsed_value

    return [parsed_value(end) for end in text.split(":")]
