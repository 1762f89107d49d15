"""The endpoint's distribution in each arm, its floor and ceiling, and the power from it."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from trialsim.questions.count_power import CountPower
from trialsim.reporting.text.words import error_text, heading
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.stats.planning.ceiling import CeilingCost, ceiling_cost
from trialsim.stats.planning.scale_effects import ScaleEffects, scale_effects

_NO_EFFECT: Final = 0.5
_SURE: Final = 3.0
"""Monte Carlo errors below no effect at which cells are taken for those of a harm."""
HARMFUL: Final = (
    "the effect of these cells favours the control; power counts only rejections in favour of the "
    "treated"
)
_NONE: Final = 1e-12
"""A share that is none but for rounding."""
_MOST_GRADES: Final = 12
"""Of a scale that is short enough for a row each."""
_ENDS: Final = {
    "died or ranked worst": 0,
    "worst score (floor)": 1,
    "best score (ceiling)": -1,
}
"""Where each stands among the cells."""


def ends_of(result: CountPower, alpha: float, sides: int) -> tuple[ScaleEffects, CeilingCost]:
    """Return the effect in every unit, and what floor and ceiling take from its latent shift."""
    effects = scale_effects(result.cells.treated, result.cells.control)
    treated, control = result.patients
    share = treated / (treated + control)
    cost = ceiling_cost(
        result.cells.control, effects.latent_shift, treated + control, alpha, sides, share
    )
    return effects, cost


class ShiftRow(NamedTuple):
    """One grade of an ordinal scale in both arms, and the cut between it and what is worse."""

    grade: str
    treated: float
    control: float
    treated_or_better: float
    """The proportion with this grade or a better one."""
    control_or_better: float
    odds_ratio: float | None
    """Of this grade or a better one; None where all or none of an arm reach it."""


def shift_table(result: CountPower, outcome: Outcome, plan: AnalysisPlan) -> list[ShiftRow]:
    """Return the grades of a short ordinal scale, best first, those ranked below all last.

    Where the endpoint is no score, or has more than twelve grades, there is no table.
    """
    steps = outcome.grid.steps
    if plan.measure != "score" or steps >= _MOST_GRADES:
        return []
    scores = outcome.grid.score_of(np.arange(steps + 1.0))[:: -outcome.sign]
    grades = [*(f"{score:g}" for score in scores), "died or ranked worst"]
    treated, control = result.cells.treated[::-1], result.cells.control[::-1]
    cumulated = np.cumsum(treated).tolist(), np.cumsum(control).tolist()
    shares = zip(grades, treated.tolist(), control.tolist(), *cumulated, strict=True)
    return [
        ShiftRow(grade, of_treated, of_control, one, other, _odds_ratio(one, other))
        for grade, of_treated, of_control, one, other in shares
    ]


def _odds_ratio(treated: float, control: float) -> float | None:
    if not all(_NONE < share < 1 - _NONE for share in (treated, control)):
        return None
    return float(treated / (1 - treated) / (control / (1 - control)))


def _shift_lines(rows: Sequence[ShiftRow]) -> list[str]:
    if not rows:
        return []
    heads = ("treated", "control", "treated <=", "control <=", "odds ratio")
    return [
        "",
        f"{'shift table; <=: or better':34} {' '.join(f'{head:>10}' for head in heads)}",
        *(
            f"{row.grade:34} "
            + " ".join(f"{number:10.4f}" for number in row[1:] if number is not None)
            for row in rows
            if row.treated + row.control > 0
        ),
    ]


def cells_dict(
    result: CountPower, alpha: float, sides: int, shifts: Sequence[ShiftRow] = ()
) -> dict[str, Any]:
    """Return the cells, the effects and the power as plain values, for JSON."""
    effects, cost = ends_of(result, alpha, sides)
    return {
        **result.to_dict(),
        "shift_table": [row._asdict() for row in shifts],
        "effects": {name: float(value) for name, value in effects._asdict().items()},
        "ceiling": {
            **{name: float(value) for name, value in cost._asdict().items()},
            "power_lost": float(cost.power_lost),
            "hides": bool(cost.hides()),
        },
    }


def cells_text(
    title: str, result: CountPower, alpha: float, sides: int, shifts: Sequence[ShiftRow] = ()
) -> str:
    """Return the effect on every scale, its power, and what floor and ceiling cost."""
    effects, cost = ends_of(result, alpha, sides)
    cells = result.cells
    treated, control = result.patients
    lines = [
        heading(
            title,
            f"cells of {cells.replicates:,} simulated trials; power from {result.replicates:,} "
            f"pairs of multinomials, {treated} v {control} analysed; seed {result.seed}, scenario "
            f"{result.scenario} ({result.digest})",
        ),
        f"{'Mann-Whitney effect':34} {cells.effect:10.4f}   MCSE {cells.effect_mcse:.4f}",
        f"{'latent shift, SD':34} {effects.latent_shift:10.4f}",
        f"{'common odds ratio':34} {effects.odds_ratio:10.4f}",
        f"{'mean difference, scale steps':34} {effects.mean_difference:10.4f}",
        f"{'':34} {'treated':>10} {'control':>10}",
        *(
            f"{label:34} {cells.treated[place]:10.4f} {cells.control[place]:10.4f}"
            for label, place in _ENDS.items()
        ),
        *_shift_lines(shifts),
        "",
        f"{'power (simulated counts)':34} {result.power:10.4f}   MCSE {error_text(result.mcse)}, "
        f"of counts 95% {result.rejections.low:.4f} to {result.rejections.high:.4f}",
        f"{'power (Noether)':34} {result.noether:10.4f}",
        f"{'power (Zhao, Rahardja and Qu)':34} {result.zhao:10.4f}",
        f"{'power (Happ, Bathke and Brunner)':34} {result.happ:10.4f}",
        "",
        f"On a scale without floor, ceiling or ties this shift would have power "
        f"{cost.unbounded_power:.4f}; here it has {cost.shift_power:.4f}.",
    ]
    if cells.effect + _SURE * cells.effect_mcse < _NO_EFFECT:
        lines.append(f"WARNING: {HARMFUL}")
    if cost.hides():
        lines.append(
            f"Taking as fixed its effect on an unbounded scale, {cost.unbounded_theta:.4f}, would "
            f"overstate power as {cost.theta_power:.4f}: a fixed effect ignores what floor and "
            "ceiling cost."
        )
    return "\n".join(lines)
