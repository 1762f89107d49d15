"""The commands that draw a study or a run: plot estimate, recruitment, scores and the like."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from trialsim.cli import comparison_figures
from trialsim.cli.console import warn_of_damaged_parts
from trialsim.cli.options import (
    AsJson,
    Changes,
    EngineName,
    EngineOption,
    Jobs,
    loaded,
    workers_of,
)
from trialsim.cli.outputs import (
    FLOW_FORMATS,
    INCHES,
    Out,
    Overwrite,
    Width,
    deliver,
    deliver_flow,
    destination,
)
from trialsim.errors import InputError, Problem
from trialsim.reporting.text.progress import Progress
from trialsim.scenario.programme import single_trial
from trialsim.scenario.scenario import Scenario

if TYPE_CHECKING:
    from trialsim.runs.directory import RunDirectory
    from trialsim.simulated import SimulatedTrial
    from trialsim.trial.trial import Engine

commands = typer.Typer()
plots = typer.Typer(
    no_args_is_help=True,
    help="Draw a figure, or print what it draws. All cohorts are simulated.",
)
commands.add_typer(plots, name="plot")
plots.add_typer(comparison_figures.commands)

_SEED: Final = 2016
Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE", help="A built-in scenario, a YAML file, or the directory of a run."
    ),
]
OneSeed = Annotated[
    int | None,
    typer.Option(
        min=0, max=2**64 - 1, help="All randomness follows from it.", show_default=str(_SEED)
    ),
]
Replicate = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Which trial under the seed.")]
OutcomeName = Annotated[
    str | None, typer.Option(help="Which outcome.", show_default="the primary one")
]


@plots.command()
def estimate(
    source: Source,
    published: Annotated[
        float | None,
        typer.Option(
            help="An estimate to show among those of single trials.",
            show_default="that of the study, if any",
        ),
    ] = None,
    replicates: Annotated[
        int | None,
        typer.Option(min=1, help="Simulated trials; a run has its own.", show_default="10000"),
    ] = None,
    seed: OneSeed = None,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    changes: Changes = None,
    out: Out = None,
    overwrite: Overwrite = False,
    width: Width = INCHES,
    as_json: AsJson = False,
) -> None:
    """Draw how the estimates of single trials scatter, about the truth."""
    from trialsim.questions.power import power
    from trialsim.reporting.evidence.finished_run import finished
    from trialsim.reporting.evidence.published import published_estimate

    to = destination(out, as_json, overwrite, width)
    study = _source(source, seed, changes, engine)
    if study.run is not None:
        if replicates is not None:
            raise typer.BadParameter("must not be given with a run", param_hint="--replicates")
        result = finished(study.run)
    else:
        count = 10_000 if replicates is None else replicates
        with Progress(count) as progress:
            how = (study.seed, workers_of(jobs), study.engine)
            result = power(study.scenario, count, *how, progress=progress)
    shown = published_estimate(study.scenario) if published is None else published
    deliver(result, "estimate", to, published=shown)


@plots.command()
def recruitment(
    source: Source,
    replicates: Annotated[int, typer.Option(min=1, help="Trials, from the first on.")] = 200,
    seed: OneSeed = None,
    engine: EngineOption = EngineName.auto,
    changes: Changes = None,
    out: Out = None,
    overwrite: Overwrite = False,
    width: Width = INCHES,
    as_json: AsJson = False,
) -> None:
    """Draw patients randomised over time, and how trials fan out."""
    from trialsim.reporting.figures.canvas.trials import simulated_trials

    to = destination(out, as_json, overwrite, width)
    study = _source(source, seed, changes, engine)
    numbers = range(replicates)
    trials = simulated_trials(study.scenario, study.seed, numbers, study.engine)
    deliver(trials, "recruitment", to)


@plots.command()
def consort(
    source: Source,
    replicates: Annotated[
        int | None, typer.Option(min=1, help="Of the average of trials, from the first on.")
    ] = None,
    replicate: Replicate = 0,
    seed: OneSeed = None,
    engine: EngineOption = EngineName.auto,
    changes: Changes = None,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Draw the CONSORT flow diagram of one trial, or of the average of many."""
    from trialsim.reporting.consort.flow import flow_of
    from trialsim.streams import Streams
    from trialsim.trial.trial import simulate_batch

    to = destination(out, as_json, overwrite, formats=FLOW_FORMATS)
    if replicates is not None and replicate:
        raise typer.BadParameter("must not be given with --replicates", param_hint="--replicate")
    study = _source(source, seed, changes, engine)
    numbers = range(replicate, replicate + 1) if replicates is None else range(replicates)
    batch = simulate_batch(study.scenario, Streams(study.seed, numbers), study.engine)
    deliver_flow(flow_of(batch), to)


