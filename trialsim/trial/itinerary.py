"""Intended first: all that chance decides about the patients, drawn before anybody waits.

Arrays have the shape (replicate, eligible[, infusion or visit]): the axis holds, in order of their
number, the candidates who fail no rule and can start infusions inside the window; replicates with
fewer are padded with candidates who are never ready.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, RowIndex, Values, Words, zeros_by_layer
from trialsim.clock import DAY, HOUR, NEVER, weekday, whole_minutes
from trialsim.curves import logistic
from trialsim.distributions import Continuous
from trialsim.quantiles import quantiles
from trialsim.scenario.protocol.operations import IntercurrentEvent, Operations
from trialsim.scenario.protocol.treatment import Schedule
from trialsim.scenario.scenario import Scenario
from trialsim.streams import BelowShare, Streams, cells, numbers, word_of
from trialsim.trial.cohort import CandidateCovariates, Cohort


@dataclass(frozen=True, slots=True)
class Intentions:
    """What candidates would do once randomised, shape (replicate, candidate[, ...])."""

    refused: Booleans
    """Infusions that the patient would refuse; the first is never refused."""
    discontinues: Integers
    """Minutes from randomisation to the end of infusions, `NEVER` for most; see `of_arm`."""
    withdraws: Integers
    dies: Integers
    visit_shift: Integers
    """Days by which each visit strays from its planned day."""
    visit_missed: Booleans

    @property
    def stops(self) -> Integers:
        """Minutes from randomisation from which on no infusion begins; see `of_arm`.

        Whoever discontinues, withdraws or dies has no further infusion, whichever comes first.
        """
        return np.minimum(self.discontinues, np.minimum(self.withdraws, self.dies))


@dataclass(frozen=True)
class Itinerary:
    """What each eligible candidate would do if nobody were in the way."""

    candidate: Integers
    """The candidate's number in the cohort."""
    site: Integers
    ready: Integers
    """First minute at which infusions could start: screened, in the window, clinic open."""
    deadline: Integers
    """Last minute at which the first infusion may start."""
    intend: "Intend"
    """Draws what candidates intend, who are named by their numbers in the cohort."""

    @property
    def possible(self) -> Booleans:
        """Which places of the axis hold a candidate."""
        return self.ready < NEVER

    @cached_property
    def intentions(self) -> Intentions:
        """What everybody on the axis intends."""
        return self.intend(self.candidate)

    def closed_from(self, minutes: Integers) -> "Itinerary":
        """Return the itinerary if nobody is randomised from a minute on, one a replicate."""
        last = minutes[:, None] - 1
        ready = np.where(self.ready <= last, self.ready, NEVER)
        return dataclasses.replace(self, ready=ready, deadline=np.minimum(self.deadline, last))

    def paused(self, begins: Integers, ends: Integers) -> "Itinerary":
        """Return the itinerary if nobody is randomised from one minute to before another.

        Who is ready in the meantime is lost, and so is who would still have waited when it began.
        """
        last = begins[:, None] - 1
        meanwhile = (self.ready > last) & (self.ready < ends[:, None])
        waits = np.where(self.ready <= last, np.minimum(self.deadline, last), self.deadline)
        return dataclasses.replace(
            self, ready=np.where(meanwhile, NEVER, self.ready), deadline=waits
        )


Intend: TypeAlias = Callable[[Integers], Intentions]


def plan_itinerary(cohort: Cohort, scenario: Scenario, streams: Streams) -> Itinerary:
    """Return the itineraries of those candidates who can be randomised."""
    ready, deadline, possible = first_infusion(cohort, scenario)
    chosen = _Chosen(possible)
    return Itinerary(
        candidate=chosen.places,
        site=chosen.of(cohort.site),
        ready=np.where(chosen.filled, chosen.of(ready), NEVER),
        deadline=chosen.of(deadline),
        intend=DrawnIntentions(scenario, cohort.covariates, streams.words),
    )


class DrawnIntentions:
    """Draws what candidates intend, of those alone who are asked for."""

    def __init__(
        self,
        scenario: Scenario,
        covariates: CandidateCovariates,
        words: Callable[[str, int, int], Words],
    ) -> None:
        """Take the study, the covariates, and what draws words by purpose, units and draw."""
        self._scenario, self._covariates, self._words = scenario, covariates, words

    def of_replicates(self, kept: Booleans) -> "DrawnIntentions":
        """Return what draws the intentions of some of the replicates."""
        covariates = self._covariates.of_replicates(kept)
        return DrawnIntentions(self._scenario, covariates, lambda *which: self._words(*which)[kept])

    def __call__(self, candidate: Integers) -> Intentions:
        """Return the intentions of candidates by number, shape (replicate, candidate)."""
        scenario, places = self._scenario, RowIndex(candidate)
        operations, units = scenario.operations, int(candidate.max(initial=0)) + 1
        covariates = self._covariates.at(places)

        def of(purpose: str, draw: int = 0) -> Words:
            return places.of(self._words(purpose, units, draw))

        def until(happening: IntercurrentEvent, purpose: str) -> Integers:
            chances = _probabilities(happening, scenario, covariates)
            return _minutes_until(happening.days, chances, of(purpose))

        refuses = BelowShare(quantiles(operations.refusal_probability).at(of("refusal tendency")))
        infusions = scenario.treatment.infusions.count
        refused = zeros_by_layer((*candidate.shape, infusions), np.bool_)
        for infusion in range(1, infusions):
            refused[:, :, infusion] = refuses.at(of("refusal", infusion))
        visits = scenario.design.visits
        shift = zeros_by_layer((*candidate.shape, len(visits)), np.int64)
        missed = zeros_by_layer(shift.shape, np.bool_)
        misses = BelowShare(operations.visit_missed_probability)
        for place, visit in enumerate(visits.values()):
            if place:
                day, rest = cells(of("visit", place), 2 * visit.window_days + 1)
                shift[:, :, place] = day - visit.window_days
                missed[:, :, place] = misses.at(rest)
        return Intentions(
            refused=refused,
            discontinues=until(operations.discontinuation, "discontinuation"),
            withdraws=until(operations.withdrawal, "withdrawal"),
            dies=until(operations.death, "death"),
            visit_shift=shift,
            visit_missed=missed,
        )


