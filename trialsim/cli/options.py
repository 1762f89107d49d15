"""The options that several commands take, and the values that they mean."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from trialsim.cli.console import command_line, keeping, notice, warn
from trialsim.errors import InputError, Problem
from trialsim.reporting.progress import Progress

if TYPE_CHECKING:
    from trialsim.runs.runner import Runner
    from trialsim.scenario.programme import Study


class EngineName(StrEnum):
    """What simulates: `auto` takes the fastest that can run the scenario."""

    auto = "auto"
    events = "events"
    vector = "vector"


def study_names(incomplete: str) -> list[str]:
    """Return the built-in studies and the YAML files here that begin so, for completion."""
    from trialsim.scenario.files.builtin import builtin_studies

    here = sorted(path.name for suffix in ("yaml", "yml") for path in Path().glob(f"*.{suffix}"))
    return [name for name in (*builtin_studies(), *here) if name.startswith(incomplete)]


ScenarioName = Annotated[
    str,
    typer.Argument(
        metavar="SCENARIO",
        help="A built-in scenario or the path of a YAML file.",
        autocompletion=study_names,
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=2**64 - 1, help="Random seed.")]
EngineOption = Annotated[
    EngineName, typer.Option(help="Simulation engine; does not affect results.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Count = Annotated[int, typer.Option(min=1, help="Simulated trials.")]
Jobs = Annotated[
    int, typer.Option(help="Worker processes, at most one on each core; -1 for as many.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="A Dask scheduler, such as tcp://HOST:8786, on whose workers to run instead.",
    ),
]
Kept = Annotated[
    Path | None,
    typer.Option(
        help="Directory that keeps what is run, in whole blocks; the same command resumes it."
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Replace a value of the scenario; may be repeated."
    ),
]
AnalysisName = Annotated[
    str | None,
    typer.Option(
        "--analysis",
        metavar="NAME",
        help="Take this secondary analysis as primary: by itself, not adjusted for multiplicity.",
    ),
]
Of = Annotated[
    str | None,
    typer.Option(
        "--of",
        metavar="primary|any|all|NAME",
        help="What counts as success: any or all of the analyses that are tested together, or the "
        "one of that name, with its adjusted p-value.",
        show_default="analysis.success of the study",
    ),
]


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """Which study: its name, values of it replaced, its primary analysis, and its success."""

    scenario: ScenarioName
    changes: Changes = None
    analysis: AnalysisName = None
    of: Of = None

    def loaded(self) -> "Study":
        """Return the study."""
        return with_success(loaded(self.scenario, self.changes, self.analysis), self.of)


@dataclass(frozen=True, kw_only=True)
class KeepOptions:
    """Where what is run is saved, and which share of it is computed there."""

    out: Kept = None
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Compute only every N-th block into --out.")
    ] = None


NOWHERE: Final = KeepOptions()


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How replicates are run; all but the seed changes no result."""

    seed: Seed = 2016
    jobs: Jobs = -1
    engine: EngineOption = EngineName.auto
    scheduler: Scheduler = None

    @contextmanager
    def runner(
        self,
        replicates: int | None,
        designs: int = 1,
        keep: KeepOptions = NOWHERE,
        block: int = 1,
        precision: float | None = None,
        batch: int | None = None,
    ) -> "Iterator[Runner]":
        """Give what runs the replicates of so many designs, and show how far it is.

        A directory keeps whole blocks; where a run is interrupted, it is reported what is kept.
        """
        from trialsim.replicates.run import BATCH
        from trialsim.runs.runner import Runner
        from trialsim.runs.shards import parsed_shard

        out, shard = keep.out, keep.shard
        if shard is not None and (out is None or precision is not None):
            raise typer.BadParameter("needs --out, and a count", param_hint="--shard")
        total = replicates if replicates is None or out is None else -(-replicates // block) * block
        with Progress(total, designs, precision) as progress, keeping(out):
            yield Runner(
                self.seed,
                workers_of(self.jobs),
                self.engine.value,
                batch or BATCH,
                progress,
                self.scheduler,
                shard=None if shard is None else parsed_shard(shard),
                notice=notice,
                command=command_line(),
            )


def warn_of_looks(study: "Study", of: str = "") -> None:
    """Say on standard error what is expected to go wrong with looks, as `check` does."""
    from trialsim.questions.monitoring.doubts import doubts

    for said in doubts(study):
        warn(f"WARNING: {of}{said}")


def loaded(name: str, changes: list[str] | None, analysis: str | None = None) -> "Study":
    """Return a study with the changes that `--set` gives and the analysis that is named."""
    from trialsim.scenario.files.builtin import builtin_studies
    from trialsim.scenario.files.studies import load_study
    from trialsim.scenario.files.yaml_text import parsed_value

    problems: list[Problem] = []
    scenario = load_study(name)
    if Path(name).is_file() and name in builtin_studies():
        warn(f"trialsim: {name} is the built-in study; the file here of that name is ./{name}")
    changed = replaced(scenario, parsed(changes, "--set", parsed_value, problems), problems)
    if problems:
        raise InputError(problems)
    return under_analysis(changed, analysis)


def under_analysis(study: "Study", name: str | None) -> "Study":
    """Return a study with a secondary analysis as its primary one, unless none is named."""
    from trialsim.scenario.programme import single_trial

    return study if name is None else single_trial(study).with_analysis(name)


def with_success(study: "Study", name: str | None) -> "Study":
    """Return a study whose success is another, unless none is named."""
    return study if name is None else study.replace({"analysis.success": name})


def replaced(scenario: "Study", changes: dict[str, Any], problems: list[Problem]) -> "Study":
    """Return a study with the changes, of wrong ones with what is right, and note the wrong."""
    if not changes:
        return scenario
    with collecting_problems(problems):
        return scenario.replace(changes)
    for path, value in changes.items():
        with suppress(InputError):
            scenario = scenario.replace({path: value})
    return scenario


def parsed(
    changes: list[str] | None,
    option: str,
    value_of: Callable[[str], Any],
    problems: list[Problem],
) -> dict[str, Any]:
    """Return the values by path that an option gives, and note what says no path or value."""
    values: dict[str, Any] = {}
    for change in changes or ():
        path, equals, value = change.partition("=")
        path = path.strip()
        if not (path and equals):
            problems.append(Problem(option, "must be PATH=VALUE", change))
        elif path in values:
            problems.append(Problem(path, f"must be given once to {option}", value))
        else:
            try:
                values[path] = value_of(value)
            except InputError as error:
                problems.append(Problem(path, error.problems[0].rule, value))
    return values


@contextmanager
def collecting_problems(problems: list[Problem]) -> Iterator[None]:
    """Note what is wrong, each problem once, and continue."""
    try:
        yield
    except InputError as error:
        problems += [problem for problem in error.problems if problem not in problems]


def workers_of(jobs: int) -> int:
    """Return the worker processes that `--jobs` gives, which cannot be none."""
    if jobs == 0:
        raise typer.BadParameter("must not be 0", param_hint="--jobs")
    if jobs > 1:
        from trialsim.replicates.parallel import workers_here

        workers = workers_here(jobs)
        if workers < jobs:
            told = f"--jobs {jobs} is taken as {workers}, one on each core"
            notice(f"{told}; trialsim --oversubscribe insists")
    return jobs
