"""The looks of a design as tables: their bounds, what they find and stop, and what follows.

A number bears the name under which it stands in the data of the page, which are those of the JSON.
"""

from collections.abc import Mapping
from typing import Any, Final

from trialsim.questions.monitoring.bounds import BoundsResult
from trialsim.replicates.result import PowerResult
from trialsim.reporting.tables.page import Cell, Table, TableRow, error, number

_OF_A_LOOK: Final = {
    "held": ("Performed (proportion)", 4),
    "day": ("Day of the data cut", 1),
    "known": ("Patients with known endpoint", 1),
    "waiting": ("Patients whose endpoint is to come", 1),
    "randomised_by_decision": ("Patients randomised by the decision", 1),
    "share": ("Information fraction", 3),
    "efficacy": ("Stopped for efficacy (proportion)", 4),
    "harm": ("Stopped for harm (proportion)", 4),
    "futility": ("Stopped for futility (proportion)", 4),
    "full_information": ("Last analysis, at full information (proportion)", 4),
    "out_of_reach": ("No bound for efficacy (proportion of those that performed it)", 4),
    "too_late": ("Stopped when all were randomised (proportion)", 4),
}
_SPREAD: Final = {
    "randomised": "Patients randomised",
    "analysed": "Patients analysed",
    "duration_days": "Duration, days",
    "infusions_given": "Infusions given",
}
_SCALES: Final = ("z", "p", "effect", "conditional_power", "predictive_power")
_MEASURES: Final = {"bias": 5, "rmse": 5, "coverage": 4, "difference_from_truth": 5}
_RE_ESTIMATED: Final = {
    "set_again": "Set again (proportion)",
    "enlarged": "Above the planned {planned} (proportion)",
    "reduced": "Below the planned {planned} (proportion)",
    "at_the_most": "At the most, {at_most} (proportion)",
    "at_the_least": "At the least, {at_least} (proportion)",
}


def looks_tables(result: PowerResult, bounds: BoundsResult) -> list[Table]:
    """Return the tables of a study with looks."""
    told = result.to_dict()["monitoring"]
    size = [_re_estimation(told)] if "re_estimation" in told else []
    estimates = _estimates(told, result.quantity.is_ratio)
    return [_bounds(bounds), _looks(told), _sizes(told), *size, estimates]


def _bounds(bounds: BoundsResult) -> Table:
    """Return the bounds of each look on every scale; a dash where there is none."""
    told = bounds.to_dict()["looks"]
    sides = [side for side in ("efficacy", "futility", "harm") if _can_be_crossed(told, side)]
    rows = []
    for place, look in enumerate(told):
        start = [Cell(look["name"]), number(look["share"], 3, f"bounds.looks.{place}.share")]
        for side in sides:
            if not abs(look[side]["z"]) < float("inf"):
                continue
            path = f"bounds.looks.{place}.{side}"
            cells = [number(look[side][scale], 4, f"{path}.{scale}") for scale in _SCALES]
            rows.append(TableRow([*start, Cell(side), *cells]))
    scales = ("z", "p", bounds.quantity, "Conditional power (trend)", "Predictive power")
    columns = ("Look", "Information", "Stop for", *scales)
    return Table("bounds", "Planned bounds, in the normal approximation", columns, rows)


def _can_be_crossed(looks: list[dict[str, Any]], side: str) -> bool:
    return any(abs(look[side]["z"]) < float("inf") for look in looks)


def _looks(told: Mapping[str, Any]) -> Table:
    """Return what happens at each look, with its Monte Carlo standard error."""
    looks = told["looks"]
    rows = []
    for what, (label, digits) in _OF_A_LOOK.items():
        cells = [Cell(label)]
        for place, look in enumerate(looks):
            path = f"run.monitoring.looks.{place}.{what}"
            ends = look.get(f"{what}_low"), look.get(f"{what}_high")
            cells.append(number(look[what], digits, path))
            cells.append(_error(look[f"{what}_mcse"], digits + 1, f"{path}_mcse", ends))
        rows.append(TableRow(cells))
    columns = ["At the look"]
    for look in looks:
        columns += [look["look"], "Monte Carlo SE"]
    caption = f"Means over the trials that performed the look; proportions are of all trials{_ENDS}"
    return Table("looks", caption, columns, rows)


