"""Who presents to be screened, when and where, what is found, and which rules each one fails.

Arrays have the shape (replicate, candidate). Candidates are numbered in the order in which they
would arrive if every site opened at once, and a candidate's number is the address of all that
chance decides about that person. So a site that opens later, or another pace of recruitment, moves
dates and leaves every person as he is, at his site.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, Pairs, RowIndex, Words, empty_by_layer
from trialsim.clock import DAY, FARTHEST, HOUR, MONTH, whole_minutes
from trialsim.distributions import Gamma
from trialsim.quantiles import Smooth, Steps, normal_scores, quantiles, waits
from trialsim.scenario.outcomes.latent_scores import Elapsed, LatentScores
from trialsim.scenario.patients.columns import FromTable
from trialsim.scenario.patients.eligibility import Rule
from trialsim.scenario.patients.margins import ByLevel, OnCourse
from trialsim.scenario.protocol.operations import Operations
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Runs, Streams, are_within


@dataclass(frozen=True, slots=True)
class Cohort:
    """The candidates of a batch of replicates, as far as they were drawn."""

    site: Integers
    arrival: Integers
    """Minute at which the candidate presents and screening begins."""
    onset: Integers
    """Minute of the stroke; before the trial's first minute it is negative."""
    covariates: "CandidateCovariates"
    screening: "Screening | DrawnScreening"
    complete_until: Integers
    """Minute before which everybody who arrives is among the candidates, shape (replicate,)."""

    @property
    def screened(self) -> Integers:
        """Minute at which screening ends."""
        return self.arrival + self.screening.minutes

    @property
    def fails(self) -> Booleans:
        """Whether the candidate fails each eligibility rule, shape (replicate, candidate, rule)."""
        return self.screening.fails

    @property
    def failed(self) -> Integers:
        """The rules that the candidate fails as one number: bit i for rule i."""
        bits: Integers = (self.fails * (1 << np.arange(self.fails.shape[2]))).sum(axis=2)
        return bits

    @property
    def eligible(self) -> Booleans:
        """Who fails no rule."""
        return np.logical_not(self.fails.any(axis=2))


@dataclass(frozen=True, slots=True)
class Screening:
    """What screening found of each candidate."""

    minutes: Integers
    """How long it took."""
    fails: Booleans
    """Whether the candidate fails each eligibility rule, shape (replicate, candidate, rule)."""


class DrawnScreening:
    """What screening finds, made when it is first looked at, and where it is looked at alone."""

    def __init__(
        self, scenario: Scenario, streams: Streams, covariates: "CandidateCovariates", drawn: int
    ) -> None:
        """Take the study, and so many candidates of each replicate with their covariates."""
        self._scenario, self._streams, self._covariates = scenario, streams, covariates
        self._shape = len(streams.replicates), drawn

    @cached_property
    def minutes(self) -> Integers:
        """How long it takes, shape (replicate, candidate)."""
        return self._lasts(self._streams.words(_SCREENING, self._shape[1]))

    def minutes_of(self, candidates: Pairs) -> Integers:
        """Return how long it takes with some candidates, shape (1, candidate)."""
        return self._lasts(self._streams.words_at(_SCREENING, candidates))

    def of_replicates(self, kept: Booleans) -> Screening:
        """Return what screening finds in some of the replicates."""
        return Screening(self.minutes[kept], self.fails[kept])

    def _lasts(self, words: Words) -> Integers:
        hours = quantiles(self._scenario.operations.screening_hours).at(words)
        return np.maximum(whole_minutes(hours * HOUR), 0)

    @cached_property
    def fails(self) -> Booleans:
        """Whether the candidate fails each eligibility rule, shape (replicate, candidate, rule)."""
        rules = screens(self._scenario)
        fails = empty_by_layer((*self._shape, len(rules)), np.bool_)
        for place, screen in enumerate(rules):
            if screen.runs is None:
                fails[:, :, place] = self._fails_by_value(screen, self._covariates)
            else:
                self._judge_words(screen, screen.runs, fails[:, :, place])
        return fails

    def eligible(self) -> Pairs:
        """Return those who fail no rule, each rule judged where none before it was failed.

        What is told by words comes first, as no value is made for it.
        """
        rules = screens(self._scenario)
        passing = np.ones(self._shape, np.bool_)
        for screen in rules:
            if screen.runs is not None:
                met = are_within(self._covariates.words(screen.rule.covariate), screen.runs)
                passing &= ~met if screen.excludes else met
        candidates = Pairs.where(passing)
        for screen in rules:
            if screen.runs is None:
                found = self._fails_by_value(screen, self._covariates.at(candidates))
                candidates = candidates.among(~found[0])
        return candidates

    def _fails_by_value(self, screen: "Screen", values: Mapping[str, Floats]) -> Booleans:
        met = screen.rule.holds(self._scenario.population.covariates, values)
        return met if screen.excludes else ~met

    def _judge_words(self, screen: "Screen", runs: Runs, fails: Booleans) -> None:
        """Write who fails a rule that the words in some runs meet, shape (replicate, candidate)."""
        compiled, covariate = self._streams.compiled, screen.rule.covariate
        if compiled is not None and not screen.by_row:
            address = self._streams.address(covariate_purpose(covariate))
            compiled.fails(address, runs, screen.excludes, fails)
            return
        met = are_within(self._covariates.words(covariate), runs)
        fails[...] = met if screen.excludes else ~met


