"""The true effect in the two populations, from what every replicate contributes.

Most effects are a ratio of two means over replicates. An odds ratio is none: it is that of the
proportional odds model fitted to the complete trials of all replicates pooled; given covariates,
its logarithm is a ratio of two means, one step from a fit nearby. Nor is the effect of a programme:
it pools the true effects of its trials by their mean variances. So the bias that an estimator has
in trials of the planned size is no part of the truth. A hazard ratio is the exception: where
hazards are not proportional no simple one is true, and its logarithm is averaged over trials.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import cells_of
from trialsim.analysis.pooled import TrialEffect, pooled_truth
from trialsim.arrays import Floats
from trialsim.scenario.plan.methods.proportional_odds import ProportionalOdds
from trialsim.scenario.plan.methods.time_to_event.log_rank import LogRank
from trialsim.scenario.programme import Programme, Study
from trialsim.scenario.scenario import Scenario
from trialsim.stats.means_and_proportions.proportional_odds import odds_ratio_of_all
from trialsim.stats.monte_carlo import RatioOfMeans, ratio_of_means
from trialsim.stats.populations import with_influence

PREFIX: Final = "truth."
_ARMS: Final = ("treated", "control")
_OF_TRIAL: Final = ("effect", "variance")


def names_of_truth(study: Study) -> tuple[str, ...]:
    """Return the names of what is kept of each replicate for the truth beside its two parts.

    >>> import trialsim as ts
    >>> names_of_truth(ts.load("cars1"))
    ()
    """
    if isinstance(study, Programme):
        return tuple(_name(trial, what) for trial in study.trials for what in _OF_TRIAL)
    if not _is_fitted_to_all(study):
        return ()
    cells = range(cells_of(study.outcomes[study.analysis.endpoint], study.analysis))
    return tuple(_name(arm, str(cell)) for arm in _ARMS for cell in cells)


def cells_for_truth(complete: Data) -> dict[str, Floats]:
    """Return the patients of complete trials by arm and cell, where the truth is fitted to them."""
    if not _is_fitted_to_all(complete.trial.scenario):
        return {}
    counts = complete.counts[:, 0].astype(np.float64)
    return {
        _name(arm, str(cell)): counts[:, place, cell]
        for place, arm in enumerate(_ARMS)
        for cell in range(counts.shape[-1])
    }


def effect_for_truth(trial: str, complete: TrialEffect) -> dict[str, Floats]:
    """Return what a trial of a programme contributes to the truth."""
    return {_name(trial, what): of for what, of in zip(_OF_TRIAL, complete, strict=True)}


def true_effect(study: Study, columns: Mapping[str, Floats]) -> RatioOfMeans:
    """Return the true effect, and by how much each replicate moves it."""
    if isinstance(study, Programme):
        return _of_programme(study, columns)
    if not _is_fitted_to_all(study):
        found = ratio_of_means(columns["truth_over"], columns["truth_under"])
        return _exponential(found) if _is_a_logarithm(study) else found
    names = names_of_truth(study)
    treated, control = (
        np.stack([columns[name] for name in names], axis=-1)
        .reshape(len(columns["estimate"]), 2, -1)
        .swapaxes(0, 1)
    )
    ratio, influence = odds_ratio_of_all(treated, control)
    return with_influence(ratio, ratio * influence)


def _of_programme(programme: Programme, columns: Mapping[str, Floats]) -> RatioOfMeans:
    effects, variances = (
        np.stack([columns[_name(trial, what)] for trial in programme.trials], axis=-1)
        for what in _OF_TRIAL
    )
    return with_influence(*pooled_truth(effects, variances, programme.analysis))


def _is_fitted_to_all(scenario: Scenario) -> bool:
    """Return whether the plan's model has cells alone; with covariates each patient is a row."""
    test = scenario.analysis.test
    return isinstance(test, ProportionalOdds) and not test.covariates


def _is_a_logarithm(scenario: Scenario) -> bool:
    """Return whether the parts of the truth are those of the logarithm of a ratio."""
    test = scenario.analysis.test
    adjusted = isinstance(test, ProportionalOdds) and not _is_fitted_to_all(scenario)
    return adjusted or isinstance(test, LogRank)


def _exponential(logarithm: RatioOfMeans) -> RatioOfMeans:
    ratio = np.exp(logarithm.mean.estimate)
    return with_influence(ratio, ratio * logarithm.influence)


def _name(of: str, what: str) -> str:
    return f"{PREFIX}{of}.{what}"
