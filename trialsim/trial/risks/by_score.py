"""Risks that depend on scores, decided from one visit to the next.

What a patient is like at a visit follows from what had happened before it, and what happens up to
the next visit from that: so there is exactly one history, found visit by visit. One word decides,
as where no score matters, whether an event happens and when: it happens in the first interval at
whose end its cumulative risk exceeds the number. In an interval that begins where a share F of the
days has passed and ends where a share G has, the hazard is p (G - F) / (1 - p F), and the score
multiplies its odds; without any change of the odds that is the law of the event itself.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, divide, take_rows
from trialsim.clock import NEVER
from trialsim.curves import logistic
from trialsim.distributions import Continuous
from trialsim.scenario.protocol.intercurrent import IntercurrentEvent, Odds, ScoreRisk
from trialsim.scenario.scenario import Scenario
from trialsim.streams import WORDS, BelowShare, Streams, numbers
from trialsim.trial.cohort import Cohort
from trialsim.trial.conduct import Recruitment, derive_conduct, visit_days
from trialsim.trial.itinerary import Intentions, Undecided, of_arm
from trialsim.trial.outcomes import Scores, realise
from trialsim.trial.risks.chances import minutes_at, words_by_day


def decided(
    scenario: Scenario,
    streams: Streams,
    cohort: Cohort,
    candidate: Integers,
    recruitment: Recruitment,
    intended: Intentions,
) -> Intentions:
    """Return what patients intend in their arms, with what depends on scores decided.

    Parameters
    ----------
    candidate
        The number of each patient in the cohort, shape (replicate, patient).
    """
    operations, arms = scenario.operations, recruitment.arms
    if intended.visits_undecided is not None and not operations.visit_missed_odds.scores:
        intended = intended.with_missed(_missed(intended.visits_undecided, arms))
    if not intended.undecided and intended.visits_undecided is None:
        return intended
    visits = len(scenario.design.visits)
    onset = take_rows(cohort.onset, candidate)
    days = visit_days(scenario, recruitment.randomised, onset, intended.visit_shift)
    days = np.maximum.accumulate(days, axis=2)
    risks = {
        kind: _Risk(operations.events[kind].days, one, arms, scenario.design.last_visit_day)
        for kind, one in intended.undecided.items()
    }
    seen = _Seen(scenario, arms.shape)
    marks = intended.visits_undecided
    intended = dataclasses.replace(intended, undecided={}, visits_undecided=None)
    for visit in range(visits):  # what happens up to it is known, and then until the next
        conduct = derive_conduct(recruitment, intended, candidate, cohort, scenario)
        scores = realise(scenario, cohort, candidate, conduct, arms, streams)
        if marks is not None and visit > 0:
            added = seen.log_odds(operations.visit_missed_odds.scores, scores, visit)
            missed = intended.visit_missed.copy()
            missed[:, :, visit] = _missed(marks, arms, added)[:, :, visit]
            intended = intended.with_missed(missed)
            conduct = derive_conduct(recruitment, intended, candidate, cohort, scenario)
        seen.look(scores, visit, conduct.visit_attended[:, :, visit])
        following = min(visit + 1, visits - 1)
        for kind, risk in risks.items():
            added = seen.log_odds(operations.events[kind].scores, scores, following)
            risk.decide(days[:, :, visit + 1] if visit + 1 < visits else None, added)
        minutes = {kind: risk.minutes[:, :, None] for kind, risk in risks.items()}
        intended = dataclasses.replace(intended, events={**intended.events, **minutes})
    return intended


class _Seen:
    """The score that was seen last of each outcome on which a risk depends."""

    def __init__(self, scenario: Scenario, shape: tuple[int, ...]) -> None:
        operations = scenario.operations
        odds: list[IntercurrentEvent | Odds]
        odds = [*operations.events.values(), operations.visit_missed_odds]
        names = {
            name for one in odds for name, of in one.scores.items() if of.seen == "last_observed"
        }
        self._last = {name: np.full(shape, np.nan) for name in sorted(names)}

    def look(self, scores: Scores, visit: int, attended: Booleans) -> None:
        """See the scores of those who came to a visit."""
        for name, last in self._last.items():
            now = scores.at(name, visit)
            self._last[name] = np.where(attended & ~np.isnan(now), now, last)

    def log_odds(self, risks: Mapping[str, ScoreRisk], scores: Scores, unseen: int) -> Floats:
        """Return what scores add to the log odds, those not seen being of a visit.

        A score that is not known changes nothing.
        """
        total: Floats = np.zeros(1)
        for name, risk in risks.items():
            last = risk.seen == "last_observed"
            score = self._last[name] if last else scores.at(name, unseen)
            added = risk.log_odds_per_unit * (score - risk.reference)
            total = total + np.where(np.isnan(added), 0.0, added)
        return total


def _missed(marks: Undecided, arms: Integers, log_odds: Floats | None = None) -> Booleans:
    """Return which visits are missed, shape (replicate, patient, visit); the first never is."""
    chance = of_arm(marks.chances, arms)
    if log_odds is not None:
        chance = times_odds(chance, log_odds)
    missed = BelowShare(chance[:, :, None]).at(marks.words)
    missed[:, :, 0] = False
    return missed


class _Risk:
    """The risk of an event, from one interval to the next."""

    def __init__(
        self, days: Continuous, undecided: Undecided, arms: Integers, last_day: int
    ) -> None:
        self._days, self._words = days, numbers(undecided.words)
        self._ever = of_arm(undecided.chances, arms)
        self._by_day = words_by_day(days, last_day)
        self._passed: Integers = np.zeros(arms.shape, np.int64)  # of the words of its days
        self._happened: Floats = np.zeros(arms.shape)  # the chance that it has
        self.minutes: Integers = np.full(arms.shape, NEVER)

    def decide(self, until: Integers | None, log_odds: Floats) -> None:
        """Decide of the interval up to whole days, or of all the rest, with changed odds."""
        before, was = self._passed, self._happened
        if until is None:
            after: Integers = np.full(before.shape, WORDS)
        else:
            after = self._by_day[until]
        due = self._ever * ((after - before) / WORDS)
        hazard = divide(due, 1 - self._ever * (before / WORDS), 0.0).clip(0.0, 1.0)
        risk = was + (1 - was) * times_odds(hazard, log_odds)
        now = (was <= self._words) & (self._words < risk) & (after > before)
        if now.any():
            share = (self._words[now] - was[now]) / (risk[now] - was[now])
            first, width = before[now], (after - before)[now]
            word = first + np.minimum((share * width).astype(np.int64), width - 1)
            self.minutes[now] = minutes_at(self._days, word.astype(np.uint32))
        self._passed, self._happened = after, risk


def times_odds(chance: Floats, log_odds: Floats) -> Floats:
    """Return chances whose odds are multiplied, given the logarithm of the factor.

    >>> times_odds(np.array([0.0, 0.5, 0.5, 1.0]), np.log(3.0) * np.array([1, 0, 1, 1])).round(9)
    array([0.  , 0.5 , 0.75, 1.  ])
    """
    for_it = logistic(np.asarray(log_odds))
    happens, not_so = chance * for_it, (1 - chance) * (1 - for_it)
    return np.where(happens + not_so > 0, happens / np.maximum(happens + not_so, 5e-324), chance)