_SCREENING: Final = "screening"
"""The purpose of the words that say how long screening takes."""


def enrol(scenario: Scenario, streams: Streams, candidates: int) -> Cohort:
    """Draw the first candidates of each replicate."""
    operations = scenario.operations
    arrival, site, complete_until = _arrivals(operations, streams, candidates)
    covariates = drawn_covariates(scenario, streams, candidates)
    onset = arrival - whole_minutes(covariates[operations.onset_to_arrival_hours] * HOUR)
    screening = DrawnScreening(scenario, streams, covariates, candidates)
    return Cohort(site, arrival, onset, covariates, screening, complete_until)


def meets(rule: Rule, scenario: Scenario, cohort: Cohort, places: RowIndex) -> Booleans:
    """Return which of the candidates at some places meet a condition, in the places' shape."""
    return rule.holds(scenario.population.covariates, cohort.covariates.at(places))


def site_rates(operations: Operations, streams: Streams) -> Floats:
    """Return the candidates a minute that each site sees once active, shape (replicate, site)."""
    variation = operations.site_rate_coefficient_of_variation
    mean = operations.candidates_per_site_per_month / MONTH
    words = streams.words("site rate", len(operations.sites))
    if variation == 0:
        return np.full(words.shape, mean)
    gamma = Gamma(distribution="gamma", mean=1, coefficient_of_variation=variation)
    return mean * np.maximum(quantiles(gamma).at(words), 1e-9)


def _arrivals(
    operations: Operations, streams: Streams, candidates: int
) -> tuple[Integers, Integers, Integers]:
    """Return when and at which site each candidate arrives, and until when no one is missing.

    The sites' Poisson processes, each counted from the site's own opening, are superposed: the nth
    candidate comes after the sum of n exponential waits at the pace of all sites together, to a
    site drawn in proportion to the sites' rates.
    """
    opened = np.array([site.activation_day * DAY for site in operations.sites.values()])
    running = np.cumsum(site_rates(operations, streams), axis=1)
    pace = running[:, -1:]
    wait = waits()
    if streams.compiled is not None:
        address, (_, at_site, *_) = streams.address("arrival"), streams.address("site")
        rates = wait.curve.by_piece, running, opened.astype(np.float64)
        return streams.compiled.arrivals(address, at_site, candidates, *rates, FARTHEST)
    after_opening = np.cumsum(wait.at(streams.words("arrival", candidates)), axis=1)
    after_opening /= pace
    marks = streams.uniform("site", candidates)
    marks *= pace
    site = _cell_of(marks, running[:, :-1])
    when = opened.astype(np.float64).take(site)
    when += after_opening
    np.ceil(np.minimum(when, FARTHEST, out=when), out=when)
    until = np.floor(np.minimum(after_opening[:, -1] + opened.min(), FARTHEST)).astype(np.int64)
    arrival = when.astype(np.int64)
    return arrival, site, until


_FEW_ENDS: Final = 24
"""Up to so many, it is faster to compare with each."""


def _cell_of(marks: Floats, ends: Floats) -> Integers:
    """Return how many of its row's rising ends each mark has reached, of many ends by halving.

    >>> _cell_of(np.array([[0.5, 1.0, 9.0]]), np.array([[1.0, 4.0]]))
    array([[0, 1, 2]])
    """
    rows, count = ends.shape
    if count <= _FEW_ENDS:
        reached = np.zeros(marks.shape, np.int8)
        for end in ends.T:
            reached += end[:, None] <= marks
        return reached.astype(np.int64)
    width = 1 << count.bit_length()
    padded = np.full((rows, width), np.inf)
    padded[:, :count] = ends
    row = np.arange(rows)[:, None] * width
    place = np.zeros(marks.shape, np.int64) + row
    step = width // 2
    while step:
        place += step * (padded.take(place + (step - 1)) <= marks)
        step //= 2
    places: Integers = place - row
    return places


