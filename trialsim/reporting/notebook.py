"""A result as a notebook shows it: what it is, its table, and its conventions."""

from html import escape
from typing import Any, Final

from trialsim.analysis.analyse import Analysis
from trialsim.questions.assurance.assurance import Assurance
from trialsim.questions.estimands.missingness import Missingness
from trialsim.questions.estimands.result import Estimands
from trialsim.questions.monitoring.board import Board
from trialsim.questions.monitoring.bounds import BoundsResult
from trialsim.questions.size.power_curve import PowerCurve
from trialsim.questions.size.sample_size import SampleSize
from trialsim.questions.tipping_point import TippingPoint
from trialsim.questions.type_one_error import TypeOneError
from trialsim.questions.what_if.what_if import WhatIf
from trialsim.replicates.result import PowerResult
from trialsim.reporting.tables.captions import (
    caption,
    caption_of,
    caption_of_analysis,
    caption_of_bounds,
    caption_of_one,
)
from trialsim.simulated import SimulatedTrial

_MOST_ROWS: Final = 20


def html(result: Any) -> str:
    """Return a result as HTML; of a long table the first rows."""
    frame = result.to_frame()
    shown = frame.head(_MOST_ROWS).to_html(
        index=False, border=0, na_rep="", float_format=lambda number: f"{number:.4g}"
    )
    left_out = len(frame) - _MOST_ROWS
    more = (
        f"<p>and {left_out:,} further rows in <code>to_frame()</code></p>" if left_out > 0 else ""
    )
    conventions = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(sentence)}</dd>"
        for name, sentence in getattr(result, "conventions", {}).items()
    )
    told = f"<details><summary>Conventions</summary><dl>{conventions}</dl></details>"
    return (
        f"<div><p><strong>{escape(_said(result))}</strong><br>{escape(_origin(result))}</p>"
        f"{shown}{more}{told if conventions else ''}</div>"
    )


def _said(result: Any) -> str:
    """Return the result in a few words."""
    match result:
        case PowerResult():
            low, high = result.ci
            return f"Power {result.power:.4f} (95% Monte Carlo interval {low:.4f} to {high:.4f})"
        case WhatIf():
            return f"{len(result.rows) - 1} alternatives beside {result.scenario}, paired with it"
        case SampleSize():
            return (
                f"{result.path} for a power of {result.target:g}: {result.value:g} "
                f"({result.low:g} to {result.high:g}), confirmed power {result.power:.4f}"
            )
        case Assurance():
            return f"Probability of success {result.probability:.4f}, {result.prior.title}"
        case TippingPoint():
            first, last = result.deltas[0], result.deltas[-1]
            return f"Tipping point, deltas of {first:g} to {last:g} points"
        case Estimands():
            return f"{len(result.named)} estimands and {len(result.analysed)} analyses"
        case Missingness():
            return f"Bias of analyses in {len(result.variants)} studies"
        case BoundsResult():
            sides = "two-sided" if result.sides == 2 else "one-sided"
            return f"Bounds of {len(result.looks)} analyses, level {result.alpha:g} {sides}"
        case TypeOneError():
            error = result.error
            return (
                f"Type I error {error.estimate:.4f} (95% Monte Carlo interval {error.low:.4f} to "
                f"{error.high:.4f}), level {result.alpha:g}"
            )
        case Board():
            verdict = "rejects" if result.rejects else "does not reject"
            return (
                f"The trial {verdict} the null hypothesis, at {result.looks[-1].name}: estimate "
                f"{result.estimate:.4f} ({result.low:.4f} to {result.high:.4f})"
            )
        case PowerCurve():
            return f"Power along {result.path}"
        case Analysis():
            low, high = result.ci
            return f"{result.primary.quantity} {result.estimate:.4f} ({low:.4f} to {high:.4f})"
        case _:
            return f"{result.scenario.title}: the patients of one trial"


def _origin(result: Any) -> str:
    match result:
        case SimulatedTrial():
            scenario = result.scenario
            return caption_of_one(scenario.name, scenario.digest, result.seed, result.replicate)
        case Analysis():
            return caption_of_analysis(result)
        case TypeOneError():
            return caption_of(result.result)
        case Board():
            return caption_of_one(result.scenario, result.digest, result.seed, result.replicate)
        case BoundsResult():
            return caption_of_bounds(result)
        case PowerCurve():
            study, tried = result.scenario, result.candidates()
            most = max((candidate.replicates for candidate in tried), default=0)
            return caption(study.name, study.digest, result.seed, most)
        case _:
            return caption_of(result)
