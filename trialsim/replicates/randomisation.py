"""How balanced and how predictable the randomisation of each replicate is.

It is kept of studies without looks that name their procedure, or stratify by covariates.
"""

from typing import Final

import numpy as np

from trialsim.arrays import Floats
from trialsim.clock import NEVER
from trialsim.scenario.programme import Programme, Study
from trialsim.stats.allocation_balance import chronological_bias, guessed_right, imbalance
from trialsim.trial.allocation.strata import classes_of, factors_of, strata_count, stratum_of
from trialsim.trial.trial import Trial

IMBALANCE: Final = "imbalance"
IN_FACTOR: Final = "imbalance_in_"
GUESSED: Final = "guessed_right"
CHRONOLOGICAL: Final = "chronological_bias"


def names_of_randomisation(study: Study) -> tuple[str, ...]:
    """Return the names of what is kept of the randomisation of each replicate.

    >>> import trialsim as ts
    >>> names_of_randomisation(ts.load("cars1").replace({"design.randomisation": "urn"}))
    ('imbalance', 'imbalance_in_site', 'guessed_right', 'chronological_bias')
    """
    if isinstance(study, Programme) or study.monitoring is not None:
        return ()
    if not study.design.names_randomisation:
        return ()
    in_factors = (f"{IN_FACTOR}{name}" for name in study.design.factors)
    return (IMBALANCE, *in_factors, GUESSED, CHRONOLOGICAL)


def randomisation_numbers(trial: Trial) -> dict[str, Floats]:
    """Return how balanced and how predictable the randomisation of each replicate was.

    The arms that are compared are balanced or not; in a factor it is the class that is most
    imbalanced. See `trialsim.stats.allocation_balance`.
    """
    scenario = trial.scenario
    if not names_of_randomisation(scenario):
        return {}
    design, plan, candidates = scenario.design, scenario.analysis, trial.candidate
    names, there = list(design.arms), trial.conduct.randomised < NEVER
    pair = names.index(plan.treated), names.index(plan.control)
    treated, control = ((trial.arms == arm) & there for arm in pair)
    ratio = design.ratios[pair[0]], design.ratios[pair[1]]
    found = {IMBALANCE: imbalance(treated.sum(axis=1), control.sum(axis=1), ratio)}
    places = classes_of(scenario, trial.cohort, candidates)
    for name, classes in factors_of(scenario):
        each = [
            imbalance((treated & own).sum(axis=1), (control & own).sum(axis=1), ratio)
            for own in (places[name] == one for one in range(len(classes)))
        ]
        found[f"{IN_FACTOR}{name}"] = np.max(each, axis=0)
    stratum = stratum_of(scenario, trial.cohort, candidates)
    arms = np.where(there, trial.arms, -1)
    found[GUESSED] = guessed_right(arms, stratum, strata_count(scenario), design.ratios)
    found[CHRONOLOGICAL] = chronological_bias(treated, control)
    return found
