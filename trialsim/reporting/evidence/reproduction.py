"""How to get the numbers of a report again: commands, and the versions of what computed them."""

import shlex
from typing import Final, NamedTuple

from trialsim.replicates.versions import versions_here
from trialsim.reporting.evidence.evidence import Evidence
from trialsim.reporting.evidence.finished_run import commands_of
from trialsim.reporting.tables.page import Cell, Table, TableRow
from trialsim.runs.directory import RunDirectory

SCENARIO: Final = "scenario.yaml"


class Commands(NamedTuple):
    """What to type, and what was typed."""

    again: tuple[str, ...]
    """From the scenario as a file to the report."""
    given: tuple[str, ...]
    """As the run's log has them, and that of the report."""


def commands(evidence: Evidence, command: str = "") -> Commands:
    """Return the commands that give a run, its report and its first example again."""
    result, manifest = evidence.result, evidence.run.manifest
    options = ["--replicates", str(result.replicates), "--seed", str(result.seed)]
    again = [
        ["trialsim", "power", SCENARIO, *options, "--engine", manifest.engine, "--out", "run"],
        ["trialsim", "report", "run", "-o", "study.html"],
    ]
    if evidence.examples:
        number = str(evidence.examples[0].replicate)
        again.append(["trialsim", "replay", "run", "--replicate", number])
    given = (*commands_of(evidence.run), *([command] if command else []))
    return Commands(tuple(map(shlex.join, again)), given)


def versions(run: RunDirectory) -> Table:
    """Return the versions that the run was computed with, beside those of its report."""
    then, here = run.manifest.versions, versions_here()
    rows = [
        TableRow([Cell(name), Cell(then.get(name, "–")), Cell(here.get(name, "–"))])
        for name in {**then, **here}
    ]
    columns = ("Software", "The run", "This report")
    return Table("versions", "Versions of what computed the numbers", columns, rows)
