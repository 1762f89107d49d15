"""Power by the values of one parameter, with its Monte Carlo band and the closed form."""

import math
from typing import Any, Final

import numpy as np
import scipy  # its parts load when they are first used
from matplotlib.axes import Axes
from pandas import DataFrame

from trialsim.arrays import Floats
from trialsim.errors import InputError, Problem
from trialsim.questions.size.crossing import probit
from trialsim.questions.size.power_curve import PowerCurve
from trialsim.questions.size.sample_size import SampleSize
from trialsim.questions.what_if.what_if import WhatIf
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.labels import with_unit
from trialsim.reporting.figures.canvas.style import (
    INK,
    WIDTH,
    grid,
    legend_above,
    page,
    shades,
    styled,
    to_ends,
)
from trialsim.reporting.figures.of_designs.closed_form import closed_form_power
from trialsim.reporting.tables.captions import caption
from trialsim.scenario.programme import Study, value_at
from trialsim.scenario.words.labels import path_in_words
from trialsim.stats.monte_carlo import wilson_interval

Curve = PowerCurve | SampleSize | WhatIf
FITTED_FROM: Final = 5
"""Values; fewer are joined by lines."""
INTERVAL: Final = "95% Monte Carlo interval"
BAND: Final = "#b9c4e4"


def curve_data(result: Curve) -> DataFrame:
    """Return a row for each value, in rising order: value, power, low, high, closed_form.

    The interval is Wilson's, for the Monte Carlo error alone. The closed form is not known from a
    sample size, which keeps only the patients that it gives.

    Raises
    ------
    InputError
        If a what-if varies more than one path, or one that holds no number.
    """
    match result:
        case WhatIf():
            rows = _compared(result)
        case PowerCurve():
            rows = _finished(DataFrame(result.candidates()))
            studies = [result.scenario.replace({result.path: _plain(v)}) for v in rows["value"]]
            rows["closed_form"] = [closed_form_power(study) for study in studies]
        case SampleSize():
            rows = _finished(DataFrame(result.candidates)).assign(closed_form=np.nan)
    band = wilson_interval(rows["power"] * rows["replicates"], rows["replicates"])
    rows = rows.assign(low=band.low, high=band.high)
    kept = ["value", "power", "low", "high", "replicates", "closed_form"]
    return rows[kept].sort_values("value", ignore_index=True)


@styled
def curve_figure(result: Curve, width: float = WIDTH) -> Drawing:
    """Draw power against the number that varies; of a sample size also the value found."""
    data = curve_data(result)
    path = result.paths[0] if isinstance(result, WhatIf) else result.path
    study = _study(result)
    drawing, (axes,) = page(
        f"Power by {path_in_words(path, study)}", _caption(result, data, path), width, 3.8
    )
    dark, light = shades(2)
    data, base = _apart(result, data)
    if len(data) < FITTED_FROM:
        axes.fill_between(data["value"], data["low"], data["high"], color=BAND, label=INTERVAL)
        line = "o-"
    else:
        bars: dict[str, Any] = {"ecolor": BAND, "elinewidth": 3, "fmt": "none", "label": INTERVAL}
        axes.errorbar(data["value"], data["power"], to_ends(data, "power"), **bars)
        axes.plot(*fitted(data), color=dark, linewidth=1.2, label="fitted by a parabola of probits")
        line = "o"
    axes.plot(data["value"], data["power"], line, color=dark, markersize=4, label="simulated power")
    if data["closed_form"].notna().any():
        formula: dict[str, Any] = {
            "color": light,
            "linestyle": "--",
            "marker": "s",
            "markersize": 3.5,
        }
        axes.plot(data["value"], data["closed_form"], label="closed form", **formula)
    if len(base):
        ends = to_ends(base, "power")
        label = f"base: {base['value'].iloc[0]:.6g}"
        axes.errorbar(
            base["value"], base["power"], ends, fmt="D", color=INK, capsize=3, label=label
        )
    if isinstance(result, SampleSize):
        _add_what_was_found(axes, result)
    axes.set_xlabel(with_unit(path, study))
    axes.set_ylabel("power")
    lowest = float(data["low"].min())
    axes.set_ylim(0.0 if lowest < 0.5 else math.floor(10 * lowest) / 10, 1.02)
    grid(axes, "y")
    legend_above(axes, width)
    return drawing


