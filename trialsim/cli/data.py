"""The command about a data set: analyse."""

from pathlib import Path
from typing import Annotated

import typer

from trialsim.cli.console import print_json, say
from trialsim.cli.options import AsJson, Changes, loaded

commands = typer.Typer()


@commands.command()
def analyse(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The folder of the tables.")],
    plan: Annotated[
        str,
        typer.Option(metavar="STUDY", help="The study by whose plan the data are analysed."),
    ],
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
    as_json: AsJson = False,
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
    if as_json:
        note = {"note": SIMULATED} if result.simulated else {}
        print_json({**result.to_dict(), "simulated": result.simulated, **note})
        return
    say(data_heading(study.title, f"data in {data}", result.simulated))
    say(analysis_text(result, study))
