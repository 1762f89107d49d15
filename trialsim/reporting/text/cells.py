"""The endpoint's distribution in each arm, its floor and ceiling, and the power from it."""

from typing import Any, Final

from trialsim.questions.count_power import CountPower
from trialsim.reporting.text.words import heading
from trialsim.stats.planning.ceiling import CeilingCost, ceiling_cost
from trialsim.stats.planning.scale_effects import ScaleEffects, scale_effects

_ENDS: Final = {
    "ranked below all, as the dead": 0,
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


def cells_dict(result: CountPower, alpha: float, sides: int) -> dict[str, Any]:
    """Return the cells, the effects and the power as plain values, for JSON."""
    effects, cost = ends_of(result, alpha, sides)
    return {
        **result.to_dict(),
        "effects": {name: float(value) for name, value in effects._asdict().items()},
        "ceiling": {
            **{name: float(value) for name, value in cost._asdict().items()},
            "power_lost": float(cost.power_lost),
            "hides": bool(cost.hides()),
        },
    }


def cells_text(title: str, result: CountPower, alpha: float, sides: int) -> str:
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
        f"{'mean difference, cells':34} {effects.mean_difference:10.4f}",
        f"{'':34} {'treated':>10} {'control':>10}",
        *(
            f"{label:34} {cells.treated[place]:10.4f} {cells.control[place]:10.4f}"
            for label, place in _ENDS.items()
        ),
        "",
        f"{'power by counts':34} {result.power:10.4f}   MCSE {result.mcse:.4f}, of counts 95% "
        f"{result.rejections.low:.4f} to {result.rejections.high:.4f}",
        f"{'power by Noether':34} {result.noether:10.4f}",
        f"{'power by Zhao, Rahardja and Qu':34} {result.zhao:10.4f}",
        f"{'power by Happ, Bathke and Brunner':34} {result.happ:10.4f}",
        "",
        f"On a scale without floor, ceiling or ties this shift would have power "
        f"{cost.unbounded_power:.4f}; here it has {cost.shift_power:.4f}.",
    ]
    if cost.hides():
        lines.append(
            f"Taking as fixed its effect on an unbounded scale, {cost.unbounded_theta:.4f}, would "
            f"overstate power as {cost.theta_power:.4f}: a fixed effect ignores what floor and "
            "ceiling cost."
        )
    return "\n".join(lines)