def fitted(data: DataFrame) -> tuple[Floats, Floats]:
    """Return values between the least and the largest, and the power fitted at each.

    A parabola through the probits of power, each weighted by its Monte Carlo error. It smooths what
    chance does to the powers and has no error of its own: they are of the same patients.
    """
    won, tried = data["power"] * data["replicates"], data["replicates"]
    height = probit(won.to_numpy(float), tried.to_numpy(float))
    share = scipy.special.ndtr(height)
    density = np.exp(-(height**2) / 2.0) / math.sqrt(2 * math.pi)
    weight = density * np.sqrt(tried / (share * (1 - share)))
    through = np.polynomial.Polynomial.fit(data["value"], height, 2, w=weight)
    values = np.linspace(data["value"].min(), data["value"].max(), 200)
    return values, np.asarray(scipy.special.ndtr(through(values)))


def _apart(result: Curve, data: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Return the values requested, and the base of a what-if where it is another one."""
    if not isinstance(result, WhatIf) or len(data) < 3:
        return data, data.iloc[:0]
    base, *others = (value_at(row.scenario, result.paths[0]) for row in result.rows)
    alone = (data["value"] == base) & (base not in others)
    return data[~alone], data[alone]


def _study(result: Curve) -> Study | None:
    """Return the study that varies; a sample size holds its name alone."""
    match result:
        case WhatIf():
            return result.rows[0].scenario
        case PowerCurve():
            return result.scenario
        case SampleSize():
            return None


def _add_what_was_found(axes: Axes, result: SampleSize) -> None:
    axes.axhline(result.target, color=INK, linewidth=0.8, linestyle=":")
    axes.axvspan(
        result.low,
        result.high,
        facecolor="#e2e2e2",
        zorder=0,
        label=f"where power is {result.target:g}: {result.low:.6g} to {result.high:.6g}",
    )
    low, high = result.ci
    error = [[result.power - low], [high - result.power]]
    axes.errorbar(
        [result.value],
        [result.power],
        error,
        fmt="D",
        color="#a13a6b",
        capsize=3,
        label=f"recommended, confirmed: {result.value:.6g}",
    )
    if result.closed_form is not None:
        axes.plot(
            [result.closed_form.patients],
            [result.target],
            "s",
            markerfacecolor="white",
            color=INK,
            label=f"closed form: {result.closed_form.patients:.0f}",
        )


def _finished(candidates: DataFrame) -> DataFrame:
    """Return candidates with the replicates that were finished."""
    return candidates.assign(replicates=candidates["replicates"] - candidates["failed"])


def _compared(result: WhatIf) -> DataFrame:
    """Return the values of a what-if along one path; a variant of the study has no place there."""
    path = result.paths[0] if len(result.paths) == 1 else None
    rows = [row for row in result.rows if set(row.alternative.changes) <= {path}]
    values = [value_at(row.scenario, path) for row in rows] if path else []
    if not values or any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
        rule = "must give values of one number, and no more, for a curve"
        raise InputError([Problem("changes", rule, ", ".join(result.paths) or None)])
    table = DataFrame(
        {
            "value": values,
            "power": [float(row.power.estimate) for row in rows],
            "replicates": [row.replicates - row.failed for row in rows],
            "closed_form": [closed_form_power(row.scenario) for row in rows],
        }
    )
    return table.drop_duplicates("value")


def _caption(result: Curve, data: DataFrame, path: str) -> str:
    told = [f"Varied: {path}."]
    if isinstance(result, SampleSize) and result.closed_form is not None:
        told.append("Closed form: Happ et al. (2019), for the endpoint as conducted and analysed.")
    elif data["closed_form"].notna().any():
        told.append(
            "Closed form: Happ et al. (2019), for reference patients at full exposure, with no "
            "missing scores."
        )
    name = result.scenario.name if isinstance(result, PowerCurve) else result.scenario
    digest = result.scenario.digest if isinstance(result, PowerCurve) else result.digest
    fewest, most = int(data["replicates"].min()), int(data["replicates"].max())
    if fewest < most:
        told.append(f"Between {fewest:,} and {most:,} trials at a value.")
    return caption(name, digest, result.seed, most, *told)


def _plain(value: float) -> float:
    return int(value) if float(value).is_integer() else float(value)
