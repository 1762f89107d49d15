"""The true values of estimands, and the analyses beside them, as tables.

A number bears the name under which it stands in the data of the page, which are those of the JSON.
"""

from collections.abc import Mapping
from typing import Any, Final

from trialsim.questions.estimands.result import Estimands
from trialsim.reporting.tables.page import Cell, Table, TableRow, error, number, words
from trialsim.scenario.plan.estimands import Estimand
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.estimands import meant_by_analyses
from trialsim.scenario.words.labels import in_words, spoken

_MEASURES: Final = {"truth": "True value", "bias": "Bias", "rmse": "RMSE"}
_SHARES: Final = {"coverage": "Coverage", "power": "Power"}
_OF_POPULATION: Final = {
    "population": "In the population (proportion)",
    "without_value": "Without a value (proportion)",
    "better_than_the_same_patient": "Better on the drug than the same patient without it",
}
_FITS: Final = {
    (True, True): "yes",
    (True, False): "named, but it cannot be",
    (False, True): "it could be",
    (False, False): "no",
}
"""Of an analysis and an estimand, whether it names it, and whether it can be for it."""


def estimands_tables(result: Estimands) -> list[Table]:
    """Return the true values, the events, and the analyses beside the estimands."""
    told = result.to_dict()
    tables = [_values(told), _populations(told), _events(result, told), _matrix(told)]
    rows = [words(spoken(one.name), why) for one in result.analysed for why in one.because]
    caption = "Analyses that cannot be for the estimand that they name"
    return [*tables, *([Table("doubts", caption, ("Analysis", "Why"), rows)] if rows else [])]


def meant_table(trial: Scenario, named: Mapping[str, Estimand] | None = None) -> Table:
    """Return the five attributes of each analysis, and of estimands that none is for."""
    meant = meant_by_analyses(trial, named)
    rows = [words(spoken(one.estimand), one.whose, *one.attributes.values()) for one in meant]
    columns = ("Estimand", "That of", *(spoken(what) for what in meant[0].attributes))
    return Table("meant", "What each analysis is for: the five attributes", columns, rows)


def _values(told: Mapping[str, Any]) -> Table:
    columns = ["Estimand"]
    for value in told["estimands"][0]["values"]:
        columns += [value["measure"], "Monte Carlo SE"]
    rows = []
    for place, one in enumerate(told["estimands"]):
        cells = [Cell(spoken(one["name"]))]
        for at, value in enumerate(one["values"]):
            cells += _pair(value, f"estimands.estimands.{place}.values.{at}")
        rows.append(TableRow(cells))
    caption = (
        "True value of each estimand, over all pairs of patients; a dash where it has none: a mean "
        "where some are below every score, or an empty stratum"
    )
    return Table("true-values", caption, columns, rows)


def _populations(told: Mapping[str, Any]) -> Table:
    columns = ["Estimand"]
    for label in _OF_POPULATION.values():
        columns += [label, "Monte Carlo SE"]
    rows = []
    for place, one in enumerate(told["estimands"]):
        cells = [Cell(spoken(one["name"]))]
        for what in _OF_POPULATION:
            cells += _pair(one[what], f"estimands.estimands.{place}.{what}")
        rows.append(TableRow(cells))
    return Table("populations", "Whose effect it is, and what no trial can see", columns, rows)


def _events(result: Estimands, told: Mapping[str, Any]) -> Table:
    plan = result.study.analysis
    rows = []
    for place, one in enumerate(told["events"]):
        path = f"estimands.events.{place}"
        cells = [Cell(spoken(one["event"]))]
        for arm in ("treated", "control"):
            cells += _pair(one[arm], f"{path}.{arm}")
        rows.append(TableRow(cells))
    arms = (in_words(plan.treated), in_words(plan.control))
    columns = ("Event", arms[0], "Monte Carlo SE", arms[1], "Monte Carlo SE")
    caption = "Proportion who would have each event by the visit, if all were in the arm"
    return Table("events", caption, columns, rows)


def _matrix(told: Mapping[str, Any]) -> Table:
    """Return each analysis beside each estimand, the one that it is for marked."""
    columns = ["Analysis", "Estimand", "For it"]
    for label in (*_MEASURES.values(), *_SHARES.values()):
        columns += [label, "Monte Carlo SE"]
    rows = []
    for place, one in enumerate(told["matrix"]):
        path = f"estimands.matrix.{place}"
        fits = _FITS[one["is_named"], one["is_aligned"]]
        cells = [Cell(spoken(one["analysis"])), Cell(in_words(one["estimand"])), Cell(fits)]
        for what in (*_MEASURES, *_SHARES):
            cells.append(number(one[what], 4, f"{path}.{what}"))
            cells.append(error(one[f"{what}_mcse"], 5, f"{path}.{what}_mcse"))
        rows.append(TableRow(cells))
    caption = "Each analysis beside each estimand, over the same trials; a ratio by its logarithm"
    return Table("matrix", caption, columns, rows)


def _pair(told: Mapping[str, Any], path: str) -> list[Cell]:
    """Return a value and its Monte Carlo error."""
    return [
        number(told["value"], 4, f"{path}.value"),
        error(told["mcse"], 5, f"{path}.mcse"),
    ]
