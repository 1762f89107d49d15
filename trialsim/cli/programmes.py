"""The commands about programmes of trials: disagree, and what simulate does with them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trialsim.cli.console import answer, command_line, say
from trialsim.cli.option_groups import Commands, with_options
from trialsim.cli.options import AsJson, Changes, Count, RunOptions, loaded
from trialsim.cli.outputs import TableForm
from trialsim.errors import InputError, Problem

if TYPE_CHECKING:
    from trialsim.questions.programmes.one_programme import SimulatedProgramme
    from trialsim.scenario.programme import Programme
    from trialsim.trial.trial import Engine

commands = Commands()


@commands.command()
@with_options
def disagree(
    programmes: Annotated[
        list[str],
        typer.Argument(metavar="PROGRAMME...", help="Built-in programmes or paths of YAML files."),
    ],
    run: RunOptions,
    replicates: Count = 10_000,
    changes: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Estimate how often the trials of a programme disagree.

    A trial is in favour if its own analysis rejects in favour of the treated. Several programmes
    compare several assumptions: a common effect, one for each trial, or effects that vary.
    """
    from trialsim.questions.programmes.disagreement import disagreement_by
    from trialsim.reporting.text.programme import disagreement_text
    from trialsim.scenario.programme import programme_of_trials

    studies = [programme_of_trials(loaded(name, changes)) for name in programmes]
    with run.runner(replicates, len(studies)) as runner:
        found = [disagreement_by(runner, one, replicates) for one in studies]
    content = {"programmes": [one.to_dict() for one in found]}
    answer(content, as_json, lambda: "\n\n".join(map(disagreement_text, found)))


def simulate_all(
    programme: "Programme",
    seed: int,
    replicate: int,
    engine: "Engine",
    out: Path | None,
    form: TableForm,
    as_json: bool,
) -> None:
    """Simulate one replicate of a programme: a folder for each trial, and the pooled result."""
    from trialsim.questions.programmes.one_programme import simulate_programme
    from trialsim.reporting.text.programme import programme_text

    if out is not None:
        _open(out, programme)
    found = simulate_programme(programme, seed, replicate, engine)
    if out is not None:
        _write(out, found, form)
    answer(found.to_dict(), as_json, lambda: programme_text(found))
    if out is not None and not as_json:
        say(f"\nA folder for each trial and the pooled result are in {out}")


def _open(out: Path, programme: "Programme") -> None:
    """Refuse a folder that cannot take the results before they are made."""
    from trialsim.reporting.exports import open_folder

    if out.exists() and not out.is_dir():
        raise InputError([Problem("--out", "must be a folder, not a file", str(out))])
    for name in programme.trials:
        open_folder(out / name)


def _write(out: Path, found: "SimulatedProgramme", form: TableForm) -> None:
    from trialsim.analysis.analyse import analyse
    from trialsim.reporting.exports import write_analysed
    from trialsim.runs.atomic_file import write_whole
    from trialsim.runs.plain_json import as_json
    from trialsim.scenario.files.yaml_file import to_yaml

    for name, trial in found.trials.items():
        write_analysed(out / name, trial, analyse(trial), command_line(), *form.chosen)
    write_whole(out / "pooled.json", f"{as_json(found.to_dict())}\n".encode())
    write_whole(out / "scenario.yaml", to_yaml(found.programme).encode())
