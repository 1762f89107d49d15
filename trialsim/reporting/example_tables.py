"""The example trials as tables: what each found, and the analyses and scores of one."""

from collections.abc import Sequence
from typing import Final

from trialsim.analysis.analyse import Analysis, analyse
from trialsim.reporting.example_trials import Example
from trialsim.reporting.page import Cell, Table, TableRow, number, p_value
from trialsim.scenario.scenario import Scenario

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
    """Return what each example found, then the analyses and the scores of the first."""
    if not examples:
        return []
    found = [examples_table(examples)]
    if examples[0].trial is not None:
        analysis = analyse(examples[0].trial)
        found += [analyses_table(analysis), scores_table(analysis, examples[0].trial.scenario)]
    return found


def examples_table(examples: Sequence[Example]) -> Table:
    """Return a column for each example."""
    heads = [f"{one.why.removeprefix('a ')}, {one.replicate:,}" for one in examples]
    rows = [
        TableRow([Cell(label), *(_told(one, place, name) for place, one in enumerate(examples))])
        for name, (label, _) in _LABELS.items()
    ]
    return Table("examples", "What single trials find, by replicate", ("Number", *heads), rows)


def _told(one: Example, place: int, name: str) -> Cell:
    value, path = one.numbers[name], f"examples.{place}.numbers.{name}"
    if name == "p_value":
        return p_value(value, path)
    cell = number(value, _LABELS[name][1], path)
    return cell._replace(text="yes" if value else "no") if name == "rejected" else cell


def analyses_table(analysis: Analysis) -> Table:
    """Return every analysis of one trial."""
    found = {"primary": analysis.primary, **analysis.secondary}
    columns = ("Analysis", "Quantity", "Estimate", "from", "to", "p-value", "adjusted")
    rows = [
        TableRow(
            [
                Cell(name.replace("_", " ")),
                Cell(one.quantity),
                *(number(value, 3) for value in (one.estimate, *one.ci)),
                *(p_value(value) for value in (one.p_value, one.adjusted_p_value)),
            ]
        )
        for name, one in found.items()
    ]
    return Table("analyses", "The analyses of the typical trial", columns, rows)


def scores_table(analysis: Analysis, scenario: Scenario) -> Table:
    """Return the scores of one trial on the primary endpoint, by visit and arm."""
    endpoint = scenario.analysis.endpoint
    columns = ("Visit", "Arm", "Measured", "Mean", "SD")
    rows = [
        TableRow(
            [
                Cell(one.visit),
                Cell(one.arm),
                number(one.n, 0),
                number(one.mean, 1),
                number(one.sd, 1),
            ]
        )
        for one in analysis.by_visit
        if one.outcome == endpoint
    ]
    caption = f"{scenario.outcomes[endpoint].label} in the typical trial, as measured"
    return Table("scores", caption, columns, rows)
