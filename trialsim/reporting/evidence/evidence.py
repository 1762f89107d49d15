"""All that a report says of a run: its result, what is set beside it, and examples.

What is not given is computed; the run itself is only read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from trialsim.errors import InputError
from trialsim.questions.estimands.result import Estimands
from trialsim.questions.named_scenarios import load_scenarios, scenarios_of
from trialsim.questions.type_one_error import TypeOneError
from trialsim.questions.what_if.what_if import WhatIf
from trialsim.replicates.parallel import Progress
from trialsim.replicates.result import PowerResult
from trialsim.reporting.evidence import published, sensitivity, type_one_error
from trialsim.reporting.evidence.example_trials import Example, examples
from trialsim.reporting.evidence.finished_run import estimands_kept, finished
from trialsim.reporting.evidence.kept_file import open_keep
from trialsim.reporting.evidence.named_scenarios import run_scenarios
from trialsim.reporting.evidence.what_if_file import what_if_of
from trialsim.runs.directory import RunDirectory
from trialsim.runs.runner import Runner
from trialsim.scenario.programme import single_trial
from trialsim.scenario.report import NamedScenario
from trialsim.scenario.scenario import Scenario

DEFAULT: Final = (4096, 512, 1024, 1024)
"""Trials without effect, of each change, beside what was published, and of each nuisance value."""
OF_A_SCENARIO: Final = 4096
"""Trials of each scenario that the report names."""
_FEWER_WITH_EVENTS: Final = 4
"""The event engine, which runs the studies whose patients wait for one another, is that slower."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a report is based on."""

    run: RunDirectory
    result: PowerResult
    without_effect: TypeOneError | None
    what_if: Mapping[str, Any] | None
    """As in the JSON of a what-if."""
    what_if_result: WhatIf | None
    """The same as a result, None where its studies cannot be derived from the JSON."""
    own_what_if: bool
    """Whether the what-if was made for the report."""
    reproduction: Mapping[str, Any] | None
    """What was published beside what is simulated; None where nothing was, or not requested."""
    nuisance: Mapping[str, Any] | None
    """The type I error over nuisance values, as in its JSON; None where it was not requested."""
    examples: tuple[Example, ...]
    scenarios: Mapping[str, Any] | None = None
    """The scenarios that the report names, as in their JSON; None where none are given."""

    @property
    def estimands(self) -> Estimands | None:
        """What the run says of the study's estimands; None where it was not run for them."""
        return estimands_kept(self.run, self.result)


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What is reported beside the run itself; 0 replicates leave out what is not given.

    None stands for as many as the run's engine computes in well under a minute, at most `DEFAULT`
    and a quarter of it with events.
    """

    null: Path | None = None
    """The directory of a run of the same design without effect."""
    what_if: Path | None = None
    """The folder of a what-if of the same study."""
    null_replicates: int | None = None
    sensitivity_replicates: int | None = None
    published_replicates: int | None = None
    nuisance_replicates: int | None = None
    scenarios: Path | None = None
    """A file of scenarios that the report names; None takes those of the study itself."""
    scenario_replicates: int | None = None
    n_jobs: int = -1
    keep: Path | None = None
    """A folder that keeps what is computed, for the next report; None keeps it nowhere."""


def collect_evidence(
    run: RunDirectory, options: ReportOptions, progress: Progress | bool | None = None
) -> Evidence:
    """Return the evidence on a run, after computing what is neither given nor kept.

    Raises
    ------
    InputError
        If the run is not finished or damaged, what is given is not of its study, or the folder in
        which to keep what is computed lies in the run or holds something else.
    RunError
        If something that is to be computed fails, or cannot be kept.
    """
    if options.keep is not None:
        open_keep(options.keep, run.folder)
    result, scenario = finished(run), single_trial(run.manifest.scenario)
    null = None if options.null is None else type_one_error.load_null_run(run, options.null)
    what_if = None if options.what_if is None else sensitivity.load_what_if(run, options.what_if)
    named = _named(options, scenario)
    # nothing is computed before everything that is given is known to be right
    without, varied, compared, others = _counts(options, run.manifest.engine)
    manifest = run.manifest
    runner = Runner(manifest.seed, options.n_jobs, manifest.engine, progress=progress)
    if null is None and without:
        count = min(without, result.replicates)
        null = type_one_error.run_null(run, count, runner, options.keep)
    if what_if is None and varied:
        what_if = sensitivity.run_sensitivity(run, varied, runner, options.keep)
    reproduction = None
    if compared:
        count = min(compared, result.replicates)
        reproduction = published.run_reproduction(run, count, runner, options.keep)
    values = None
    if others:
        values = type_one_error.run_nuisance(
            run, min(others, result.replicates), runner, options.keep
        )
    scenarios = None
    of_each = options.scenario_replicates
    if of_each is None:
        of_each = OF_A_SCENARIO // _fewer(manifest.engine)
    if named and of_each:
        scenarios = run_scenarios(named, of_each, runner, options.keep)
    return Evidence(
        run=run,
        result=result,
        without_effect=null,
        what_if=what_if,
        what_if_result=None if what_if is None else what_if_of(what_if, scenario),
        own_what_if=options.what_if is None,
        reproduction=reproduction,
        nuisance=values,
        examples=examples(run, result),
        scenarios=scenarios,
    )


def _named(options: ReportOptions, scenario: Scenario) -> dict[str, tuple[NamedScenario, Scenario]]:
    """Return the scenarios that the report names: those of a file, else those of the study."""
    if options.scenarios is not None:
        return load_scenarios(options.scenarios, scenario)
    if options.scenario_replicates == 0:
        return {}
    try:
        return scenarios_of(scenario, scenario.report.scenarios)
    except InputError as error:
        raise InputError(
            replace(one, path=f"report.{one.path}") for one in error.problems
        ) from error


def _fewer(engine: str) -> int:
    """Return by how much fewer trials an engine computes in the same time."""
    return _FEWER_WITH_EVENTS if engine == "events" else 1


def _counts(options: ReportOptions, engine: str) -> tuple[int, ...]:
    """Return how many trials are simulated of each kind that a report computes."""
    counts = (
        options.null_replicates,
        options.sensitivity_replicates,
        options.published_replicates,
        options.nuisance_replicates,
    )
    fewer = _fewer(engine)
    without, *others, nuisance = (
        default // fewer if count is None else count
        for count, default in zip(counts, DEFAULT, strict=True)
    )
    if options.nuisance_replicates is None:  # no more than of the study without effect itself
        nuisance = min(nuisance, without)
    return without, *others, nuisance
