"""The command line: arguments in, text and files out; the only place that prints."""

import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trialsim import __version__
from trialsim.errors import InputError, Problem, RunError
from trialsim.power.alternatives import How
from trialsim.power.power import SIMULATED, PowerResult
from trialsim.power.replicates import BATCH
from trialsim.reporting.analysis_text import analysis_text
from trialsim.reporting.power_text import power_text
from trialsim.reporting.progress import Progress
from trialsim.reporting.words import heading
from trialsim.scenario.scenario import Scenario

if TYPE_CHECKING:
    from trialsim.power.long_run import LongRun
    from trialsim.power.run_directory import RunDirectory
    from trialsim.power.shards import Shard
    from trialsim.trial.trial import Engine

DONE, RUN_FAILED, INPUT_WRONG, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="trialsim",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Simulate randomised trials patient by patient, and say what a design does. "
    "All cohorts are simulated; nothing printed is evidence about any drug.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"trialsim {__version__}")
        raise typer.Exit(DONE)


@app.callback()
def about(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Take the options that belong to no command."""


class EngineName(StrEnum):
    """What simulates: `auto` takes the fastest that can run the scenario."""

    auto = "auto"
    events = "events"
    vector = "vector"


class TableFormat(StrEnum):
    """How tables are written."""

    csv = "csv"
    parquet = "parquet"


class Backend(StrEnum):
    """Where the workers are."""

    local = "local"
    dask = "dask"


ScenarioName = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="A built-in scenario or the path of a YAML file.")
]
Seed = Annotated[int, typer.Option(min=0, max=2**64 - 1, help="All randomness follows from it.")]
EngineOption = Annotated[EngineName, typer.Option(help="What simulates; results are the same.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Count = Annotated[int, typer.Option(min=1, help="Simulated trials.")]
Jobs = Annotated[int, typer.Option(help="Worker processes; -1 for one on each core.")]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Replace a value of the scenario; may be repeated."
    ),
]


@app.command("list")
def list_scenarios(as_json: AsJson = False) -> None:
    """List the built-in scenarios."""
    from trialsim.scenario.files import builtin_scenarios, load

    found = [{"name": name, "title": load(name).title} for name in builtin_scenarios()]
    if as_json:
        _print_json({"scenarios": found})
        return
    width = max(len(one["name"]) for one in found)
    for one in found:
        print(f"{one['name']:{width}}  {one['title']}")


@app.command()
def show(scenario: ScenarioName, changes: Changes = None, as_json: AsJson = False) -> None:
    """Print a study in words, and the status of each number.

    The status is published, derived or assumed; what has no source is assumed.
    """
    from trialsim.scenario.description import as_text, describe

    sections = describe(_loaded(scenario, changes))
    if as_json:
        _print_json(sections.to_dict())
    else:
        print(as_text(sections))


@app.command()
def check(
    scenarios: Annotated[
        list[str],
        typer.Argument(metavar="SCENARIO...", help="Built-in scenarios or paths of YAML files."),
    ],
    as_json: AsJson = False,
) -> None:
    """Check scenario files, and tell every problem at once.

    Each problem is told with its file, line, column, path, rule and value.
    """
    from trialsim.scenario.files import load

    problems: list[Problem] = []
    sound: list[Scenario] = []
    for name in scenarios:
        try:
            sound.append(load(name))
        except InputError as error:
            problems += error.problems
    if as_json:
        told = [asdict(problem) for problem in problems]
        _print_json({"sound": [one.name for one in sound], "problems": told})
    else:
        for one in sound:
            print(f"{one.name}: no problem found (digest {one.digest})")
    if problems:
        if not as_json:
            raise InputError(problems)
        raise typer.Exit(INPUT_WRONG)


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from trialsim.scenario.schema import schema as scenario_schema

    _print_json(scenario_schema())


@app.command()
def simulate(
    scenario: ScenarioName,
    seed: Seed = 2016,
    replicate: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, help="Which trial under the seed.")
    ] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder to write the tables to.")] = None,
    table_format: Annotated[
        TableFormat, typer.Option("--format", help="How the tables are written.")
    ] = TableFormat.csv,
    engine: EngineOption = EngineName.auto,
    changes: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Simulate and analyse one trial, and write its tables.

    With --out, the folder holds five tables, the CONSORT account, the analysis, the whole scenario
    and a manifest.
    """
    from trialsim.analysis.analyse import analyse
    from trialsim.reporting.consort import consort, consort_text
    from trialsim.simulated import simulate as run

    study = _loaded(scenario, changes)
    _open(out)
    trial = run(study, seed, replicate, engine.value)
    result = analyse(trial)
    analysed = {
        study.analysis.treated: result.primary.treated,
        study.analysis.control: result.primary.control,
    }
    account = consort(trial.tables(), analysed)
    if out is not None:
        from trialsim.reporting.exports import manifest_of, write_trial

        manifest = manifest_of(trial.batch, _command())
        tables = trial.tables()
        write_trial(out, tables, account, result.to_dict(), manifest, table_format.value)
    if as_json:
        about = {"engine": trial.batch.engine, "consort": account, "note": SIMULATED}
        _print_json({**result.to_dict(), **about})
        return
    print(heading(study.title, f"one simulated trial: seed {seed}, replicate {replicate}"))
    print(consort_text(account))
    print()
    print(analysis_text(result))
    if out is not None:
        print(f"\nTables, CONSORT account and manifest are in {out}")


@app.command()
def power(
    scenario: ScenarioName,
    replicates: Annotated[
        int | None, typer.Option(min=1, help="Simulated trials.", show_default="10000")
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(help="Instead of a count: run to this Monte Carlo error of the power."),
    ] = None,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    batch: Annotated[
        int, typer.Option(min=1, help="Trials simulated at once; it changes no result.")
    ] = BATCH,
    backend: Annotated[
        Backend, typer.Option(help="Where the workers are; it changes no result.")
    ] = Backend.local,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="The Dask scheduler, such as tcp://HOST:8786."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Directory of the run, in whole blocks of 1,024 trials; it continues."),
    ] = None,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Compute only every N-th block into --out.")
    ] = None,
    changes: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Simulate many trials, and say what the design does.

    Power, estimate, bias, coverage, duration and more, each with its Monte Carlo error. With --out,
    a run that is stopped at any moment continues when the same command is given again.
    """
    from trialsim.power.power import power as run
    from trialsim.power.precision import check_precision, power_to
    from trialsim.power.shards import parsed_shard

    count = _count(replicates, precision)
    address = _scheduler(backend, scheduler)
    workers = _workers(jobs)
    if shard is not None and (out is None or precision is not None):
        raise typer.BadParameter("needs --out, and a count", param_hint="--shard")
    part = None if shard is None else parsed_shard(shard)
    if precision is not None:
        check_precision(precision)
    study = _loaded(scenario, changes)
    with Progress(count) as progress:
        named: Engine = engine.value
        how = (seed, workers, named, batch, progress, address)
        if out is not None:
            long = _long_run(out, study, *how)
            result = _kept(long, count, precision, part)
        elif precision is not None:
            result = power_to(study, precision, *how, aim=progress.aim)
        else:
            result = run(study, count, *how)
    if result is None:
        print(f"shard {shard} is finished in {out}; trialsim merge lays the shards together")
    elif as_json:
        _print_json(result.to_dict())
    else:
        print(power_text(study.title, result))


@app.command()
def cells(
    scenario: ScenarioName,
    replicates: Annotated[int, typer.Option(min=1, help="Pairs of multinomials.")] = 100_000,
    seed: Seed = 2016,
    cohort: Annotated[int, typer.Option(min=2, help="Trials simulated for the cells.")] = 2048,
    changes: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Say how the endpoint is distributed, and what power it gives.

    The cells of each arm are simulated and its power is that of two multinomials; the plan must be
    an unstratified Mann-Whitney test.
    """
    from trialsim.power.count_path import count_power_of
    from trialsim.reporting.cells_text import cells_dict, cells_text

    study = _loaded(scenario, changes)
    plan = study.analysis
    result = count_power_of(study, replicates, seed, cohort)
    sides = 2 if plan.alternative == "two-sided" else 1
    if as_json:
        _print_json(cells_dict(result, plan.alpha, sides))
    else:
        print(cells_text(study.title, result, plan.alpha, sides))


