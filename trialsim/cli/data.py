"""The command about a data set: analyse."""

from pathlib import Path
from typing import Annotated

import typer

from trialsim.cli.option_groups import Commands, with_options
from trialsim.cli.options import Changes, loaded
from trialsim.cli.outputs import AnswerForm

commands = Commands()


@commands.command()
@with_options
def analyse(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The folder of the tables.")],
    plan: Annotated[
        str,
        typer.Option(metavar="STUDY", help="The study by whose plan the data are analysed."),
    ],
    form: AnswerForm,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=2**64 - 1,
            help="Random seed of analyses that draw random numbers.",
            show_default="that of simulated data, else 2016",
        ),
    ] = None,
    changes: Changes = None,
) -> None:
    """Analyse a data set by the plan of a study.

    The tables are those that `simulate --out` writes, as .csv or .parquet; `visits` alone suffices,
    with a row for each subject and visit: subject, arm, visit, and a column of scores for each
    outcome. They are checked against the plan first. Nothing is simulated.
    """
    from trialsim.analysis.analyse import analyse as analysed
    from trialsim.replicates.result import SIMULATED
    from trialsim.reporting.text.analysis import analysis_text
    from trialsim.reporting.text.words import data_heading
    from trialsim.scenario.programme import single_trial

    study = single_trial(loaded(plan, changes))
    result = analysed(data, study, seed)
    note = {"note": SIMULATED} if result.simulated else {}
    heading = data_heading(study.title, f"data in {data}", result.simulated)
    form.give(
        result,
        lambda: f"{heading}\n{analysis_text(result, study)}",
        {**result.to_dict(), "simulated": result.simulated, **note},
    )