def first_infusion(cohort: Cohort, scenario: Scenario) -> tuple[Integers, Integers, Booleans]:
    """Return when each candidate is ready, the deadline, and who is eligible and not too late."""
    operations = scenario.operations
    window = operations.first_infusion_after_onset
    earliest = cohort.onset + round(window.earliest_hours * HOUR)
    deadline = cohort.onset + round(window.latest_hours * HOUR)
    ready = next_opening(
        np.maximum(cohort.screened, earliest), operations, scenario.treatment.infusions
    )
    in_time = cohort.arrival <= operations.last_arrival
    return ready, deadline, cohort.eligible & (ready <= deadline) & in_time


def next_opening(minute: Integers, operations: Operations, schedule: Schedule) -> Integers:
    """Return the first minute, from the given one on, at which a course of infusions may begin."""
    of_day = minute - minute // DAY * DAY  # far faster than %
    early = np.maximum(operations.opens - of_day, 0)
    late = DAY - of_day + operations.opens
    opening = minute + np.where(of_day < operations.closes, early, late)
    wait = np.array([_days_until_given(schedule, day) for day in range(7)])
    if not wait.any():
        return opening
    days = wait[weekday(opening)]
    return np.where(days > 0, (opening // DAY + days) * DAY + operations.opens, opening)


def _days_until_given(schedule: Schedule, first: int) -> int:
    return next(days for days in range(7) if schedule.gives_on((first + days) % 7))


def of_arm(ends: Integers, arms: Integers) -> Integers:
    """Return the minutes until something happens in the arms that patients are in.

    Parameters
    ----------
    ends
        Shape (replicate, patient, arm), the last axis of length 1 where no arm matters.
    arms
        Shape (replicate, patient).
    """
    if ends.shape[2] == 1:
        return ends[:, :, 0]
    return np.take_along_axis(ends, arms[:, :, None], axis=2)[:, :, 0]


def _probabilities(
    happening: IntercurrentEvent, scenario: Scenario, covariates: CandidateCovariates
) -> list[Floats | float]:
    """Return the chance that something happens to each candidate, in each arm or in any."""
    if happening.probability in (0, 1) or not (happening.covariates or happening.arms):
        return [happening.probability]
    odds: Floats | float = math.log(happening.probability / (1 - happening.probability))
    for name, factor in happening.covariates.items():
        beyond = covariates[name] - factor.reference
        odds = odds + factor.log_odds_per_unit * beyond
    if not happening.arms:
        return [logistic(np.asarray(odds))]
    chances: list[Floats | float] = []
    for arm in scenario.design.arms:
        added: Floats | float = 0.0
        if arm in happening.arms:
            risk = happening.arms[arm]
            added = math.log(risk.odds_ratio)
            if risk.subgroup is not None:
                added = added * risk.subgroup.holds(scenario.population.covariates, covariates)
        chances.append(logistic(np.asarray(odds + added)))
    return chances


def _minutes_until(days: Continuous, chances: list[Floats | float], words: Words) -> Integers:
    """Return the minutes until something happens, at least 1, `NEVER` where it does not.

    One word tells both: it happens to the numbers below the probability, and where in that range
    the number lies says when. The answer has an axis more than the words, a layer for each chance.
    """
    minutes = zeros_by_layer((*words.shape, len(chances)), np.int64)
    minutes[:] = NEVER
    for layer, chance in enumerate(chances):
        happens = BelowShare(chance).at(words)
        if happens.any():
            share = numbers(words[happens]) / np.broadcast_to(chance, words.shape)[happens]
            when = quantiles(days).at(word_of(share))
            minutes[happens, layer] = np.maximum(whole_minutes(when * DAY), 1)
    return minutes


class _Chosen:
    """The candidates who can be randomised, moved to the front of a narrower axis."""

    def __init__(self, possible: Booleans) -> None:
        counts = possible.sum(axis=1)
        self.filled: Booleans = np.arange(max(counts.max(), 1)) < counts[:, None]
        columns = np.nonzero(possible)[1]
        self.places: Integers = np.zeros(self.filled.shape, np.int64)
        self.places[self.filled] = columns
        self.candidates = RowIndex(self.places)

    def of(self, values: Values) -> Values:
        """Return the values of the chosen; where an axis is padded, somebody else's."""
        return self.candidates.of(values)
