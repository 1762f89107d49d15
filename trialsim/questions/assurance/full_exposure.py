"""A published estimate is of trials as conducted; the effect of a study is that at full exposure.

Between the two lie infusions missed, patients lost and scores carried forward. By how much they
shrink the distance of an effect from none is measured: trials of the study under an effect and
under none, on the same random numbers. An effect at full exposure is as much farther from none.
"""

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from trialsim.distributions import Normal
from trialsim.questions.assurance.prior import Evidence, Prior
from trialsim.runs.runner import Runner
from trialsim.scenario.outcomes.outcome import NO_EFFECT
from trialsim.scenario.programme import Programme, Study, effect_paths
from trialsim.stats.monte_carlo import mean_over_replicates
from trialsim.streams import derived_seed

_TRIALS: Final = 512
_PURPOSE: Final = "full exposure"
_SEEN: Final = 5.0
"""Monte Carlo errors by which a factor must differ from nothing to be divided by."""
_RANKS: Final = ("Mann-Whitney effect", "win odds", "win ratio", "net benefit")
_ON_SCALE: Final = {"theta": "Mann-Whitney effect", "mean_difference": "mean difference"}
"""What an analysis must estimate for its estimates to stand on the scale of a prior."""
_ENDS: Final = {"theta": (0.001, 0.999)}


class Attenuation(NamedTuple):
    """The distance of a trial's mean estimate from no effect, in that of the effect."""

    factor: float
    mcse: float


def is_of_estimates(prior: Prior) -> bool:
    """Return whether a prior holds published estimates."""
    return any(isinstance(part.effect, Evidence) for part in prior.parts.values())


def attenuation_of(runner: Runner, study: Study, prior: Prior) -> Attenuation | None:
    """Return how much a study as conducted shrinks effects like those of a prior.

    None where its analysis does not estimate on the scale of the prior, or shows no effect.
    """
    if study.analysis.quantity.name in _RANKS and not isinstance(study, Programme):
        study = study.replace({"analysis.effect": "mann_whitney"})
    if study.analysis.quantity.name != _ON_SCALE.get(prior.anchor):
        return None
    none, apart = NO_EFFECT[prior.anchor], _typical(prior)
    own = replace(runner, seed=derived_seed(runner.seed, _PURPOSE), directory=None, progress=None)
    studies = [
        study.replace(
            {
                **{f"{path}.anchor": prior.anchor for path in effect_paths(study)},
                **{f"{path}.value": effect for path in effect_paths(study)},
            }
        )
        for effect in (apart, none)
    ]
    with_effect, without = (own.run(one, range(_TRIALS)).columns["estimate"] for one in studies)
    shift = mean_over_replicates((with_effect - without) / (apart - none))
    if not shift.estimate > _SEEN * shift.mcse:
        return None
    return Attenuation(float(shift.estimate), float(shift.mcse))


def at_full_exposure(prior: Prior, factor: float) -> Prior:
    """Return a prior whose published estimates are the effects at full exposure that give them."""
    none = NO_EFFECT[prior.anchor]
    least, most = _ENDS.get(prior.anchor, (-np.inf, np.inf))

    def farther(end: float | None) -> float | None:
        return None if end is None else float(np.clip(none + (end - none) / factor, least, most))

    parts = {}
    for name, part in prior.parts.items():
        if isinstance(part.effect, Evidence):
            found = part.effect.normal
            effect = Normal(
                distribution="normal",
                mean=none + (found.mean - none) / factor,
                sd=found.sd / factor,
                low=farther(found.low),
                high=farther(found.high),
            )
            part = part.model_copy(update={"effect": effect})
        parts[name] = part
    return prior.model_copy(update={"parts": parts})


def _typical(prior: Prior) -> float:
    """Return an effect like those of the evidence, far enough from none to be seen."""
    none = NO_EFFECT[prior.anchor]
    found = next(
        part.effect.normal for part in prior.parts.values() if isinstance(part.effect, Evidence)
    )
    apart = found.mean if abs(found.mean - none) > found.sd else none + 2 * found.sd
    return float(np.clip(apart, *_ENDS.get(prior.anchor, (-np.inf, np.inf))))
