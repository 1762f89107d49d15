"""The example trials as tables: the results of each, and the analyses and scores of one."""

from collections.abc import Sequence
from typing import Final

from trialsim.analysis.analyse import analyse
from trialsim.reporting.evidence.example_trials import Example
from trialsim.reporting.tables.analysis_tables import analyses_table, scores_table
from trialsim.reporting.tables.page import Cell, Table, TableRow, number, p_value

_LABELS: Final = {
    "estimate": ("Estimate", 3),
    "low": ("Interval from", 3),
    "high": ("to", 3),
    "p_value": ("p-value", 4),
    "rejected": ("Rejects", 0),
    "treated_analysed": ("Analysed, treated", 0),
    "control_analysed": ("Analysed, control", 0),
    "treated_mean": ("Mean score, treated", 2),
    "control_mean": ("Mean score, control", 2),
    "screened": ("Screened", 0),
    "duration_days": ("Duration, days", 0),
    "infusions_given": ("Infusions given", 0),
    "withdrawn": ("Withdrawn", 0),
    "died": ("Died", 0),
}


def example_tables(examples: Sequence[Example]) -> list[Table]:
    """Return the results of each example, then the analyses and the scores of the first."""
    if not examples:
        return []
    found = [examples_table(examples)]
    if examples[0].trial is not None:
        scenario, analysis = examples[0].trial.scenario, analyse(examples[0].trial)
        found += [
            table._replace(caption=f"The typical trial. {table.caption}")
            for table in (
                analyses_table(analysis, scenario, "analysis."),
                scores_table(analysis, scenario, scenario.analysis.endpoint),
            )
        ]
    return found


def examples_table(examples: Sequence[Example]) -> Table:
    """Return a column for each example."""
    heads = [f"{one.why.removeprefix('a ')}, {one.replicate:,}" for one in examples]
    rows = [
        TableRow([Cell(label), *(_told(one, place, name) for place, one in enumerate(examples))])
        for name, (label, _) in _LABELS.items()
    ]
    return Table("examples", "Results of single trials, by replicate", ("Quantity", *heads), rows)


def _told(one: Example, place: int, name: str) -> Cell:
    value, path = one.numbers[name], f"examples.{place}.numbers.{name}"
    if name == "p_value":
        return p_value(value, path)
    cell = number(value, _LABELS[name][1], path)
    return cell._replace(text="yes" if value else "no") if name == "rejected" else cell
