"""Who presents to be screened, when and where, what is found, and which rules each one fails.

Arrays have the shape (replicate, candidate); candidates are numbered in order of arrival, and a
candidate's number is the address of all that chance decides about that person.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Booleans, Floats, Integers, RowIndex, take_rows, zeros_by_layer
from trialsim.clock import DAY, FARTHEST, HOUR, MONTH, whole_minutes
from trialsim.distributions import Gamma
from trialsim.scenario.outcomes.latent_scores import LatentScores
from trialsim.scenario.patients.eligibility import Eligibility, Rule
from trialsim.scenario.patients.margins import ByLevel, OnCourse
from trialsim.scenario.patients.population import Population, share_below
from trialsim.scenario.protocol.operations import Operations
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
    covariates: "CandidateCovariates"
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
    covariates = CandidateCovariates(scenario, streams, candidates)
    onset = arrival - whole_minutes(covariates[operations.onset_to_arrival_hours] * HOUR)
    screening = operations.screening_hours.at(streams.uniform("screening", candidates))
    screened = arrival + np.maximum(whole_minutes(screening * HOUR), 0)
    fails = _fails(scenario.eligibility, scenario.population, covariates, arrival.shape)
    return Cohort(site, arrival, onset, screened, covariates, fails)


def meets(rule: Rule, scenario: Scenario, cohort: Cohort, places: RowIndex) -> Booleans:
    """Return which of the candidates at some places meet a condition, in the places' shape."""
    values = {name: places.of(cohort.covariates[name]) for name in rule.asked}
    return rule.holds(scenario.population.covariates, values)


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
    piece = np.zeros(hazard.shape, np.int16)
    for opening in range(1, len(order)):
        piece += hazard > reached[:, opening, None]
    rate = take_rows(running, piece)
    time = opened[piece] + (hazard - take_rows(reached, piece)) / rate
    mark = streams.uniform("site", candidates) * rate
    place = np.zeros(piece.shape, np.int16)
    for boundary in range(len(order) - 1):
        place += mark > running[:, boundary, None]
    site = order[np.minimum(place, piece)]
    return np.ceil(np.minimum(time, FARTHEST)).astype(np.int64), site


class CandidateCovariates(Mapping[str, Floats]):
    """The candidates' covariates by name, each drawn when it is first looked at.

    Numbers have addresses, so what is never looked at need not be drawn. Correlated covariates
    share independent normal scores through the Cholesky factor of their correlation.
    """

    def __init__(self, scenario: Scenario, streams: Streams, candidates: int) -> None:
        """Take who is drawn, from which numbers, and how many of them."""
        self._scenario = scenario
        self._population = scenario.population
        self._streams = streams
        self._candidates = candidates
        self._kept: Booleans | slice = slice(None)
        self._drawn: dict[str, Floats] = {}
        self._independent: dict[str, Floats] = {}

    def __getitem__(self, name: str) -> Floats:
        """Return a covariate's values, shape (replicate, candidate)."""
        if name not in self._drawn:
            self._drawn[name] = self._values(name)
        return self._drawn[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names in the order of the population."""
        return iter(self._population.covariates)

    def __len__(self) -> int:
        """Return how many covariates there are."""
        return len(self._population.covariates)

    def of_replicates(self, kept: Booleans) -> "CandidateCovariates":
        """Return the covariates of some of the replicates."""
        some = CandidateCovariates(self._scenario, self._streams, self._candidates)
        some._kept = kept
        return some

    def normal_score(self, name: str) -> Floats:
        """Return the standard normal scores of a covariate, shape (replicate, candidate)."""
        correlated = self._population.correlated
        if name not in correlated:
            return self._own_score(name)
        place = correlated.index(name)
        weights = self._population.cholesky[place]
        # In a fixed order, term by term, so that the sum is the same to the bit in any batch.
        total: Floats = weights[place] * self._own_score(name)
        for other, weight in zip(correlated[:place], weights[:place], strict=True):
            if weight:
                total += weight * self._own_score(other)
        return total

    def _values(self, name: str) -> Floats:
        covariate, correlated = self._population.covariates[name], self._population.dependent
        match covariate.margin:
            case ByLevel(of=of) as margin:
                names = self._population.covariates[of].levels or ()
                u = share_below(self.normal_score(name)) if name in correlated else None
                return margin.at(self._uniform(name) if u is None else u, self[of], names)
            case OnCourse() as margin:
                return self._on_course(margin, self.normal_score(name))
        if name in correlated:
            return covariate.at_score(self.normal_score(name))
        return covariate.at(self._uniform(name))

    def _on_course(self, margin: OnCourse, luck: Floats) -> Floats:
        """Return the scores of an outcome before any drug, the luck of the measurement given."""
        outcome = self._scenario.outcomes[margin.outcome]
        known = {asked: self[asked] for asked in outcome.course.asked}
        nobody, days = np.zeros((1, 1)), np.full((1, 1), margin.days)
        fate = LatentScores(nobody, nobody, luck, known)
        return outcome.grid.score_of(outcome.course.cells(outcome.grid, days, fate, nobody))

    def _own_score(self, name: str) -> Floats:
        if name not in self._independent:
            self._independent[name] = scipy.special.ndtri(self._uniform(name))
        return self._independent[name]

    def _uniform(self, name: str) -> Floats:
        return self._streams.uniform(f"covariate {name}", self._candidates)[self._kept]


def _fails(
    eligibility: Eligibility,
    population: Population,
    covariates: Mapping[str, Floats],
    shape: tuple[int, int],
) -> Booleans:
    fails = zeros_by_layer((*shape, len(eligibility.rules)), np.bool_)
    for place, failed in enumerate(eligibility.failed(population.covariates, covariates).values()):
        fails[:, :, place] = failed
    return fails
