"""Who presents to be screened, when and where, what is found, and which rules each one fails.

Arrays have the shape (replicate, candidate); candidates are numbered in order of arrival, and a
candidate's number is the address of all that chance decides about that person.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from trialsim.arrays import Booleans, Floats, Integers
from trialsim.clock import DAY, HOUR, MONTH, whole_minutes
from trialsim.distributions import Gamma
from trialsim.scenario.eligibility import Eligibility
from trialsim.scenario.operations import Operations
from trialsim.scenario.population import Population
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams

_SMALLEST, _LARGEST = 2.0**-53, 1 - 2.0**-53


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
    failed: Integers
    """The eligibility rules that the candidate fails: bit i for rule i, in the rules' order."""

    @property
    def eligible(self) -> Booleans:
        """Who fails no rule."""
        return np.equal(self.failed, 0)


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
    failed = _failed(scenario.eligibility, scenario.population, covariates)
    return Cohort(site, arrival, onset, screened, covariates, normal_scores, failed)


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
    rates of those active then. The accumulated hazard is convex and piecewise linear in time, so
    its inverse is the least of the inverses of its pieces.
    """
    activation = np.array([site.activation_day * DAY for site in operations.sites.values()])
    hazard = np.cumsum(-np.log(streams.uniform("arrival", candidates)), axis=1)
    order = np.argsort(activation, kind="stable")
    running = np.cumsum(rates[:, order], axis=1)
    opened = activation[order]
    reached = np.zeros(len(rates))
    time = np.full(hazard.shape, np.inf)
    for piece in range(len(order)):
        if piece:
            reached = reached + running[:, piece - 1] * (opened[piece] - opened[piece - 1])
        line = (hazard - reached[:, None]) / running[:, piece, None]
        line += opened[piece]
        np.minimum(time, line, out=time)
    arrival = np.ceil(time).astype(np.int64)
    return arrival, _sites(time, opened, order, running, streams)


def _sites(
    time: Floats, opened: Floats, order: Integers, running: Floats, streams: Streams
) -> Integers:
    """Return the site of each arrival, in proportion to the rates of the sites then active."""
    active = np.zeros(time.shape, np.int64)
    for minute in opened[1:]:
        active += time > minute
    total = np.take_along_axis(running, active, axis=1)
    mark = streams.uniform("site", time.shape[1]) * total
    place = np.zeros(time.shape, np.int64)
    for piece in range(len(order) - 1):
        place += mark > running[:, piece, None]
    return order[np.minimum(place, active)]


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
            u = ndtr(score).clip(_SMALLEST, _LARGEST)
        elif name in baselines:
            score = ndtri(u)
        if name in baselines:
            scores[name] = score
        values[name] = covariate.at(u)
    return values, scores


def _combined(weights: Floats, independent: list[Floats]) -> Floats:
    """Return one correlated normal score; the order of the sum is fixed, to be exact anywhere."""
    total: Floats = weights[0] * independent[0]
    for weight, score in zip(weights[1:], independent[1:], strict=False):
        if weight:
            total += weight * score
    return total


def _failed(
    eligibility: Eligibility, population: Population, covariates: Mapping[str, Floats]
) -> Integers:
    some = next(iter(covariates.values()))
    failed = np.zeros(some.shape, np.int64)
    for bit, fails in enumerate(eligibility.failed(population.covariates, covariates).values()):
        failed |= fails.astype(np.int64) << bit
    return failed