@app.command()
def merge(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Directory of the whole run.")],
    shards: Annotated[list[Path], typer.Argument(metavar="SHARD...", help="Their directories.")],
    as_json: AsJson = False,
) -> None:
    """Lay the shards of a run together, and say what the design does.

    The directory is then the same, byte for byte, as that of a run on one machine.
    """
    from trialsim.power.run_directory import find_run
    from trialsim.power.shards import merge as lay_together

    result = lay_together(out, shards)
    if as_json:
        _print_json(result.to_dict())
    else:
        print(power_text(find_run(out).manifest.scenario.title, result))


@app.command()
def replay(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run.")],
    replicate: Annotated[int, typer.Option(min=0, help="Which of its trials.")],
    patient: Annotated[
        int | None, typer.Option(min=1, help="Which patient, in order of randomisation.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Build one trial of a run again, or one patient of it day by day.

    The trial's numbers are checked against those of the run, to the bit.
    """
    from trialsim.power.replay import replay as rebuilt
    from trialsim.power.replay import timeline
    from trialsim.power.run_directory import find_run
    from trialsim.reporting.replay_text import replay_text, timeline_text

    directory = find_run(run)
    _tell_of_damage(directory)
    again = rebuilt(directory, replicate)
    title = directory.manifest.scenario.title
    if patient is not None and again.trial is not None:
        way = timeline(again.trial, patient)
        _print_json(way.to_dict()) if as_json else print(timeline_text(title, way))
    else:
        _print_json(again.to_dict()) if as_json else print(replay_text(title, again))


@app.command("what-if")
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
    replicates: Count = 10_000,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    out: Annotated[Path | None, typer.Option(help="Folder to write the result to.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare a study with others, on the same random numbers.

    Each value alone, a grid or a Latin hypercube, and named variants. The differences of power,
    estimate, duration, screened and infusions are paired with the base, replicate by replicate.
    """
    from trialsim.power.alternatives import alternatives
    from trialsim.power.runner import Runner
    from trialsim.power.what_if import compared
    from trialsim.reporting.comparison_text import what_if_text

    if grid and hypercube is not None:
        raise typer.BadParameter("must not be given with --grid", param_hint="--hypercube")
    study = _loaded(scenario, base, "--base")
    changes = _parsed(values, "--set", _range if hypercube is not None else _list)
    how: How = "grid" if grid else "one_at_a_time" if hypercube is None else "latin_hypercube"
    worlds = alternatives(study, changes, how, variant or (), hypercube or 1, seed)
    if out is not None:
        from trialsim.reporting.exports import open_what_if

        open_what_if(out, study)
    others = sum(world.scenario.digest != study.digest for world in worlds)
    with Progress(replicates, 1 + others) as progress:
        runner = Runner(seed, _workers(jobs), engine.value, progress=progress)
        result = compared(worlds, tuple(changes), replicates, runner)
    if out is not None:
        from trialsim.reporting.exports import Manifest, write_what_if

        manifest = Manifest(study, seed, tuple(range(replicates)), {}, engine.value, _command())
        write_what_if(out, result, manifest)
    if as_json:
        _print_json(result.to_dict())
    else:
        print(what_if_text(study.title, result))


@app.command()
def size(
    scenario: ScenarioName,
    target: Annotated[float, typer.Option("--power", help="The power to reach.")] = 0.9,
    path: Annotated[
        str, typer.Option(metavar="PATH", help="The number to find, which moves the power one way.")
    ] = "design.patients",
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
    changes: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Find the patients, or another number, for a power.

    The answer is an interval; the recommended value is confirmed on trials of another seed.
    """
    from trialsim.power.sample_size import sample_size
    from trialsim.reporting.comparison_text import size_text

    study, workers = _loaded(scenario, changes), _workers(jobs)
    with Progress(None) as progress:
        result = sample_size(
            study,
            target,
            path,
            low,
            high,
            replicates,
            seed,
            workers,
            engine.value,
            progress=progress,
        )
    if as_json:
        _print_json(result.to_dict())
    else:
        print(size_text(study.title, result))


@app.command()
def assure(
    scenario: ScenarioName,
    prior: Annotated[
        str,
        typer.Option(metavar="PRIOR", help="A built-in prior or the path of a YAML file."),
    ],
    no_effect: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="The chance that the drug does nothing, in place of its."),
    ] = None,
    observed: Annotated[
        float | None, typer.Option(help="Say where this estimate falls among those foretold.")
    ] = None,
    replicates: Annotated[
        int, typer.Option(min=1, help="Simulated trials under all effects together.")
    ] = 10_240,
    strata: Annotated[int, typer.Option(min=2, help="Effects drawn from the prior.")] = 40,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    changes: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Say how probable success is when the effect is uncertain.

    The mean over a prior of the effect: cars1, cars_pooled, cars_heterogeneous, or a file.
    """
    from trialsim.power.assurance import assurance
    from trialsim.power.prior_files import load_prior
    from trialsim.reporting.comparison_text import assurance_text

    study, workers, believed = _loaded(scenario, changes), _workers(jobs), load_prior(prior)
    if no_effect is not None:
        believed = believed.model_copy(update={"no_effect": no_effect})
    each = -(-replicates // strata)
    with Progress(each, strata) as progress:
        result = assurance(
            study, believed, replicates, seed, strata, workers, engine.value, progress=progress
        )
    if as_json:
        content = result.to_dict()
        if observed is not None:
            place = result.share_at_most(observed)
            content["observed"] = {"estimate": observed, "share_at_most": float(place.estimate)}
        _print_json(content)
    else:
        print(assurance_text(study.title, result, observed))


def main() -> None:
    """Run the command line and leave with its exit status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit status: 0 done, 1 run failed, 2 input wrong."""
    try:
        app(arguments, prog_name="trialsim")
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else DONE
        if status == INTERRUPTED:
            print("trialsim: interrupted", file=sys.stderr)
        return status
    except _Interrupted as error:
        print(f"trialsim: {error}", file=sys.stderr)
        return INTERRUPTED
    except InputError as error:
        print(error, file=sys.stderr)
        return INPUT_WRONG
    except (RunError, OSError) as error:
        print(f"trialsim: {error}", file=sys.stderr)
        return RUN_FAILED
    return DONE


def _loaded(name: str, changes: list[str] | None, option: str = "--set") -> Scenario:
    from trialsim.scenario.files import load, parsed_value

    scenario = load(name)
    return scenario.replace(_parsed(changes, option, parsed_value)) if changes else scenario


def _parsed(changes: list[str] | None, option: str, parsed: Callable[[str], Any]) -> dict[str, Any]:
    """Return the values by path that an option gives, told apart by path."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for change in changes or ():
        path, equals, value = change.partition("=")
        if not (path.strip() and equals):
            problems.append(Problem(option, "must be PATH=VALUE", change))
            continue
        try:
            values[path.strip()] = parsed(value)
        except InputError as error:
            problems.append(Problem(path.strip(), error.problems[0].rule, value))
    if problems:
        raise InputError(problems)
    return values


def _list(text: str) -> Any:
    """Return values separated by commas, as a list of them stands in a scenario file."""
    from trialsim.scenario.files import parsed_value

    return parsed_value(f"[{text}]")


def _range(text: str) -> list[Any]:
    """Return the two ends of LOW:HIGH."""
    from trialsim.scenario.files import parsed_value

    return [parsed_value(end) for end in text.split(":")]


def _workers(jobs: int) -> int:
    if jobs == 0:
        raise typer.BadParameter("must not be 0", param_hint="--jobs")
    return jobs


class _Interrupted(Exception):  # noqa: N818 - not an error
    """The person at the keyboard stopped a run that can continue."""


def _count(replicates: int | None, precision: float | None) -> int:
    if replicates is not None and precision is not None:
        raise typer.BadParameter("must not be given with --replicates", param_hint="--precision")
    return 10_000 if replicates is None else replicates


def _scheduler(backend: Backend, address: str | None) -> str | None:
    if (backend == Backend.dask) != (address is not None):
        raise typer.BadParameter("must be given together", param_hint="--backend dask, --scheduler")
    return address


def _long_run(
    out: Path,
    study: Scenario,
    seed: int,
    workers: int,
    engine: "Engine",
    batch: int,
    progress: "Progress",
    scheduler: str | None,
) -> "LongRun":
    """Open the directory of a run, and say what was found damaged there."""
    from trialsim.power.long_run import LongRun
    from trialsim.power.run_directory import open_run
    from trialsim.power.run_manifest import manifest_here

    directory = open_run(out, manifest_here(study, seed, engine))
    _tell_of_damage(directory)
    return LongRun(directory, workers, batch, scheduler, progress, progress.aim, _command())


def _kept(
    run: "LongRun", count: int, precision: float | None, shard: "Shard | None"
) -> PowerResult | None:
    """Run what is missing, and say how to continue when interrupted; a shard has no result."""
    try:
        if shard is not None:
            run.shard(shard, count)
            return None
        return run.power(count) if precision is None else run.power_to(precision)
    except KeyboardInterrupt:
        finished = len(run.directory.held)
        kept = f"{finished} finished blocks are kept in {run.directory.folder}"
        raise _Interrupted(f"interrupted; {kept}, and the same command continues") from None


def _tell_of_damage(run: "RunDirectory") -> None:
    for name in run.damaged:
        print(f"trialsim: {name} was damaged, and is set aside in {run.folder}", file=sys.stderr)


def _open(out: Path | None) -> None:
    """Refuse a folder that cannot take the results before they are made."""
    if out is not None:
        from trialsim.reporting.exports import open_folder

        open_folder(out)


def _print_json(content: Any) -> None:
    from trialsim.power.plain_json import as_json

    print(as_json(content))


def _command() -> str:
    return shlex.join(["trialsim", *sys.argv[1:]])