class CandidateCovariates(Mapping[str, Floats]):
    """The covariates of candidates by name, each made when it is first looked at.

    Words have addresses, so what is never looked at need not be drawn. Correlated covariates share
    independent normal scores through the Cholesky factor of their correlation.
    """

    def __init__(self, scenario: Scenario, words: Callable[[str], Words]) -> None:
        """Take the study, and what gives the words of a covariate, (replicate, candidate)."""
        self._scenario = scenario
        self._population = scenario.population
        self._draw = words
        self._words: dict[str, Words] = {}
        self._scores: dict[str, Floats] = {}
        self._made: dict[str, Floats] = {}

    def __getitem__(self, name: str) -> Floats:
        """Return a covariate's values, shape (replicate, candidate)."""
        if name not in self._made:
            self._made[name] = self._values(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names in the order of the population."""
        return iter(self._population.covariates)

    def __len__(self) -> int:
        """Return how many covariates there are."""
        return len(self._population.covariates)

    def words(self, name: str) -> Words:
        """Return the words that belong to a covariate, shape (replicate, candidate)."""
        if name not in self._words:
            self._words[name] = self._draw(name)
        return self._words[name]

    def of_replicates(self, kept: Booleans) -> "CandidateCovariates":
        """Return the covariates of some of the replicates."""
        return CandidateCovariates(self._scenario, lambda name: self.words(name)[kept])

    def at(self, places: RowIndex) -> "CandidateCovariates":
        """Return the covariates of the candidates at some places, made for them alone."""
        return CandidateCovariates(self._scenario, lambda name: places.of(self.words(name)))

    def normal_score(self, name: str) -> Floats:
        """Return the standard normal scores of a covariate, shape (replicate, candidate)."""
        correlated = self._population.correlated
        if name not in correlated:
            return self._own_score(name)
        place = correlated.index(name)
        weights = self._population.cholesky[place]
        # In a fixed order, term by term, so that the sum is bit-identical in any batch.
        total: Floats = weights[place] * self._own_score(name)
        for other, weight in zip(correlated[:place], weights[:place], strict=True):
            if weight:
                total += weight * self._own_score(other)
        return total

    def prognostic_score(self, weights: Mapping[str, float]) -> Floats:
        """Return the weighted sum of covariates' normal scores, of variance 1 in all candidates."""
        total: Floats = np.zeros((1, 1))
        for name, weight in self._population.of_unit_variance(weights).items():
            total = total + weight * self.normal_score(name)
        return total

    def _values(self, name: str) -> Floats:
        covariate = self._population.covariates[name]
        match covariate.margin:
            case OnCourse() as margin:
                return self._on_course(margin, self.normal_score(name))
            case ByLevel(of=of) as margin:
                value = np.empty(self.words(name).shape)
                for place, level in enumerate(self._population.covariates[of].levels or ()):
                    there = self[of] == place
                    value[there] = self._drawn(quantiles(margin.levels[level]), name, there)
                return value
        return self._drawn(covariate.quantiles, name)

    def _drawn(self, drawn: Steps | Smooth, name: str, there: Any = ...) -> Floats:
        if name in self._population.dependent:
            return drawn.at_score(self.normal_score(name)[there])
        return drawn.at(self.words(name)[there])

    def _own_score(self, name: str) -> Floats:
        if name not in self._scores:
            self._scores[name] = normal_scores(self.words(name))
        return self._scores[name]

    def _on_course(self, margin: OnCourse, residual: Floats) -> Floats:
        """Return the scores of an outcome before any drug, given the measurement's residual."""
        outcome = self._scenario.outcomes[margin.outcome]
        known = {name: self[name] for name in outcome.course.covariates_used}
        nobody, elapsed = np.zeros((1, 1)), Elapsed(np.full((1, 1), margin.days))
        latent = LatentScores(nobody, nobody, residual, known)
        return outcome.grid.score_of(outcome.course.cells(outcome.grid, elapsed, latent, nobody))


def drawn_covariates(scenario: Scenario, streams: Streams, candidates: int) -> CandidateCovariates:
    """Return the covariates of the first candidates of each replicate."""
    drawn_by_row = scenario.population.drawn_by_row
    rows = streams.words(_ROW, candidates) if drawn_by_row else None

    def words(name: str) -> Words:
        margin = scenario.population.covariates[name].margin
        if rows is not None and name in drawn_by_row and isinstance(margin, FromTable):
            return margin.words_of_rows(rows)
        return streams.words(covariate_purpose(name), candidates)

    return CandidateCovariates(scenario, words)


_ROW: Final = "row of the table"
"""The purpose of the words that draw a candidate's row."""


def covariate_purpose(name: str) -> str:
    """Return the purpose of the words that belong to a covariate."""
    return f"covariate {name}"


class Screen(NamedTuple):
    """An eligibility rule as it is applied."""

    rule: Rule
    excludes: bool
    runs: Runs | None
    """The words of the covariate that meet the rule; None where values must be compared."""
    by_row: bool
    """Whether the words are those of a row of the table."""


@lru_cache(256)
def screens(scenario: Scenario) -> tuple[Screen, ...]:
    """Return the eligibility rules of a study as they are applied, in order."""
    population, eligibility = scenario.population, scenario.eligibility

    def by_words(rule: Rule) -> bool:
        covariate = population.covariates[rule.covariate]
        by_itself = covariate.stands_alone and rule.covariate not in population.dependent
        return by_itself and len(rule.covariates_used) == 1

    return tuple(
        Screen(
            rule,
            name in eligibility.exclusion,
            rule.words(population.covariates) if by_words(rule) else None,
            rule.covariate in population.drawn_by_row,
        )
        for name, rule in eligibility.rules.items()
    )
