"""The chance that something happens to a patient, by covariates and arm, and when it does."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from trialsim.arrays import Floats, Integers, Words, empty_by_layer
from trialsim.clock import DAY, NEVER, whole_minutes
from trialsim.curves import logistic
from trialsim.distributions import Continuous
from trialsim.quantiles import quantiles
from trialsim.scenario.protocol.intercurrent import IntercurrentEvent, Odds, Switching
from trialsim.scenario.scenario import Scenario
from trialsim.streams import WORDS, BelowShare, numbers, word_of
from trialsim.trial.cohort import CandidateCovariates

Chances = Sequence[Floats | float]
"""Of each candidate, in each arm, or one for any."""


def chances_in_arms(
    event: IntercurrentEvent, scenario: Scenario, covariates: CandidateCovariates
) -> Chances:
    """Return the chance that an event ever happens to each candidate, scores apart."""
    chances = chances_of(event.probability, event, scenario, covariates)
    if isinstance(event, Switching):
        arms = scenario.design.arms
        each = chances if len(chances) > 1 else [*chances] * len(arms)
        return [0.0 if arm == event.to else one for arm, one in zip(arms, each, strict=True)]
    return chances


def chances_of(
    probability: float,
    odds: Odds | IntercurrentEvent,
    scenario: Scenario,
    covariates: CandidateCovariates,
) -> Chances:
    """Return the chance that something happens whose probability at the reference is given."""
    if probability in (0, 1) or not (odds.covariates or odds.arms):
        return [probability]
    log_odds: Floats | float = math.log(probability / (1 - probability))
    for name, factor in odds.covariates.items():
        beyond = covariates[name] - factor.reference
        log_odds = log_odds + factor.log_odds_per_unit * beyond
    if not odds.arms:
        return [logistic(np.asarray(log_odds))]
    chances: list[Floats | float] = []
    for arm in scenario.design.arms:
        added: Floats | float = 0.0
        if arm in odds.arms:
            risk = odds.arms[arm]
            added = math.log(risk.odds_ratio)
            if risk.subgroup is not None:
                added = added * risk.subgroup.holds(scenario.population.covariates, covariates)
        chances.append(logistic(np.asarray(log_odds + added)))
    return chances


def in_layers(chances: Chances, shape: tuple[int, ...]) -> Floats:
    """Return chances as an array with an axis more than the candidates', as `of_arm` takes it."""
    return np.stack([np.broadcast_to(one, shape) for one in chances], axis=-1)


def minutes_until(days: Continuous, chances: Chances, words: Words) -> Integers:
    """Return the minutes until something happens, at least 1, `NEVER` where it does not.

    One word decides both: it happens to the numbers below the probability, and where in that range
    the number lies says when. The answer has an axis more than the words, a layer for each chance.
    """
    minutes = empty_by_layer((*words.shape, len(chances)), np.int64)
    minutes[:] = NEVER
    for layer, chance in enumerate(chances):
        happens = BelowShare(chance).at(words)
        if happens.any():
            share = numbers(words[happens]) / np.broadcast_to(chance, words.shape)[happens]
            minutes[happens, layer] = minutes_at(days, word_of(share))
    return minutes


def minutes_at(days: Continuous, words: Words) -> Integers:
    """Return the minutes from randomisation to an event, at least 1, at words of its days."""
    return np.maximum(whole_minutes(quantiles(days).at(words) * DAY), 1)


@lru_cache(256)
def words_by_day(days: Continuous, last: int) -> Integers:
    """Return how many words stand for an event by the end of each whole day, from day 0 on.

    They are found by halving, so that they agree to the word with when the events happen.
    """
    by: Integers = np.arange(last + 1) * DAY
    none, first = np.full(by.shape, -1), np.full(by.shape, WORDS)
    for _ in range(WORDS.bit_length()):  # what was found sooner stays
        middle = ((none + first) // 2).clip(0)
        late = minutes_at(days, middle.astype(np.uint32)) > by
        first = np.where(late, middle, first)
        none = np.where(late, none, middle)
    return first
