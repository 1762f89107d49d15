"""Columns of a table of former patients, and the candidates who were drawn from it."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from pandas import DataFrame

from trialsim.arrays import Floats
from trialsim.errors import InputError, Problem
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.style import (
    INK,
    WIDTH,
    grid,
    legend_above,
    page,
    shades,
    styled,
)
from trialsim.reporting.figures.canvas.trials import Trials
from trialsim.scenario.patients.columns import FromTable
from trialsim.scenario.words.values import unit_of
from trialsim.stats.monte_carlo import mean_over_replicates

_MOST_BINS: Final = 16
_HALF: Final = 0.5
_APART: Final = 0.2
"""Of a bin, or of the room between two levels: from its middle to that of each of its bars."""


def population_data(trials: Trials) -> DataFrame:
    """Return a row for each column of the table and each level or bin of its values.

    Columns: covariate, level (missing of a bin), low and high (the bin's ends, the upper one
    outside but for the last), rows (the share of the table's rows), candidates (the mean share of
    a trial's candidates, eligible or not) and mcse.

    Raises
    ------
    InputError
        If the study has no table of former patients.
    """
    columns = _columns(trials)
    if not columns:
        rule = "must be there: the study draws no candidates from a table of former patients"
        raise InputError([Problem("population.table", rule)])
    parts = [row for name, margin in columns.items() for row in _parts(trials, name, margin)]
    return DataFrame(parts)


def has_table(trials: Trials) -> bool:
    """Return whether candidates are drawn from a table of former patients."""
    return bool(_columns(trials))


def _columns(trials: Trials) -> dict[str, FromTable]:
    covariates = trials.scenario.population.covariates
    return {
        name: one.margin for name, one in covariates.items() if isinstance(one.margin, FromTable)
    }


def _parts(trials: Trials, name: str, margin: FromTable) -> Iterator[dict[str, Any]]:
    """Yield the shares of one column of the table."""
    screening = trials.tables["screening"]
    column = next(one for one in (f"covariate_{name}", name) if one in screening)
    trial = np.unique(screening["replicate"].to_numpy(), return_inverse=True)[1]
    drawn = screening[column]
    if margin.levels is not None or margin.flag:
        levels = list(margin.levels or ("false", "true"))
        place = drawn.astype(str).str.lower() if margin.flag else drawn.astype(str)
        found = place.map({level: at for at, level in enumerate(levels)}).to_numpy(np.float64)
        edges = np.arange(len(levels) + 1) - _HALF
        told = [{"level": level, "low": np.nan, "high": np.nan} for level in levels]
    else:
        found, edges = drawn.to_numpy(np.float64), _edges(margin.numbers)
        ends = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        told = [{"level": None, "low": low, "high": high} for low, high in ends]
    rows = np.histogram(margin.numbers, edges)[0] / len(margin.numbers)
    shares = np.array([_shares(found[trial == one], edges) for one in range(trial.max() + 1)])
    mean, mcse, _ = mean_over_replicates(shares.T)
    for at, part in enumerate(told):
        own = {"rows": float(rows[at]), "candidates": float(mean[at]), "mcse": float(mcse[at])}
        yield {"covariate": name, **part, **own}


def _shares(values: Floats, edges: Floats) -> Floats:
    return np.asarray(np.histogram(values, edges)[0] / max(len(values), 1), np.float64)


def _edges(numbers: Floats) -> Floats:
    """Return the ends of bins of equal width; those of whole numbers lie halfway between them.

    >>> _edges(np.array([1.0, 2.0, 4.0])).tolist()
    [0.5, 1.5, 2.5, 3.5, 4.5]
    """
    low, high = float(numbers.min()), float(numbers.max())
    if (numbers % 1 == 0).all():
        width = np.ceil((high - low + 1) / _MOST_BINS)
        count = int(np.ceil((high - low + 1) / width))
        return np.asarray(low - _HALF + width * np.arange(count + 1), np.float64)
    return np.linspace(low, high, _MOST_BINS + 1)


@styled
def population_figure(trials: Trials, width: float = WIDTH) -> Drawing:
    """Draw each column of the table: its rows, and the candidates beside them."""
    data, covariates = population_data(trials), trials.scenario.population.covariates
    names, table = list(dict.fromkeys(data["covariate"])), trials.scenario.population.table
    how = "rows drawn again" if table is not None and table.draw == "rows" else "fitted margins"
    drawing, axes = page(
        "Former patients and simulated candidates",
        trials.caption(
            f"Candidates before eligibility: {how}. Bars are 95% Monte Carlo intervals of the "
            "mean share."
        ),
        width,
        1.4 + 1.3 * len(names),
        len(names),
    )
    for place, (name, one) in enumerate(zip(names, axes, strict=True)):
        _draw(one, data[data["covariate"] == name])
        unit = unit_of(name)
        one.set_xlabel(f"{covariates[name].label}{f' ({unit})' if unit else ''}")
        if place == 0:
            legend_above(one, width)
    return drawing


def _draw(axes: Axes, data: DataFrame) -> None:
    by_level = data["level"].notna().all()
    size = 1.0 if by_level else float(data["high"].iloc[0] - data["low"].iloc[0])
    middle = np.arange(len(data)) if by_level else ((data["low"] + data["high"]) / 2).to_numpy()
    dark, light = shades(2)
    bars: dict[str, Any] = {"width": 2 * _APART * size, "edgecolor": INK, "linewidth": 0.4}
    axes.bar(middle - _APART * size, data["rows"], color=light, hatch="////", label="table", **bars)
    axes.bar(
        middle + _APART * size,
        data["candidates"],
        color=dark,
        yerr=1.96 * data["mcse"].fillna(0.0),
        error_kw={"ecolor": "#777777", "elinewidth": 1.2},
        label="candidates",
        **bars,
    )
    if by_level:
        axes.set_xticks(middle, data["level"].tolist())
    elif (data["low"] % 1 == _HALF).all():
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_ylabel("share")
    grid(axes, "y")
