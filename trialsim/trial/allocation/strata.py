"""By what patients are stratified: each candidate's class of each factor, and stratum."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np

from trialsim.arrays import Integers, RowIndex, take_rows
from trialsim.scenario.protocol.randomisation import SITE
from trialsim.scenario.scenario import Scenario
from trialsim.trial.cohort import Cohort


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of patients within which a procedure counts arms."""

    count: int
    of: Callable[[Integers], Integers]
    """Gives the groups of candidates by number, (replicate, patient) to (replicate, patient,
    group)."""
    candidates: int
    """How many candidates each replicate has."""

    def of_everybody(self, replicates: int) -> Integers:
        """Return the groups of all candidates, shape (replicate, candidate, group)."""
        everybody = np.broadcast_to(np.arange(self.candidates), (replicates, self.candidates))
        return self.of(everybody)


class Factor(NamedTuple):
    """A factor by which patients are stratified."""

    name: str
    classes: tuple[str, ...]


def factors_of(scenario: Scenario) -> tuple[Factor, ...]:
    """Return the factors of a study's design with their classes.

    >>> import trialsim as ts
    >>> [(one.name, len(one.classes)) for one in factors_of(ts.load("stroke_nihss"))]
    [('site', 4)]
    """
    strata, covariates = scenario.design.strata, scenario.population.covariates
    classes = {name: factor.classes(covariates) for name, factor in strata.items()}
    classes[SITE] = tuple(scenario.operations.sites)
    return tuple(Factor(name, classes[name]) for name in scenario.design.factors)


def classes_of(scenario: Scenario, cohort: Cohort, candidates: Integers) -> dict[str, Integers]:
    """Return the class of candidates by number in each factor, shape (replicate, patient) each."""
    known = cohort.covariates.at(RowIndex(candidates))
    found = {
        name: factor.class_of(known[factor.covariate])
        for name, factor in scenario.design.strata.items()
    }
    found[SITE] = take_rows(cohort.site, candidates)
    return {name: found[name] for name in scenario.design.factors}


def stratum_of(scenario: Scenario, cohort: Cohort, candidates: Integers) -> Integers:
    """Return the stratum of candidates by number: each combination of classes is one."""
    stratum = np.zeros_like(candidates)
    places = classes_of(scenario, cohort, candidates)
    for name, classes in factors_of(scenario):
        stratum = stratum * len(classes) + places[name]
    return stratum


def strata_count(scenario: Scenario) -> int:
    """Return how many strata there are."""
    return prod(len(one.classes) for one in factors_of(scenario))


def strata(scenario: Scenario, cohort: Cohort) -> Groups:
    """Return each candidate's stratum as the one group that counts."""

    def of(candidates: Integers) -> Integers:
        return stratum_of(scenario, cohort, candidates)[..., None]

    return Groups(strata_count(scenario), of, cohort.site.shape[1])


def margins(scenario: Scenario, cohort: Cohort) -> Groups:
    """Return each candidate's class of each factor as the groups that count."""
    widths = [len(one.classes) for one in factors_of(scenario)]
    starts = np.cumsum([0, *widths[:-1]])

    def of(candidates: Integers) -> Integers:
        places = classes_of(scenario, cohort, candidates)
        groups: Integers = np.stack(list(places.values()), axis=-1) + starts
        return groups

    return Groups(sum(widths), of, cohort.site.shape[1])
