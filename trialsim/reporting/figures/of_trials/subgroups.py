"""The effect of one trial in subgroups, beside that in everybody, as a forest plot."""

import math
from typing import Any

from pandas import DataFrame

from trialsim.analysis.analyse import Analysis, Estimate, InGroup
from trialsim.errors import InputError, Problem
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.labels import broken
from trialsim.reporting.figures.canvas.style import WIDTH, beside_rows, grid, page, styled
from trialsim.reporting.figures.of_trials.effects import draw_estimates, estimate_in_words
from trialsim.reporting.tables.captions import caption_of_analysis
from trialsim.scenario.plan.methods.subgroups.interaction import OTHERS

EVERYBODY = "All patients"
RULE = "must have an analysis of a subgroup, or a test of interaction, of its quantity"


def subgroups_data(result: Analysis) -> DataFrame:
    """Return a row for everybody and for each subgroup, with the p-value of its interaction.

    Subgroups are those of analyses of the primary quantity, and those that tests of interaction
    compare; `interaction` numbers the rows that one test compares, from 1, and is 0 for others.

    Raises
    ------
    InputError
        If the study analyses no subgroup.
    """
    rows = _rows(result)
    if len(rows) == 1:
        raise InputError([Problem("analysis.secondary", RULE)])
    return DataFrame(rows)


def has_subgroups(result: Analysis) -> bool:
    """Return whether there is anything to draw beside everybody."""
    return len(_rows(result)) > 1


def _rows(result: Analysis) -> list[dict[str, Any]]:
    first = result.primary
    everybody = _row(first.subgroup or EVERYBODY, "primary", first)
    tests = {name: one for name, one in result.secondary.items() if one.groups}
    of_tests = [
        {**_row(group.group, name, group), "interaction": number, "p_value": test.p_value}
        for number, (name, test) in enumerate(tests.items(), start=1)
        for group in test.groups
        if group.quantity == first.quantity
    ]
    known = {first.subgroup, *(row["subgroup"] for row in of_tests)}
    alone = [
        _row(one.subgroup, name, one)
        for name, one in result.secondary.items()
        if one.subgroup not in {"", *known} and one.quantity == first.quantity
    ]
    return [everybody, *alone, *of_tests]


def _row(subgroup: str, analysis: str, found: Estimate | InGroup) -> dict[str, Any]:
    return {
        "subgroup": subgroup,
        "analysis": analysis,
        "treated": found.treated,
        "control": found.control,
        "estimate": found.estimate,
        "low": found.ci[0],
        "high": found.ci[1],
        "interaction": 0,
        "p_value": math.nan,
    }


@styled
def subgroups_figure(result: Analysis, width: float = WIDTH) -> Drawing:
    """Draw the estimate in each subgroup with its interval, and the p-value of interaction."""
    data = subgroups_data(result)
    drawing, (axes,) = page(
        f"{result.primary.quantity[0].upper()}{result.primary.quantity[1:]} by subgroup",
        caption_of_analysis(
            result,
            "Lines are confidence intervals, not adjusted; p-values are of interaction.",
            "A test of interaction has little power: none seen is not none shown.",
        ),
        width,
        1.7 + 0.34 * len(data),
    )
    draw_estimates(axes, data, result)
    if result.primary.null == 1:
        axes.set_xscale("log")
    beside_rows(
        axes,
        [_named(row, width) for row in data.to_dict("records")],
        [_told(row) for row in data.to_dict("records")],
    )
    grid(axes, "x")
    return drawing


def _named(row: dict[Any, Any], width: float) -> str:
    return f"{broken(row['subgroup'], int(width * 5))}\n{row['treated']} v {row['control']}"


def _told(row: dict[Any, Any]) -> str:
    """Return the estimate with its interval, and at the subgroup of a test its p-value."""
    told = estimate_in_words(row)
    if row["subgroup"] != OTHERS and not math.isnan(row["p_value"]):
        told = f"{told}\ninteraction p {row['p_value']:.3f}"
    return told