@plots.command()
def scores(
    source: Source,
    outcome: OutcomeName = None,
    replicate: Replicate = 0,
    seed: OneSeed = None,
    engine: EngineOption = EngineName.auto,
    changes: Changes = None,
    out: Out = None,
    overwrite: Overwrite = False,
    width: Width = INCHES,
    as_json: AsJson = False,
) -> None:
    """Draw mean scores by arm and visit, with their intervals."""
    to = destination(out, as_json, overwrite, width)
    study = _source(source, seed, changes, engine)
    deliver(study.trial(replicate), "scores", to, outcome=outcome)


@plots.command()
def distribution(
    source: Source,
    outcome: OutcomeName = None,
    replicate: Replicate = 0,
    seed: OneSeed = None,
    engine: EngineOption = EngineName.auto,
    changes: Changes = None,
    out: Out = None,
    overwrite: Overwrite = False,
    width: Width = INCHES,
    as_json: AsJson = False,
) -> None:
    """Draw the whole distribution of a score by arm and visit."""
    to = destination(out, as_json, overwrite, width)
    study = _source(source, seed, changes, engine)
    deliver(study.trial(replicate), "distribution", to, outcome=outcome)


@plots.command()
def effects(
    source: Source,
    replicate: Replicate = 0,
    seed: OneSeed = None,
    engine: EngineOption = EngineName.auto,
    changes: Changes = None,
    out: Out = None,
    overwrite: Overwrite = False,
    width: Width = INCHES,
    as_json: AsJson = False,
) -> None:
    """Draw the estimates of one trial, the primary one and those beside it."""
    from trialsim.analysis.analyse import analyse

    to = destination(out, as_json, overwrite, width)
    study = _source(source, seed, changes, engine)
    deliver(analyse(study.trial(replicate)), "effects", to)


@plots.command()
def adherence(
    source: Source,
    replicate: Replicate = 0,
    seed: OneSeed = None,
    engine: EngineOption = EngineName.auto,
    changes: Changes = None,
    out: Out = None,
    overwrite: Overwrite = False,
    width: Width = INCHES,
    as_json: AsJson = False,
) -> None:
    """Draw a map of infusions: patients by days."""
    to = destination(out, as_json, overwrite, width)
    study = _source(source, seed, changes, engine)
    deliver(study.trial(replicate), "adherence", to)


@plots.command()
def lanes(
    source: Source,
    patients: Annotated[int, typer.Option(min=1, help="The first so many patients.")] = 40,
    replicate: Replicate = 0,
    seed: OneSeed = None,
    engine: EngineOption = EngineName.auto,
    changes: Changes = None,
    out: Out = None,
    overwrite: Overwrite = False,
    width: Width = INCHES,
    as_json: AsJson = False,
) -> None:
    """Draw a lane for each patient: infusions, visits, exits."""
    to = destination(out, as_json, overwrite, width)
    study = _source(source, seed, changes, engine)
    deliver(study.trial(replicate), "lanes", to, patients=patients)


@plots.command()
def chairs(
    source: Source,
    site: Annotated[
        str | None, typer.Option(help="Which site.", show_default="the busiest")
    ] = None,
    replicate: Replicate = 0,
    seed: OneSeed = None,
    engine: EngineOption = EngineName.auto,
    changes: Changes = None,
    out: Out = None,
    overwrite: Overwrite = False,
    width: Width = INCHES,
    as_json: AsJson = False,
) -> None:
    """Draw the infusion chairs in use at a site by hour of the day."""
    to = destination(out, as_json, overwrite, width)
    study = _source(source, seed, changes, engine)
    deliver(study.trial(replicate), "chairs", to, site=site)


class Drawn(NamedTuple):
    """What is drawn: a study under a seed, and the run that it is of, if any."""

    scenario: Scenario
    seed: int
    engine: "Engine"
    run: "RunDirectory | None"

    def trial(self, replicate: int) -> "SimulatedTrial":
        """Return one trial of it."""
        from trialsim.simulated import simulate

        return simulate(self.scenario, self.seed, replicate, self.engine)


def _source(name: str, seed: int | None, changes: list[str] | None, engine: EngineName) -> Drawn:
    """Return the study of a name, a file or a run, whose seed and values are its own."""
    from trialsim.runs.directory import find_run

    if not Path(name).is_dir():
        study = single_trial(loaded(name, changes))
        return Drawn(study, _SEED if seed is None else seed, engine.value, None)
    given = {"--seed": seed is not None, "--set": bool(changes), "--engine": engine != "auto"}
    rule = "must not be given with a run, which has its own"
    problems = [Problem(option, rule) for option, wrong in given.items() if wrong]
    if problems:
        raise InputError(problems)
    run = find_run(name)
    warn_of_damaged_parts(run)
    return Drawn(single_trial(run.manifest.scenario), run.manifest.seed, run.manifest.engine, run)
