"""The command that draws: plot KIND SOURCE, one for each figure in the catalogue.

A figure takes the options of what it draws, trials of a study or a question about designs, then its
own, and those of where it goes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from trialsim.cli.console import warn_of_damaged_parts
from trialsim.cli.option_groups import Commands, with_options
from trialsim.cli.options import (
    Changes,
    EngineName,
    EngineOption,
    Jobs,
    StudyOptions,
    loaded,
    workers_of,
)
from trialsim.cli.outputs import FigureFiles, PictureFiles
from trialsim.cli.questions import (
    AlongOnePath,
    Assured,
    Compared,
    EachValue,
    EveryPair,
    Meant,
    Missing,
    Sized,
    Tipped,
    Varied,
)
from trialsim.errors import InputError, Problem
from trialsim.reporting.progress import Progress

if TYPE_CHECKING:
    from trialsim.analysis.analyse import Analysis
    from trialsim.questions.monitoring.bounds import BoundsResult
    from trialsim.replicates.result import PowerResult
    from trialsim.reporting.figures.canvas.trials import Trials
    from trialsim.runs.directory import RunDirectory
    from trialsim.scenario.programme import Study
    from trialsim.scenario.scenario import Scenario
    from trialsim.simulated import SimulatedTrial
    from trialsim.trial.trial import Engine

commands = Commands()
plots = Commands(
    no_args_is_help=True,
    help="Draw a figure, or print what it draws. All cohorts are simulated.",
)
commands.add_typer(plots, name="plot")

_SEED: Final = 2016
MOST_DRAWN: Final = 1_000
"""Trials whose patients are held all at once: about half a gigabyte of 208 patients each."""


class Source(NamedTuple):
    """A study under a seed, and the run that it is of, if any."""

    scenario: "Scenario"
    seed: int
    engine: "Engine"
    run: "RunDirectory | None"


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """Which study, or which run of one."""

    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="A built-in scenario, a YAML file, or the directory of a run."
        ),
    ]
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**64 - 1, help="Random seed.", show_default=str(_SEED)),
    ] = None
    engine: EngineOption = EngineName.auto
    changes: Changes = None

    def loaded(self) -> Source:
        """Return the study of a name, a file or a run, whose seed and values are its own."""
        from trialsim.runs.directory import find_run
        from trialsim.scenario.programme import single_trial

        if not Path(self.source).is_dir():
            study = single_trial(loaded(self.source, self.changes))
            return Source(study, _SEED if self.seed is None else self.seed, self.engine.value, None)
        given = {
            "--seed": self.seed is not None,
            "--set": bool(self.changes),
            "--engine": self.engine != EngineName.auto,
        }
        rule = "must not be given with a run, which has its own"
        problems = [Problem(option, rule) for option, wrong in given.items() if wrong]
        if problems:
            raise InputError(problems)
        run = find_run(self.source)
        warn_of_damaged_parts(run)
        about = run.manifest
        return Source(single_trial(about.scenario), about.seed, about.engine, run)


@dataclass(frozen=True, kw_only=True)
class OneTrial:
    """One simulated trial."""

    source: SourceOptions
    replicate: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, help="Which trial under the seed.")
    ] = 0

    def __call__(self) -> tuple["Scenario", "SimulatedTrial"]:
        """Simulate it."""
        from trialsim.simulated import simulate

        source = self.source.loaded()
        return source.scenario, simulate(
            source.scenario, source.seed, self.replicate, source.engine
        )


class Analysed(OneTrial):
    """What one simulated trial found."""

    def __call__(self) -> tuple["Scenario", "Analysis"]:  # type: ignore[override]
        """Simulate and analyse it."""
        from trialsim.analysis.analyse import analyse

        scenario, trial = super().__call__()
        return scenario, analyse(trial)


@dataclass(frozen=True, kw_only=True)
class InSubgroups(Analysed):
    """What one simulated trial found, or many did."""

    replicates: Annotated[
        int | None,
        typer.Option(min=2, max=MOST_DRAWN, help="The first so many trials instead of one."),
    ] = None

    def __call__(self) -> tuple["Scenario", "Analysis | Trials"]:  # type: ignore[override]
        """Simulate and analyse them."""
        if self.replicates is None:
            return super().__call__()
        if self.replicate:
            raise typer.BadParameter(
                "must not be given with --replicate", param_hint="--replicates"
            )
        return SeveralTrials(source=self.source, replicates=self.replicates)()


@dataclass(frozen=True, kw_only=True)
class SeveralTrials:
    """The first trials under a seed."""

    source: SourceOptions
    replicates: Annotated[
        int, typer.Option(min=1, max=MOST_DRAWN, help="Trials, from the first on.")
    ] = 200

    def __call__(self) -> tuple["Scenario", "Trials"]:
        """Simulate them."""
        from trialsim.reporting.figures.canvas.trials import simulated_trials

        scenario, seed, engine, _ = self.source.loaded()
        return scenario, simulated_trials(scenario, seed, range(self.replicates), engine)


@dataclass(frozen=True, kw_only=True)
class PowerOf:
    """The power of a study: that of a run, or of new trials."""

    source: SourceOptions
    replicates: Annotated[
        int | None,
        typer.Option(min=1, help="Simulated trials; a run has its own.", show_default="10000"),
    ] = None
    jobs: Jobs = -1

    def __call__(self) -> tuple["Scenario", "PowerResult"]:
        """Read or simulate it."""
        from trialsim.questions.power import REPLICATES, power
        from trialsim.reporting.evidence.finished_run import finished

        source = self.source.loaded()
        self.check(source.scenario)
        if source.run is not None:
            if self.replicates is not None:
                raise typer.BadParameter("must not be given with a run", param_hint="--replicates")
            return source.scenario, finished(source.run)
        count = REPLICATES if self.replicates is None else self.replicates
        with Progress(count) as progress:
            how = source.seed, workers_of(self.jobs), source.engine
            return source.scenario, power(source.scenario, count, *how, progress=progress)

    def check(self, study: "Scenario") -> None:
        """Refuse, before any trial is run, a study that has no such figure."""


class PowerWithLooks(PowerOf):
    """The power of a study with looks."""

    def check(self, study: "Scenario") -> None:
        """Refuse a study without looks."""
        if study.monitoring is None:
            raise InputError([Problem("monitoring", "must be there: the study has no looks")])


class Planned(StudyOptions):
    """A study, of which no trial is run."""

    def __call__(self) -> tuple["Study", Any]:
        """Load it, and work out what is drawn."""
        study = self.loaded()
        return study, self.drawn(study)

    def drawn(self, study: "Study") -> Any:
        """Return what is drawn: the study itself."""
        return study


class PlannedBounds(Planned):
    """The bounds of a study with looks."""

    def drawn(self, study: "Study") -> "BoundsResult":
        """Work them out."""
        from trialsim.questions.monitoring.bounds import bounds

        return bounds(study)


class BoundsByEffect(Planned):
    """What the bounds do under many effects."""

    def drawn(self, study: "Study") -> "BoundsResult":
        """Work it out."""
        from trialsim.questions.monitoring.bounds import bounds_by_effect

        return bounds_by_effect(study)


class Figure(NamedTuple):
    """A command that draws: what it draws, and as which figure of the catalogue."""

    drawn: Callable[..., Any]
    """The options of what is drawn, which without an argument return the study and the result."""
    about: str
    own: tuple[str, ...] = ()
    """Options of the figure, of those in `_OWN`."""
    kind: str | None = None
    """As the catalogue has it, if the command is named otherwise."""


_OWN: Final = {
    "quantity": (
        "power",
        Annotated[
            str,
            typer.Option(
                help="What is compared: power, estimate, duration_days, screened or "
                "infusions_given."
            ),
        ],
    ),
    "outcome": (
        None,
        Annotated[str | None, typer.Option(help="Which outcome.", show_default="the primary one")],
    ),
    "analysis": (
        None,
        Annotated[
            str | None,
            typer.Option(help="Which analysis of times.", show_default="the first of the plan"),
        ],
    ),
    "patients": (40, Annotated[int, typer.Option(min=1, help="The first so many patients.")]),
    "site": (
        None,
        Annotated[str | None, typer.Option(help="Which site.", show_default="the busiest")],
    ),
}
"""Default and annotation of the options that figures have."""
FIGURES: Final = {
    "recruitment": Figure(
        SeveralTrials, "Draw patients randomised over time, and the scatter of trials."
    ),
    "scores": Figure(
        OneTrial, "Draw mean scores by arm and visit, with their intervals.", ("outcome",)
    ),
    "distribution": Figure(
        OneTrial, "Draw the whole distribution of a score by arm and visit.", ("outcome",)
    ),
    "times": Figure(
        OneTrial, "Draw the times to an event by arm, with the patients at risk.", ("analysis",)
    ),
    "effects": Figure(Analysed, "Draw the primary and secondary estimates of one trial."),
    "subgroups": Figure(
        InSubgroups,
        "Draw the effect in subgroups of one trial, or its mean over many, as a forest.",
    ),
    "adherence": Figure(OneTrial, "Draw a map of infusions: patients by days."),
    "lanes": Figure(
        OneTrial, "Draw a lane for each patient: infusions, visits, exits.", ("patients",)
    ),
    "chairs": Figure(
        OneTrial, "Draw the infusion chairs in use at a site by hour of the day.", ("site",)
    ),
    "population": Figure(
        SeveralTrials, "Draw a table of former patients, and the candidates drawn from it."
    ),
    "dose-response": Figure(
        SeveralTrials, "Draw the effect by dose, and the curves that a dose finding chooses."
    ),
    "stopping": Figure(
        PowerWithLooks, "Draw where trials with looks end: for efficacy, futility, or at the end."
    ),
    "patients": Figure(
        PowerWithLooks, "Draw who is in at each look: endpoint known, waiting, and still to come."
    ),
    "boundaries": Figure(
        PlannedBounds, "Draw the bounds of the looks on z and on the effect; no trial is run."
    ),
    "expected-size": Figure(
        BoundsByEffect, "Draw expected patients by the true effect, alongside the textbook's count."
    ),
    "graph": Figure(Planned, "Draw the graph by which analyses share the level; no trial is run."),
    "curve": Figure(AlongOnePath, "Draw power along the values of one number."),
    "what-if": Figure(
        Compared, "Draw the paired difference of each alternative from the base.", ("quantity",)
    ),
    "tornado": Figure(
        EachValue, "Draw which assumption, varied alone, matters most.", ("quantity",)
    ),
    "sensitivity": Figure(
        Varied,
        "Draw which number that is not published matters most.",
        ("quantity",),
        kind="tornado",
    ),
    "tipping-point": Figure(
        Tipped, "Draw how much worse imputed scores must be for the conclusion to change."
    ),
    "estimands": Figure(
        Meant, "Draw the true value of each estimand, and what analyses that are for it find."
    ),
    "missingness": Figure(
        Missing, "Draw the bias of each analysis as more is missing or follows an event."
    ),
    "heat-map": Figure(
        EveryPair, "Draw every combination of the values of two paths.", ("quantity",)
    ),
    "size": Figure(
        Sized, "Draw the search for a power, and the value that it found.", kind="curve"
    ),
    "assurance": Figure(Assured, "Draw a prior of the effect, and the power under each effect."),
}
"""Every figure that a command draws, but those with further options: `estimate` and `consort`."""


def _command(name: str, figure: Figure) -> Callable[..., None]:
    """Return the command of a figure."""

    def draw(drawn: Callable[[], tuple[Any, Any]], files: PictureFiles, **own: Any) -> None:
        files.check()
        if "quantity" in own:
            from trialsim.reporting.figures.of_designs.forest import check_quantity

            check_quantity(own["quantity"])
        files.deliver(drawn()[1], figure.kind or name, called=name, **own)

    options = {name: _OWN[name] for name in figure.own}
    draw.__doc__ = figure.about
    draw.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            _parameter("drawn", figure.drawn),
            *(_parameter(name, kind, default) for name, (default, kind) in options.items()),
            _parameter("files", PictureFiles),
        ]
    )
    return with_options(draw)


def _parameter(name: str, annotation: Any, default: Any = Parameter.empty) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


@plots.command()
@with_options
def estimate(
    drawn: PowerOf,
    files: PictureFiles,
    published: Annotated[
        float | None,
        typer.Option(
            help="An estimate to show among those of single trials.",
            show_default="that of the study, if any",
        ),
    ] = None,
) -> None:
    """Draw the distribution of the estimates of single trials, and the truth."""
    from trialsim.reporting.evidence.published import published_estimate

    files.check()
    study, result = drawn()
    shown = published_estimate(study) if published is None else published
    files.deliver(result, "estimate", published=shown)


@plots.command()
@with_options
def consort(
    options: SourceOptions,
    files: FigureFiles,
    replicates: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_DRAWN, help="Of the average of trials, from the first on."),
    ] = None,
    replicate: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, help="Which trial under the seed.")
    ] = 0,
) -> None:
    """Draw the CONSORT flow diagram of one trial, or of the average of many."""
    from trialsim.reporting.consort.diagram import flow_file
    from trialsim.reporting.consort.flow import flow_of
    from trialsim.reporting.printed import check_printing
    from trialsim.streams import Streams
    from trialsim.trial.trial import simulate_batch

    files.check()
    if any(path.suffix.lower() in (".png", ".pdf") for path in files.out or ()):
        check_printing()
    if replicates is not None and replicate:
        raise typer.BadParameter("must not be given with --replicates", param_hint="--replicate")
    source = options.loaded()
    numbers = range(replicate, replicate + 1) if replicates is None else range(replicates)
    flow = flow_of(simulate_batch(source.scenario, Streams(source.seed, numbers), source.engine))
    files.write("consort", flow.to_frame(), partial(flow_file, flow), "consort")


for _name, _figure in FIGURES.items():
    plots.command(_name)(_command(_name, _figure))
