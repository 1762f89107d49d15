"""The commands that draw designs beside one another: plot curve, what-if, tornado, heat-map ..."""

from typing import TYPE_CHECKING, Annotated

import typer

from trialsim.cli.options import (
    AsJson,
    Changes,
    Count,
    EngineName,
    EngineOption,
    Jobs,
    ScenarioName,
    Seed,
    loaded,
    runner_of,
)
from trialsim.cli.outputs import INCHES, Out, Overwrite, Width, deliver, destination
from trialsim.cli.worlds import asked_worlds
from trialsim.errors import InputError, Problem
from trialsim.questions.what_if.variants import How
from trialsim.reporting.text.progress import Progress

if TYPE_CHECKING:
    from trialsim.questions.what_if.what_if import WhatIf

commands = typer.Typer()

Values = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE,VALUE...", help="Values that a path takes; may be repeated."
    ),
]
Base = Annotated[
    list[str] | None,
    typer.Option(metavar="PATH=VALUE", help="Replace a value of the base, and so of all."),
]
Quantity = Annotated[
    str,
    typer.Option(
        help="What is compared: power, estimate, duration_days, screened or infusions_given."
    ),
]


@commands.command()
def curve(
    scenario: ScenarioName,
    values: Values = None,
    base: Base = None,
    replicates: Count = 10_000,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    out: Out = None,
    overwrite: Overwrite = False,
    width: Width = INCHES,
    as_json: AsJson = False,
) -> None:
    """Draw power along the values of one number, beside the closed form."""
    to = destination(out, as_json, overwrite, width)
    result = _compared(
        scenario, values, base, "one_at_a_time", [], replicates, seed, jobs, engine, paths=1
    )
    deliver(result, "curve", to)


@commands.command("what-if")
def what_if(
    scenario: ScenarioName,
    values: Values = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(metavar="SCENARIO", help="Another scenario beside it; may be repeated."),
    ] = None,
    base: Base = None,
    quantity: Quantity = "power",
    replicates: Count = 10_000,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    out: Out = None,
    overwrite: Overwrite = False,
    width: Width = INCHES,
    as_json: AsJson = False,
) -> None:
    """Draw the paired difference of each alternative from the base."""
    to = destination(out, as_json, overwrite, width)
    _check_quantity(quantity)
    others = variant or []
    result = _compared(
        scenario, values, base, "one_at_a_time", others, replicates, seed, jobs, engine
    )
    deliver(result, "what-if", to, quantity=quantity)


@commands.command()
def tornado(
    scenario: ScenarioName,
    values: Values = None,
    base: Base = None,
    quantity: Quantity = "power",
    replicates: Count = 10_000,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    out: Out = None,
    overwrite: Overwrite = False,
    width: Width = INCHES,
    as_json: AsJson = False,
) -> None:
    """Draw which assumption, varied alone, matters most."""
    to = destination(out, as_json, overwrite, width)
    _check_quantity(quantity)
    result = _compared(scenario, values, base, "one_at_a_time", [], replicates, seed, jobs, engine)
    deliver(result, "tornado", to, quantity=quantity)


@commands.command("heat-map")
def heat_map(
    scenario: ScenarioName,
    values: Values = None,
    base: Base = None,
    quantity: Quantity = "power",
    replicates: Count = 10_000,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    out: Out = None,
    overwrite: Overwrite = False,
    width: Width = INCHES,
    as_json: AsJson = False,
) -> None:
    """Draw every combination of the values of two paths."""
    to = destination(out, as_json, overwrite, width)
    _check_quantity(quantity)
    result = _compared(scenario, values, base, "grid", [], replicates, seed, jobs, engine, paths=2)
    deliver(result, "heat-map", to, quantity=quantity)


@commands.command()
def size(
    scenario: ScenarioName,
    target: Annotated[float, typer.Option("--power", help="The power to reach.")] = 0.9,
    path: Annotated[
        str, typer.Option(metavar="PATH", help="The number to find, which moves the power one way.")
    ] = "design.patients",
    low: Annotated[float | None, typer.Option(help="Where to search from.")] = None,
    high: Annotated[float | None, typer.Option(help="Where to search to.")] = None,
    replicates: Count = 10_000,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    changes: Changes = None,
    out: Out = None,
    overwrite: Overwrite = False,
    width: Width = INCHES,
    as_json: AsJson = False,
) -> None:
    """Draw the search for a power, and the value that it found."""
    from trialsim.questions.size.sample_size import Sought, size_by

    to = destination(out, as_json, overwrite, width)
    study, sought = loaded(scenario, changes), Sought(target, path, low, high, replicates)
    with Progress(None) as progress:
        result = size_by(runner_of(seed, jobs, engine, progress), study, sought)
    deliver(result, "curve", to)


@commands.command()
def assurance(
    scenario: ScenarioName,
    prior: Annotated[
        str, typer.Option(metavar="PRIOR", help="A built-in prior or the path of a YAML file.")
    ],
    replicates: Annotated[
        int, typer.Option(min=1, help="Simulated trials under all effects together.")
    ] = 10_240,
    strata: Annotated[int, typer.Option(min=2, help="Effects drawn from the prior.")] = 40,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    changes: Changes = None,
    out: Out = None,
    overwrite: Overwrite = False,
    width: Width = INCHES,
    as_json: AsJson = False,
) -> None:
    """Draw a prior of the effect, and how probable success is under each effect."""
    from trialsim.questions.assurance.assurance import assurance_by

    to = destination(out, as_json, overwrite, width)
    study = loaded(scenario, changes)
    with Progress(-(-replicates // strata), strata) as progress:
        runner = runner_of(seed, jobs, engine, progress)
        result = assurance_by(runner, study, prior, replicates, strata)
    deliver(result, "assurance", to)


def _check_quantity(quantity: str) -> None:
    """Refuse, before anything is simulated, what cannot be drawn."""
    from trialsim.reporting.figures.of_designs.forest import check_quantity

    check_quantity(quantity)


def _compared(
    scenario: str,
    values: list[str] | None,
    base: list[str] | None,
    how: How,
    variants: list[str],
    replicates: int,
    seed: int,
    jobs: int,
    engine: EngineName,
    paths: int | None = None,
) -> "WhatIf":
    """Run a study and its alternatives on the same random numbers; `paths` must be varied."""
    from trialsim.questions.what_if.what_if import compared

    worlds, varied = asked_worlds(scenario, base, values, how, variants)
    if paths not in (None, len(varied)):
        rule = f"must vary exactly {paths} of the study's paths for this figure"
        raise InputError([Problem("--set", rule, str(len(varied)))])
    others = sum(world.scenario.digest != worlds[0].scenario.digest for world in worlds)
    with Progress(replicates, 1 + others) as progress:
        return compared(worlds, varied, replicates, runner_of(seed, jobs, engine, progress))
