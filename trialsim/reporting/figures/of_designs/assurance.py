"""The prior of the effect, and the probability of success under each effect."""

import numpy as np
from pandas import DataFrame, concat

from trialsim.questions.assurance.assurance import Assurance
from trialsim.reporting.figures.canvas.drawing import Drawing
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
from trialsim.reporting.tables.captions import caption_of
from trialsim.scenario.words.labels import in_words
from trialsim.stats.monte_carlo import wilson_interval

_QUANTILES = 4000
_BINS = 48


def assurance_data(result: Assurance) -> DataFrame:
    """Return the prior's shares by interval of effect, then the success under each effect drawn.

    Columns: part ("prior" or "success"), low and high of the effect (equal for a success), value
    (a share of the prior, or of trials that succeed), mcse, Wilson's interval from power_low to
    power_high, and smoothed.
    """
    effects = result.prior.at((np.arange(_QUANTILES) + 0.5) / _QUANTILES)
    counts, edges = np.histogram(effects, _BINS)
    prior = DataFrame({"low": edges[:-1], "high": edges[1:], "value": counts / _QUANTILES})
    frame = result.frame
    band = wilson_interval(frame["power"] * frame["trials"], frame["trials"])
    success = DataFrame(
        {
            "low": frame["effect"],
            "high": frame["effect"],
            "value": frame["power"],
            "mcse": frame["mcse"],
            "power_low": band.low,
            "power_high": band.high,
            "smoothed": frame["smoothed"],
        }
    )
    return concat([prior.assign(part="prior"), success.assign(part="success")], ignore_index=True)[
        ["part", "low", "high", "value", "mcse", "power_low", "power_high", "smoothed"]
    ]


@styled
def assurance_figure(result: Assurance, width: float = WIDTH) -> Drawing:
    """Draw the probability of success against the effect, above the prior of the effect."""
    data = assurance_data(result)
    prior, success = (data[data["part"] == part] for part in ("prior", "success"))
    drawing, (top, bottom) = page(
        f"Assurance: probability of success {result.probability:.3f}",
        caption_of(
            result,
            f"Prior: {result.prior.title}. Assurance is the mean of the upper curve over it, "
            f"95% Monte Carlo interval {result.ci[0]:.3f} to {result.ci[1]:.3f}.",
        ),
        width,
        4.8,
        rows=2,
        sharex=True,
        height_ratios=(3, 2),
    )
    dark, light = shades(2)
    top.errorbar(
        success["low"],
        success["value"],
        to_ends(success, "value", "power_low", "power_high"),
        fmt="o",
        color=dark,
        markersize=3.5,
        linewidth=0.8,
        label="simulated power, 95% Monte Carlo interval",
    )
    top.plot(success["low"], success["smoothed"], "--", color=INK, label="smoothed")
    top.axhline(result.probability, color="#a13a6b", linestyle="-.", label="mean over the prior")
    top.set_ylabel("probability of success")
    top.set_ylim(-0.03, 1.03)
    grid(top, "y")
    legend_above(top, width)
    bottom.bar(
        prior["low"],
        prior["value"],
        prior["high"] - prior["low"],
        align="edge",
        color=light,
        edgecolor=INK,
        linewidth=0.4,
    )
    bottom.set_xlabel(f"effect at full exposure ({in_words(result.prior.anchor)})")
    bottom.set_ylabel("prior probability")
    grid(bottom, "y")
    return drawing
