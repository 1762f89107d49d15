"""The commands that put a design to the test: type-one-error, sensitivity."""

import typer

from trialsim.cli.console import keeping, print_json
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
from trialsim.reporting.text.progress import Progress

commands = typer.Typer()


@commands.command("type-one-error")
def type_one_error(
    scenario: ScenarioName,
    replicates: Count = 10_000,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    scheduler: Scheduler = None,
    out: Kept = None,
    changes: Changes = None,
    analysis: AnalysisName = None,
    as_json: AsJson = False,
) -> None:
    """Estimate how often a design rejects when no arm has any effect.

    No study drug is given, and all arms have one course and the same risks. A two-sided test counts
    rejections in both directions.
    """
    from trialsim.questions.type_one_error import type_one_error_by
    from trialsim.reporting.text.robustness import type_one_error_text
    from trialsim.runs.manifest import BLOCK

    study = loaded(scenario, changes, analysis)
    with Progress(in_blocks(replicates, out, BLOCK)) as progress, keeping(out):
        runner = runner_of(seed, jobs, engine, progress, scheduler)
        result = type_one_error_by(runner, study, replicates, out)
    if as_json:
        print_json(result.to_dict())
    else:
        print(type_one_error_text(study.title, result))


@commands.command()
def sensitivity(
    scenario: ScenarioName,
    replicates: Count = 1_000,
    seed: Seed = 2016,
    jobs: Jobs = -1,
    engine: EngineOption = EngineName.auto,
    scheduler: Scheduler = None,
    out: Kept = None,
    changes: Changes = None,
    analysis: AnalysisName = None,
    as_json: AsJson = False,
) -> None:
    """Vary each number that is not published, one at a time, by a fifth to either side.

    Those of the primary endpoint's course and effect, of the operations and the treatment; the
    differences from the study as it stands are paired, replicate by replicate.
    """
    from trialsim.questions.sensitivity import sensitivity_by, worlds_of
    from trialsim.reporting.text.robustness import sensitivity_text
    from trialsim.runs.worlds import WORLD_BLOCK

    worlds = worlds_of(loaded(scenario, changes, analysis))
    count = in_blocks(replicates, out, WORLD_BLOCK)
    with Progress(count, len(worlds)) as progress, keeping(out):
        runner = runner_of(seed, jobs, engine, progress, scheduler)
        result = sensitivity_by(runner, worlds, replicates, out)
    if as_json:
        print_json(result.to_dict())
    else:
        print(sensitivity_text(worlds[0].scenario.title, result))
