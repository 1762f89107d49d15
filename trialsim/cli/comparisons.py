"""The commands that compare designs: what-if, size, assurance."""

from math import isnan
from typing import Annotated

import typer

from trialsim.cli.console import keeping, print_json, say
from trialsim.cli.options import (
    AnalysisName,
    AsJson,
    Changes,
    Count,
    EngineName,
    EngineOption,
    Jobs,
    Kept,
    ScenarioName,
    Scheduler,
    Seed,
    in_blocks,
    loaded,
    runner_of,
)
from trialsim.cli.worlds import asked_worlds
from trialsim.questions.what_if.variants import How
from trialsim.reporting.text.progress import Progress

commands = typer.Typer()


@commands.command("what-if")
def what_if(
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
    as_json: AsJson = False,
) -> None:
    """Compare a study with others, on the same random numbers.

    Each value alone, a grid or a Latin hypercube, and named variants. The differences of power,
    estimate, duration, screened and infusions are paired with the base, replicate by replicate.
    With --out, the table is also written to the directory.
    """
    from trialsim.questions.what_if.what_if import compared
    from trialsim.reporting.text.comparison import what_if_text
    from trialsim.runs.worlds import WORLD_BLOCK

    if grid and hypercube is not None:
        raise typer.BadParameter("must not be given with --grid", param_hint="--hypercube")
    how: How = "grid" if grid else "one_at_a_time" if hypercube is None else "latin_hypercube"
    worlds, paths = asked_worlds(
        scenario, base, values, how, variant, hypercube or 1, seed, analysis
    )
    study = worlds[0].scenario
    others = sum(world.scenario.digest != study.digest for world in worlds)
    with (
        Progress(in_blocks(replicates, out, WORLD_BLOCK), 1 + others) as progress,
        keeping(out),
    ):
        runner = runner_of(seed, jobs, engine, progress, scheduler)
        result = compared(worlds, paths, replicates, runner, out)
    if as_json:
        print_json(result.to_dict())
    else:
        say(what_if_text(study.title, result))


@commands.command()
def size(
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
    as_json: AsJson = False,
) -> None:
    """Find the patients, or another number, for a power.

    The answer is an interval; the recommended value is confirmed on trials of another seed.
    """
    from trialsim.questions.size.sample_size import Sought, size_by
    from trialsim.reporting.text.comparison import size_text

    study = loaded(scenario, changes, analysis)
    sought = Sought(target, path, low, high, replicates)
    with Progress(None) as progress, keeping(out):
        runner = runner_of(seed, jobs, engine, progress, scheduler)
        result = size_by(runner, study, sought, out)
    if as_json:
        print_json(result.to_dict())
    else:
        say(size_text(study.title, result))


@commands.command("assurance")
@commands.command("assure", hidden=True)  # its former name
def assure(
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
    observed: Annotated[
        float | None,
        typer.Option(help="Give the predictive probability of an estimate this small."),
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
    as_json: AsJson = False,
) -> None:
    """Estimate assurance: power averaged over a prior of the effect.

    Priors: cars1, cars_pooled, cars_heterogeneous, or a file.
    """
    from trialsim.questions.assurance.assurance import assurance_by
    from trialsim.questions.assurance.prior_files import load_prior
    from trialsim.reporting.text.comparison import assurance_text
    from trialsim.runs.worlds import WORLD_BLOCK

    if observed is not None and isnan(observed):
        raise typer.BadParameter("must be a number", param_hint="--observed")
    study, believed = loaded(scenario, changes, analysis), load_prior(prior)
    if no_effect is not None:
        believed = believed.model_copy(update={"no_effect": no_effect})
    each = -(-replicates // strata)
    with Progress(in_blocks(each, out, WORLD_BLOCK), strata) as progress, keeping(out):
        runner = runner_of(seed, jobs, engine, progress, scheduler)
        result = assurance_by(runner, study, believed, replicates, strata, out)
    if as_json:
        content = result.to_dict()
        if observed is not None:
            place = result.share_at_most(observed)
            content["observed"] = {
                "estimate": observed,
                "share_at_most": float(place.estimate),
                "mcse": float(place.mcse),
                "ci": [float(place.low), float(place.high)],
            }
        print_json(content)
    else:
        say(assurance_text(study.title, result, observed))
