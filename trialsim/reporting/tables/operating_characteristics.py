"""The operating characteristics of a design as tables, each with its Monte Carlo standard error.

A number bears the name under which it stands in the data of the page, which are those of the JSON.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from trialsim.replicates.result import PowerResult
from trialsim.reporting.tables.page import Cell, Table, TableRow, error, number, proportion
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.words.labels import in_words, spoken

SPREAD: Final = (0.025, 0.25, 0.5, 0.75, 0.975)
"""The proportions of trials at which percentiles are given."""
_QUANTITIES: Final = {
    "treated_analysed": ("Patients analysed, treated", 2),
    "control_analysed": ("Patients analysed, control", 2),
    "screened": ("Candidates screened", 1),
    "recruitment_days": ("Recruitment, days", 1),
    "duration_days": ("Duration to the last visit, days", 1),
    "infusions_given": ("Infusions given", 1),
    "discontinued": ("Patients who discontinued treatment", 2),
    "withdrawn": ("Patients who withdrew", 2),
    "died": ("Patients who died", 2),
}
"""The label of each quantity of a trial, and its decimals."""
_ARMS: Final = ("treated", "control")
_COLUMNS: Final = ("Quantity", "Value", "Monte Carlo SE", "95% from", "to", "SD over trials")


def summary(result: PowerResult, null: PowerResult | None) -> Table:
    """Return what the first page tells: how often it rejects, how it estimates, what it takes."""
    told = result.to_dict()
    of_logarithm = " of its logarithm" if result.quantity.is_ratio else ""
    rows = [_power("Power", told)]
    if null is not None:
        rows.append(_share("Type I error", null.to_dict(), "rejections", "null"))
    rows += _of_secondary(result)
    if result.estimand.is_target:
        rows += _beside_truth(result, told, of_logarithm)
    if result.looks is not None:
        rows.append(_randomised(told["monitoring"]))
    for name in ("screened", "infusions_given", "duration_days"):
        label, digits = _QUANTITIES[name]
        rows.append(_mean(label, told, name, digits))
    return Table("summary", _caption("Operating characteristics", result), _COLUMNS, rows)


def nuisance_table(told: Mapping[str, Any]) -> Table:
    """Return the type I error over nuisance values, as their JSON tells it."""
    rows = []
    for place, one in enumerate(told["rows"]):
        path = f"nuisance.rows.{place}"
        found = proportion(one, "type_one_error", path)
        failed = number(one["failed"], 0, f"{path}.failed")
        rows.append(TableRow([Cell(spoken(one["where"])), *found, failed]))
    columns = ("Without effect, and", "Type I error", "Monte Carlo SE", "95% from", "to", "Failed")
    caption = (
        f"Type I error {told['verdict']}. {told['replicates']:,} simulated trials of each row, on "
        "its own seed"
    )
    return Table("nuisance", caption, columns, rows)


def _randomised(told: Mapping[str, Any]) -> TableRow:
    """Return the patients randomised where looks decide how many they are."""
    mean = _of_mean(told["spread"]["randomised"], "run.monitoring.spread.randomised", 1)
    return TableRow([Cell("Patients randomised"), *mean[:2], Cell(""), Cell(""), mean[2]])


def performance(result: PowerResult, null: PowerResult | None) -> Table:
    """Return the performance measures of the design and its analysis."""
    told, what = result.to_dict(), result.quantity.name
    of_logarithm = " of its logarithm" if result.quantity.is_ratio else ""
    rows = [
        _power(f"Power, {result.shown}", told),
        _share("Rejections in favour of the control", told, "wrong_direction"),
    ]
    if null is not None:
        rows.append(_share("Type I error", null.to_dict(), "rejections", "null"))
    rows += [
        _mean(
            f"Estimate of the {what}{'' if result.has_mean else ', finite'}", told, "estimate", 4
        ),
        _mean(f"True effect: the {result.estimand.name}", told, "truth", 4),
    ]
    rows += _beside_truth(result, told, of_logarithm)
    if result.failed:
        rows.append(
            _share("Power, failed trials counted as not rejecting", told, "power_counting_failures")
        )
    rows += _of_secondary(result)
    if null is not None:
        at = "without effect" if null.claim == "superiority" else "at the margin"
        rows.append(_mean(f"Estimate {at}", null.to_dict(), "estimate", 4, "null"))
    return Table("performance", _caption("Performance", result), _COLUMNS, rows)


def _beside_truth(
    result: PowerResult, told: Mapping[str, Any], of_logarithm: str
) -> list[TableRow]:
    """Return bias and coverage, or a difference; medians where too many ratios have no mean."""
    if result.estimand.is_target:
        label, name = f"Bias{of_logarithm}", "bias"
        others = [_share(f"Coverage of the {_percent(result)} interval", told, "coverage")]
    else:
        label, name = f"Difference{of_logarithm} from it (another estimand)", _DIFFERENCE
        others = []
    if result.has_mean:
        return [_mean(label, told, name, 5), *others]
    return [_median(f"Median {label[0].lower()}{label[1:]}", told, f"median_{name}"), *others]


_DIFFERENCE: Final = "difference_from_truth"


def _of_secondary(result: PowerResult) -> list[TableRow]:
    """Return the power of each secondary analysis, of any and all, where the run has them."""
    if result.secondary is None:
        return []
    told = result.secondary.to_dict()
    adjusted = PRIMARY in result.secondary.names
    which, beside = ("analysis", "") if adjusted else ("secondary analysis", " (secondary)")
    plural = "analyses tested together" if adjusted else "secondary analyses"
    together = {
        "any": f"Power of any {which}{' tested together' if adjusted else ''}",
        "all": f"Power of all {plural}",
        "any_rejection": "Any analysis rejects, in either direction",
    }
    return [
        *(
            _power(f"Power, {in_words(name)}{beside}", one, f"run.secondary.analyses.{name}")
            for name, one in told["analyses"].items()
        ),
        *(_power(label, told[name], f"run.secondary.{name}") for name, label in together.items()),
        _mean("Expected rejections among them", told, "expected_rejections", 4, "run.secondary"),
    ]


def _quantities(result: PowerResult) -> dict[str, tuple[str, int]]:
    """Return the label and decimals of each quantity; what is averaged goes by the analysis."""
    name = result.averaged.capitalize()
    means = {f"{arm}_mean": (f"{name}, {arm}", 2) for arm in _ARMS}
    besides = {one: (_besides(one), 2 if one.startswith(_ARMS) else 3) for one in result.besides}
    return {**means, **_QUANTITIES, **besides}


def _besides(name: str) -> str:
    """Return the label of what only some studies keep: counts of patients, or how randomised."""
    return f"Patients, {in_words(name)}" if name.startswith(_ARMS) else spoken(name)


def resources(result: PowerResult) -> Table:
    """Return mean and percentiles of the estimate, and of time, candidates, patients, infusions."""
    told, at = result.to_dict(), quantiles(result)
    labels = {"estimate": (f"Estimate of the {result.quantity.name}", 3), **_quantities(result)}
    rows = [
        TableRow(
            [
                Cell(label),
                *_of_mean(told[name], f"run.{name}", digits),
                *_percentiles(at[name], f"quantiles.{name}", digits),
            ]
        )
        for name, (label, digits) in labels.items()
    ]
    columns = ("Quantity", "Mean", "Monte Carlo SE", "SD", *(f"{100 * one:g}%" for one in SPREAD))
    return Table("resources", _caption("Means and percentiles", result), columns, rows)


def _percentiles(values: list[float], path: str, digits: int) -> list[Cell]:
    return [number(value, digits, f"{path}.{place}") for place, value in enumerate(values)]


def quantiles(result: PowerResult) -> dict[str, list[float]]:
    """Return the quantiles of each quantity over the trials in which it is known."""
    found = {}
    for name in ("estimate", *_quantities(result)):
        values = result.columns[name]
        known = values[np.isfinite(values)]
        at = np.quantile(known, SPREAD) if len(known) else np.full(len(SPREAD), np.nan)
        found[name] = at.tolist()
    return found


def _percent(result: PowerResult) -> str:
    return f"{100 * result.confidence:g}%"


def _caption(what: str, result: PowerResult) -> str:
    finished = result.replicates - result.failed
    return f"{what}, {finished:,} simulated trials"


def _mean(
    label: str, told: Mapping[str, Any], name: str, digits: int, where: str = "run"
) -> TableRow:
    value, error, sd = _of_mean(told[name], f"{where}.{name}", digits)
    return TableRow([Cell(label), value, error, Cell(""), Cell(""), sd])


def _of_mean(mean: Mapping[str, float], path: str, digits: int) -> tuple[Cell, Cell, Cell]:
    return (
        number(mean["mean"], digits, f"{path}.mean"),
        error(mean["mcse"], digits + 1, f"{path}.mcse"),
        number(mean["sd"], digits, f"{path}.sd"),
    )


def _power(label: str, told: Mapping[str, Any], where: str = "run") -> TableRow:
    return TableRow([Cell(label), *proportion(told, "power", where), Cell("")])


def _share(label: str, told: Mapping[str, Any], name: str, where: str = "run") -> TableRow:
    share, path = told[name], f"{where}.{name}"
    value, low, high = (number(share[one], 4, f"{path}.{one}") for one in ("mean", "low", "high"))
    return TableRow(
        [Cell(label), value, error(share["mcse"], 4, f"{path}.mcse"), low, high, Cell("")]
    )


def _median(label: str, told: Mapping[str, Any], name: str) -> TableRow:
    """Return a median, which has an interval and no standard error."""
    median, path = told[name], f"run.{name}"
    value, low, high = (
        number(median[one], 4, f"{path}.{one}") for one in ("median", "low", "high")
    )
    return TableRow([Cell(label), value, Cell(""), low, high, Cell("")])
