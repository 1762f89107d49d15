"""The commands that simulate: simulate, power, endpoint, merge, replay."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trialsim.cli.console import answer, command_line, print_json, say, warn_of_damaged_parts
from trialsim.cli.option_groups import Commands, with_options
from trialsim.cli.options import (
    AsJson,
    Changes,
    EngineName,
    EngineOption,
    KeepOptions,
    RunOptions,
    ScenarioName,
    Seed,
    StudyOptions,
    loaded,
    warn_of_looks,
)
from trialsim.cli.outputs import AnswerForm, PageFile, PageOptions, TableForm
from trialsim.cli.programmes import simulate_all
from trialsim.errors import RunError

if TYPE_CHECKING:
    from trialsim.runs.replay import Replay
    from trialsim.simulated import SimulatedTrial

commands = Commands()


@commands.command()
@with_options
def simulate(
    scenario: ScenarioName,
    *,
    seed: Seed = 2016,
    replicate: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, help="Which trial under the seed.")
    ] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder to write the tables to.")] = None,
    form: TableForm,
    wanted: PageOptions,
    engine: EngineOption = EngineName.auto,
    changes: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Simulate and analyse one trial, and write its tables.

    With --out, the folder holds the tables, the CONSORT account, the analysis, the whole scenario
    and a manifest. With --report, a page has its flow diagram, its patients and what it found. Of
    a programme, every trial is simulated, with a folder for each, and all are pooled. With
    --format cdisc, SDTM and ADaM datasets stand in place of the tables, with Define-XML and a
    reviewer's guide.
    """
    from trialsim.analysis.analyse import analyse
    from trialsim.questions.monitoring.board import analysis_told
    from trialsim.replicates.result import SIMULATED
    from trialsim.reporting.consort.account import account_of, consort_text
    from trialsim.reporting.exports import open_folder, write_analysed
    from trialsim.reporting.text.analysis import analysis_text
    from trialsim.reporting.text.words import heading
    from trialsim.scenario.programme import Programme
    from trialsim.simulated import simulate as run

    study = loaded(scenario, changes)
    form.check()
    if isinstance(study, Programme):
        if wanted.report is not None:
            raise typer.BadParameter("is of one trial, not of a programme", param_hint="--report")
        simulate_all(study, seed, replicate, engine.value, out, form, as_json)
        return
    if out is not None:
        open_folder(out)
    page = wanted.file(as_json)
    trial = run(study, seed, replicate, engine.value)
    result = analyse(trial)
    if out is not None:
        write_analysed(out, trial, result, command_line(), *form.chosen)
    if page is not None:
        _write_trial_page(page, trial)
        if page.alone:
            return
    if as_json:
        told = analysis_told(trial, result)
        told.get("ignoring_looks", told)["consort"] = account_of(trial, result)
        print_json({**told, "engine": trial.batch.engine, "note": SIMULATED})
        return
    say(heading(study.title, f"one simulated trial: seed {seed}, replicate {replicate}"))
    _say_board(trial)
    say(consort_text(account_of(trial, result), study))
    say("")
    say(analysis_text(result, study))
    if out is not None:
        say(f"\nTables, CONSORT account and manifest are in {out}")
    if page is not None:
        say(f"\nThe page of the trial is {page.path}")


@commands.command()
@with_options
def power(
    chosen: StudyOptions,
    run: RunOptions,
    keep: KeepOptions,
    form: AnswerForm,
    replicates: Annotated[
        int | None, typer.Option(min=1, help="Simulated trials.", show_default="10000")
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(help="Instead of a count: run to this Monte Carlo error of the power."),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, help="Trials simulated at once; it changes no result.", show_default="64"
        ),
    ] = None,
    secondary: Annotated[
        bool, typer.Option("--secondary", help="Give the power of every secondary analysis too.")
    ] = False,
) -> None:
    """Estimate power and other operating characteristics.

    Power, estimate, bias, coverage, duration and more, each with its Monte Carlo error. With --out,
    a run that is stopped at any moment continues when the same command is given again.
    """
    from trialsim.questions.normal_sum import power_by_normal_sum
    from trialsim.questions.obtained import obtained_of
    from trialsim.questions.power import REPLICATES, keeping_power, power_by
    from trialsim.reporting.text.obtained import obtained_dict, obtained_text
    from trialsim.reporting.text.power import normal_sum_text, power_text
    from trialsim.runs.manifest import BLOCK
    from trialsim.runs.precision import check_precision

    if replicates is not None and precision is not None:
        raise typer.BadParameter("must not be given with --replicates", param_hint="--precision")
    count = (replicates or REPLICATES) if precision is None else None
    if precision is not None:
        check_precision(precision)
    study = chosen.loaded()
    warn_of_looks(study)
    with run.runner(count, 1, keep, BLOCK, precision, batch) as runner:
        runner = keeping_power(runner, keep.out, study, secondary)
        result = power_by(runner, study, count, precision, secondary)
    found = obtained_of(study, run.seed)
    by_sum = power_by_normal_sum(study, seed=run.seed)
    content = {**result.to_dict(), "obtained": obtained_dict(found)}
    if by_sum is not None:
        content["normal_sum"] = by_sum._asdict()
    beside = f"{normal_sum_text(by_sum)}{obtained_text(found)}"
    form.give(result, lambda: power_text(study.title, result, beside), content)


