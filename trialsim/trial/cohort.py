"""Who presents to be screened, when and where, what is found, and which rules each one fails.

Arrays have the shape (replicate, candidate); candidates are numbered in order of arrival, and a
candidate's number is the address of all that chance decides about that person.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from trialsim.arrays import Booleans, Floats, Integers, layered, picked
from trialsim.clock import DAY, HOUR, MONTH, whole_minutes
from trialsim.distributions import Gamma
from trialsim.scenario.eligibility import Eligibility
from trialsim.scenario.operations import Operations
from trialsim.scenario.population import Population
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams


@dataclass(frozen=True, slots=True)
class Cohort:
    """The candidates of a batch of replicates, as far as they were drawn."""

    site: Integers
    arrival: Integers
    """Minute at which the candidate presents and screening begins."""
    onset: Integers
    """Minute of the stroke; before the trial's first minute it is negative."""
    screened: Integers
    """Minute at which screening ends."""
    covariates: Mapping[str, Floats]
    normal_scores: Mapping[str, Floats]
    """Standard normal scores of the covariates that outcomes start from."""
    fails: Booleans
    """Whether the candidate fails each eligibility rule, shape (replicate, candidate, rule)."""

    @property
    def failed(self) -> Integers:
        """The rules that the candidate fails as one number: bit i for rule i."""
        bits: Integers = (self.fails * (1 << np.arange(self.fails.shape[2]))).sum(axis=2)
        return bits

    @property
    def eligible(self) -> Booleans:
        """Who fails no rule."""
        return np.logical_not(self.fails.any(axis=2))


def enrol(scenario: Scenario, streams: Streams, candidates: int) -> Cohort:
    """Draw the first candidates of each replicate and judge them."""
    operations = scenario.operations
    rates = site_rates(operations, streams)
    arrival, site = _arrivals(operations, rates, streams, candidates)
    baselines = {outcome.baseline for outcome in scenario.outcomes.values()}
    covariates, normal_scores = _covariates(scenario.population, baselines, streams, candidates)
    onset = arrival - whole_minutes(covariates[operations.onset_to_arrival_hours] * HOUR)
    screening = operations.screening_hours.at(streams.uniform("screening", candidates))
    screened = arrival + np.maximum(whole_minutes(screening * HOUR), 0)
    fails = _fails(scenario.eligibility, scenario.population, covariates)
    return Cohort(site, arrival, onset, screened, covariates, normal_scores, fails)


def site_rates(operations: Operations, streams: Streams) -> Floats:
    """Return the candidates a minute that each site sees once active, shape (replicate, site)."""
    variation = operations.site_rate_coefficient_of_variation
    mean = operations.candidates_per_site_per_month / MONTH
    u = streams.uniform("site rate", len(operations.sites))
    if variation == 0:
        return np.full(u.shape, mean)
    gamma = Gamma(distribution="gamma", mean=mean, coefficient_of_variation=variation)
    return np.maximum(gamma.at(u), mean * 1e-9)


def _arrivals(
    operations: Operations, rates: Floats, streams: Streams, candidates: int
) -> tuple[Integers, Integers]:
    """Return when and at which site each candidate arrives.

    The sites' Poisson processes are superposed: candidate n arrives when the hazard accumulated
    over active sites reaches the sum of n unit exponentials, at a site drawn in proportion to the
    rates of those active then. The hazard is linear in time between the opening of one site, where
    it has reached a known value, and the next.
    """
    activation = np.array([site.activation_day * DAY for site in operations.sites.values()])
    order = np.argsort(activation, kind="stable")
    opened, running = activation[order], np.cumsum(rates[:, order], axis=1)
    gained = running[:, :-1] * np.diff(opened)
    reached = np.cumsum(np.pad(gained, ((0, 0), (1, 0))), axis=1)
    hazard = np.cumsum(-np.log(streams.uniform("arrival", candidates)), axis=1)
    piece = np.empty(hazard.shape, np.int64)
    for row in range(len(piece)):
        piece[row] = np.searchsorted(reached[row], hazard[row], side="left")
    piece -= 1
    rate = picked(running, piece)
    time = opened[piece] + (hazard - picked(reached, piece)) / rate
    mark = streams.uniform("site", candidates) * rate
    place = np.zeros(piece.shape, np.int64)
    for boundary in range(len(order) - 1):
        place += mark > running[:, boundary, None]
    site = order[np.minimum(place, piece)]
    return np.ceil(time).astype(np.int64), site


def _covariates(
    population: Population, baselines: set[str], streams: Streams, candidates: int
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return the covariates' values, and the normal scores of those that outcomes start from."""
    independent: list[Floats] = []
    values: dict[str, Floats] = {}
    scores: dict[str, Floats] = {}
    for name, covariate in population.covariates.items():
        u = streams.uniform(f"covariate {name}", candidates)
        if name in population.correlated:
            independent.append(ndtri(u))
            score = _combined(population.cholesky[len(independent) - 1], independent)
            values[name] = covariate.at_score(score)
        else:
            values[name] = covariate.at(u)
            score = ndtri(u) if name in baselines else u
        if name in baselines:
            scores[name] = score
    return values, scores


def _combined(weights: Floats, independent: list[Floats]) -> Floats:
    """Return one correlated normal score; the order of the sum is fixed, to be exact anywhere."""
    total: Floats = weights[0] * independent[0]
    for weight, score in zip(weights[1:], independent[1:], strict=False):
        if weight:
            total += weight * score
    return total


def _fails(
    eligibility: Eligibility, population: Population, covariates: Mapping[str, Floats]
) -> Booleans:
    some = next(iter(covariates.values()))
    fails = layered((*some.shape, len(eligibility.rules)), np.bool_)
    for place, failed in enumerate(eligibility.failed(population.covariates, covariates).values()):
        fails[:, :, place] = failed
    return fails
