"""What looks save: expected patients against the true effect, beside the textbook's count."""

from typing import Any

from matplotlib.axes import Axes
from pandas import DataFrame

from trialsim.questions.monitoring.bounds import BoundsResult
from trialsim.replicates.result import PowerResult
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
from trialsim.reporting.figures.of_looks.words import looks_of
from trialsim.reporting.tables.captions import caption_of_bounds


def expected_size_data(result: BoundsResult) -> DataFrame:
    """Return a row for each effect, in rising order: effect, power, and expected patients.

    `patients` are those randomised by the decision, with those who wait for their endpoint;
    `textbook_patients` those that are analysed, as if every endpoint were known at once.
    """
    names = ("effect", "power", "patients", "textbook_patients")
    rows = [{name: getattr(one, name) for name in names} for one in result.effects]
    return DataFrame(rows).sort_values("effect", ignore_index=True)


@styled
def expected_size_figure(
    result: BoundsResult, simulated: PowerResult | None = None, width: float = WIDTH
) -> Drawing:
    """Draw expected patients by the true effect, and the power below; and a simulation's mean."""
    data = expected_size_data(result)
    told = ["Mean recruitment; a trial that stops has randomised those who wait, too."]
    if simulated is not None:
        told.append(f"Simulated: {simulated.replicates:,} trials, seed {simulated.seed}.")
    drawing, (size, power) = page(
        "Expected size by the true effect",
        caption_of_bounds(result, *told),
        width,
        5.0,
        rows=2,
        sharex=True,
    )
    dark, middle, _ = shades(3)
    mark = "o" if len(data) < 12 else ""
    planned = f"planned: {result.planned_patients:,}"
    size.axhline(result.planned_patients, color=INK, linestyle=":", label=planned)
    how: dict[str, Any] = {"marker": mark, "markersize": 4, "color": dark}
    size.plot(data["effect"], data["patients"], "-", label="randomised", **how)
    size.plot(
        data["effect"],
        data["textbook_patients"],
        "--",
        marker=mark and "s",
        markersize=4,
        color=middle,
        label="textbook: analysed, nobody waiting",
    )
    power.plot(data["effect"], data["power"], "-", **how)
    if simulated is not None:
        _draw_simulated(simulated, size, power)
    size.set_ylabel("expected patients (number)")
    size.set_ylim(0, 1.08 * result.planned_patients)
    power.set_ylabel("power")
    power.set_ylim(0, 1.02)
    power.set_xlabel(f"true {result.quantity}")
    if result.is_ratio:
        power.set_xscale("log")
    for axes in (size, power):
        grid(axes, "y")
    legend_above(size, width)
    return drawing


def _draw_simulated(simulated: PowerResult, size: Axes, power: Axes) -> None:
    """Draw the mean size and the power of a simulation at its true effect."""
    truth, mean = float(simulated.truth.estimate), looks_of(simulated).spread("randomised").mean
    how: dict[str, Any] = {"fmt": "D", "color": INK, "markersize": 4, "capsize": 3}
    size.errorbar(
        truth,
        float(mean.estimate),
        1.96 * float(mean.mcse),
        label="simulated: randomised",
        **how,
    )
    low, high = simulated.ci
    power.errorbar(
        truth, simulated.power, [[simulated.power - low], [high - simulated.power]], **how
    )