_ENDS: Final = "; for the error of a proportion of 0 or 1 stands the end of its 95% interval"
_QUANTILES: Final = {"low": "5% of trials", "median": "50% of trials", "high": "95% of trials"}
_OF_SIZES: Final = ("Quantity", "", "Value", "Monte Carlo SE", "95% from", "95% to")


def _error(mcse: float, digits: int, name: str, ends: tuple[Any, Any]) -> Cell:
    """Return a Monte Carlo standard error; of a proportion of 0 or 1 the end of its interval."""
    cell, (low, high) = error(mcse, digits, name), ends
    if mcse != 0 or low is None:
        return cell
    return cell._replace(text=f"<{high:.4f}" if low == 0 else f">{low:.4f}")


def _sizes(told: Mapping[str, Any]) -> Table:
    rows = []
    for name, label in _SPREAD.items():
        rows += _spread(label, told["spread"][name], f"run.monitoring.spread.{name}", 1)
    found, path = told["spread"]["randomised"], "run.monitoring.spread.randomised"
    cells = [
        show(found[f"at_most{end}"], 4, f"{path}.at_most{end}")
        for end, show in (("", number), ("_mcse", error), ("_low", number), ("_high", number))
    ]
    rows.append(TableRow([Cell(_SPREAD["randomised"]), Cell("trials with the most"), *cells]))
    caption = "Size and duration with the looks: means, and quantiles of trials with limits"
    return Table("sizes", caption, _OF_SIZES, rows)


def _spread(label: str, found: Mapping[str, Any], path: str, digits: int) -> list[TableRow]:
    """Return the rows of a number of single trials: its mean, and quantiles with their limits."""
    mean = number(found["mean"], 1, f"{path}.mean"), error(found["mcse"], 2, f"{path}.mcse")
    rows = [TableRow([Cell(label), Cell("mean"), *mean, Cell(""), Cell("")])]
    for name, which in _QUANTILES.items():
        value = number(found[name], digits, f"{path}.{name}")
        limits = [
            number(end, digits, f"{path}.{name}_ci.{place}")
            for place, end in enumerate(found[f"{name}_ci"])
        ]
        rows.append(TableRow([Cell(label), Cell(which), value, Cell(""), *limits]))
    return rows


def _re_estimation(told: Mapping[str, Any]) -> Table:
    """Return what became of a number of patients that a look sets again."""
    found, path = told["re_estimation"], "run.monitoring.re_estimation"
    rows = []
    for what, label in _RE_ESTIMATED.items():
        cells = [
            show(found[what][one], 4, f"{path}.{what}.{one}")
            for one, show in (("mean", number), ("mcse", error), ("low", number), ("high", number))
        ]
        rows.append(TableRow([Cell(label.format(**found)), Cell(""), *cells]))
    rows += _spread("Size where it was set again", found["patients"], f"{path}.patients", 0)
    caption = f"Sample size re-estimated at {found['look']}; proportions are of all trials"
    return Table("re-estimation", caption, _OF_SIZES, rows)


def _estimates(told: Mapping[str, Any], is_ratio: bool) -> Table:
    """Return how estimates perform, over all trials and given where they ended.

    Of an analysis for another estimand there is a difference from the true effect, no bias.
    """
    heads = {"bias": "Bias", "rmse": "RMSE", "coverage": "Coverage"}
    if any(one["bias"] is None for one in told["estimation"]):
        heads = {"difference_from_truth": "Difference from the true effect"}
    rows = []
    for place, one in enumerate(told["estimation"]):
        path = f"run.monitoring.estimation.{place}"
        cells = [
            Cell(one["estimate"]),
            Cell(one["where"]),
            number(one["trials"], 0, f"{path}.trials"),
        ]
        for name in heads:
            found, digits = one[name], _MEASURES[name]
            ends = found.get("low"), found.get("high")
            cells.append(number(found["mean"], digits, f"{path}.{name}.mean"))
            cells.append(_error(found["mcse"], digits, f"{path}.{name}.mcse", ends))
        rows.append(TableRow(cells))
    measures = (part for head in heads.values() for part in (head, "Monte Carlo SE"))
    columns = ("Estimate", "Ended at", "Trials", *measures)
    log = "; but for coverage, of the logarithm of the ratio" if is_ratio else ""
    caption = f"Estimates, given where the trial ended{log}{_ENDS}"
    return Table("estimates-after-looks", caption, columns, rows)
