"""The results of one trial as tables: every analysis, and the scores by visit and arm."""

from trialsim.analysis.analyse import Analysis, ArmAtVisit, Estimate
from trialsim.reporting.tables.page import Cell, Table, TableRow, mean_and_sd, number, p_value
from trialsim.scenario.plan.multiplicity import NONE
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import in_words, spoken


def analyses_table(analysis: Analysis, scenario: Scenario, path: str = "") -> Table:
    """Return every analysis; the p-value is also given adjusted where the plan adjusts.

    `path` is where the JSON of the analysis stands in that of the page, with a final dot.
    """
    plan = scenario.analysis
    adjusts = plan.multiplicity != NONE
    rows = [_analysis_row(f"{plan.visit}, primary", path, analysis.primary, adjusts)]
    rows += [
        _analysis_row(name, f"{path}secondary.{name}.", one, adjusts)
        for name, one in analysis.secondary.items()
    ]
    interval = f"Estimate ({100 * plan.confidence:g}% interval)"
    p_values = ("p-value", *(("Adjusted p",) if adjusts else ()))
    columns = ("Analysis", "Quantity", interval, "Statistic", *p_values, "Treated", "Control")
    caption = f"Every analysis: {in_words(plan.treated)} against {in_words(plan.control)}, control"
    return Table("analyses", caption, columns, rows)


def _analysis_row(label: str, path: str, found: Estimate, adjusts: bool) -> TableRow:
    low, high = (number(end, 3).text for end in found.ci)
    estimate = number(found.estimate, 3, f"{path}estimate")
    adjusted = [p_value(found.adjusted_p_value, f"{path}adjusted_p_value")] if adjusts else []
    cells = [
        Cell(spoken(label)),
        Cell(found.quantity),
        estimate._replace(text=f"{estimate.text} ({low} to {high})"),
        number(found.statistic, 2, f"{path}statistic"),
        p_value(found.p_value, f"{path}p_value"),
        *adjusted,
        number(found.treated, 0, f"{path}treated"),
        number(found.control, 0, f"{path}control"),
    ]
    return TableRow(cells)


def scores_tables(analysis: Analysis, scenario: Scenario) -> list[Table]:
    """Return a table for each outcome: its scores as measured, by visit and arm."""
    return [scores_table(analysis, scenario, name) for name in scenario.outcomes]


def scores_table(analysis: Analysis, scenario: Scenario, name: str) -> Table:
    """Return the scores of one outcome as measured, by visit and arm."""
    outcome = scenario.outcomes[name]
    rows = [
        _scores_row(visit, arms)
        for visit in scenario.design.visits
        if (arms := [one for one in analysis.by_visit if one[:2] == (name, visit)])
    ]
    heads = [f"{spoken(arm)}: mean (SD), n" for arm in scenario.design.arms]
    scale = f"{outcome.low:g} to {outcome.high:g} {outcome.unit}, {outcome.better} is better"
    return Table(f"scores-{name}", f"{outcome.label}, {scale}", ("Visit", *heads), rows)


def _scores_row(visit: str, arms: list[ArmAtVisit]) -> TableRow:
    return TableRow([Cell(spoken(visit)), *(_score_cell(one) for one in arms)])


def _score_cell(one: ArmAtVisit) -> Cell:
    cell = mean_and_sd(one.mean, one.sd)
    return cell._replace(text=f"{cell.text}, {one.n:,}")