@commands.command("endpoint")
@commands.command("cells", hidden=True)  # its former name
@with_options
def cells(
    scenario: ScenarioName,
    form: AnswerForm,
    replicates: Annotated[int, typer.Option(min=1, help="Pairs of multinomials.")] = 100_000,
    seed: Seed = 2016,
    cohort: Annotated[int, typer.Option(min=2, help="Trials simulated for the cells.")] = 2048,
    changes: Changes = None,
) -> None:
    """Tabulate the endpoint by arm, and compute power from it.

    The cells of each arm are simulated and its power is that of two multinomials; the plan must be
    an unstratified Mann-Whitney test. Of an ordinal scale of up to twelve grades a shift table is
    printed, with the odds ratio at each cut.
    """
    from trialsim.questions.count_power import count_power_of
    from trialsim.reporting.text.cells import cells_dict, cells_text, shift_table
    from trialsim.scenario.programme import single_trial

    study = single_trial(loaded(scenario, changes))
    plan = study.analysis
    result = count_power_of(study, replicates, seed, cohort)
    shifts = shift_table(result, study.outcomes[plan.endpoint], plan)
    form.give(
        result,
        lambda: cells_text(study.title, result, plan.alpha, plan.sides, shifts),
        cells_dict(result, plan.alpha, plan.sides, shifts),
    )


@commands.command()
def merge(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Directory of the whole run.")],
    shards: Annotated[list[Path], typer.Argument(metavar="SHARD...", help="Their directories.")],
    as_json: AsJson = False,
) -> None:
    """Merge the shards of a run, and give its results.

    The directory is then the same, byte for byte, as that of a run on one machine. Shards of a
    command that runs several scenarios are merged too; the same command in OUT then answers.
    """
    from trialsim.reporting.text.power import power_text
    from trialsim.runs.directory import find_run
    from trialsim.runs.manifest import POWER
    from trialsim.runs.manifest_file import read_manifest
    from trialsim.runs.shards import merge as merge_shards
    from trialsim.runs.shards import merge_study_sets

    command = read_manifest(shards[0]).command
    if command != POWER:
        blocks = merge_study_sets(out, shards)
        told = f"{blocks} blocks are merged in {out}; the same command with --out {out} answers"
        answer({"command": command, "blocks": blocks}, as_json, lambda: told)
        return
    result = merge_shards(out, shards)
    title = find_run(out).manifest.scenario.title
    answer(result.to_dict(), as_json, lambda: power_text(title, result))


@commands.command()
@with_options
def replay(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run.")],
    *,
    replicate: Annotated[int, typer.Option(min=0, help="Which of its trials.")],
    patient: Annotated[
        int | None, typer.Option(min=1, help="Which patient, in order of randomisation.")
    ] = None,
    wanted: PageOptions,
    as_json: AsJson = False,
) -> None:
    """Rebuild one trial of a run, or one of its patients.

    The trial's numbers are checked to be bit-identical to those of the run. With --report, a page
    shows the trial, or the patient's days and the same patient in the other arms.
    """
    from trialsim.questions.monitoring.board import told_by_board
    from trialsim.reporting.text.replay import replay_text, timeline_text
    from trialsim.runs.directory import find_run
    from trialsim.runs.replay import replay as rebuilt
    from trialsim.runs.replay import timeline
    from trialsim.scenario.programme import single_trial

    page = wanted.file(as_json)
    directory = find_run(run)
    if patient is not None or page is not None:
        single_trial(directory.manifest.scenario)
    warn_of_damaged_parts(directory)
    again = rebuilt(directory, replicate)
    if page is not None:
        _write_replay_page(page, again, patient)
        if page.alone:
            return
    title = directory.manifest.scenario.title
    if patient is not None and again.trial is not None:
        rebuilt_trial = again.trial
        way = timeline(rebuilt_trial, patient)
        answer(way.to_dict(), as_json, lambda: timeline_text(way, rebuilt_trial.scenario))
    else:
        content = {**told_by_board(again.trial), **again.to_dict()}
        answer(content, as_json, lambda: replay_text(title, again))
    if page is not None and not as_json:
        say(f"\nThe page is {page.path}")


def _say_board(trial: "SimulatedTrial") -> None:
    from trialsim.questions.monitoring.board import board
    from trialsim.reporting.text.board import board_text

    if trial.scenario.monitoring is not None:
        say(board_text(board(trial)))
        say("What follows is of everybody, as if no look had stopped the trial.\n")


def _write_trial_page(page: PageFile, trial: "SimulatedTrial") -> None:
    from trialsim.reporting.pages.trial import trial_page

    page.write(trial_page(trial, command_line()))


def _write_replay_page(page: PageFile, again: "Replay", patient: int | None) -> None:
    from trialsim.reporting.pages.patient import patient_page

    if again.trial is None:
        reason = again.failure and again.failure.reason
        raise RunError(f"replicate {again.replicate} failed, so there is no page of it: {reason}")
    if patient is None:
        _write_trial_page(page, again.trial)
    else:
        page.write(patient_page(again.trial, patient, command_line()))
