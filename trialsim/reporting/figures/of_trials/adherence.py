"""Who received which infusion: a map of patients by days."""

from typing import Final

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from pandas import DataFrame

from trialsim.datasets import INFUSION_STATUSES
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.style import INK, WIDTH, legend_above, page, styled
from trialsim.reporting.figures.canvas.trials import Trials
from trialsim.scenario.words.labels import in_words

COLOURS: Final = dict(
    zip(
        INFUSION_STATUSES,
        ("#f3efe2", "#f2b84b", "#5fae9f", "#c0508a", "#3d4fae", "#000000"),
        strict=True,
    )
)
"""From light to dark: the fewer infusions are left to come, the darker."""


def adherence_data(trials: Trials) -> DataFrame:
    """Return a row for each planned infusion of the first trial, patients in the order drawn.

    Columns: arm, subject, infusion, planned_day, status. In each arm the patients who received the
    most come first.
    """
    table = trials.tables["infusions"]
    table = table[table["replicate"] == trials.replicates[0]]
    given = (table["status"] == "given").groupby(table["subject"]).transform("sum")
    table = table.assign(missed=-given)
    order = ["arm", "missed", "subject", "infusion"]
    kept = ["arm", "subject", "infusion", "planned_day", "status"]
    return table.sort_values(order, kind="stable", ignore_index=True)[kept]


@styled
def adherence_figure(trials: Trials, width: float = WIDTH) -> Drawing:
    """Draw a row for each patient and a column for each infusion, coloured by its status."""
    data = adherence_data(trials)
    infusions = int(data["infusion"].max())
    codes = data["status"].cat.codes.to_numpy().reshape(-1, infusions)
    arms = data["arm"].astype(str).to_numpy()[::infusions]
    shares = (codes == 0).mean()
    drawing, (axes,) = page(
        "Adherence: infusions by patient",
        trials.caption(f"{shares:.1%} of planned infusions were given."),
        width,
        5.2,
    )
    statuses = list(data["status"].cat.categories)
    shown = ListedColormap([COLOURS[status] for status in statuses])
    axes.imshow(
        codes,
        cmap=shown,
        vmin=-0.5,
        vmax=len(statuses) - 0.5,
        aspect="auto",
        interpolation="none",
        extent=(0.5, infusions + 0.5, len(codes), 0),
    )
    names, starts, counts = np.unique(arms, return_index=True, return_counts=True)
    for start in starts[starts > 0]:
        axes.axhline(start, color=INK, linewidth=1.5)
    middles = starts + counts / 2
    told = [f"{in_words(name)}\n({count})" for name, count in zip(names, counts, strict=True)]
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_yticks(middles, told, rotation=90, va="center", ha="center")
    axes.tick_params(axis="y", length=0, pad=10)
    axes.set_xlabel("planned infusion (number)")
    axes.set_ylabel("patients, those with most infusions first")
    present = [status for place, status in enumerate(statuses) if (codes == place).any()]
    handles = [Patch(facecolor=COLOURS[one], edgecolor=INK, label=one) for one in present]
    legend_above(axes, width, handles)
    return drawing
