"""Random effects and residuals of the patients' scores, as normal scores by address."""

from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache

import numpy as np

from trialsim.arrays import Floats, Integers, Pairs, RowIndex, Words, take_rows
from trialsim.quantiles import normal_scores
from trialsim.scenario.outcomes.latent_scores import LatentScores
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.cohort import CandidateCovariates


class DrawnWords:
    """The words of the candidates for each purpose and draw, drawn once."""

    def __init__(self, streams: Streams, site: Integers, reach: int) -> None:
        """Take the streams, and the site of each candidate, shape (replicate, candidate).

        The patients are among the first `reach` candidates.
        """
        reach += reach % 2  # a whole number of drawn numbers
        self.streams, self._site, self._candidates = streams, site[:, :reach], reach
        self._drawn: dict[tuple[str, int], Words] = {}

    def of(self, patients: RowIndex, purpose: str, draw: int) -> Words:
        """Return the patients' words of a purpose, in their shape."""
        if self.streams.compiled is not None:  # finds those of a few without all others
            return self.streams.words_at(purpose, patients, draw)
        if (purpose, draw) not in self._drawn:
            self._drawn[purpose, draw] = self.streams.words(purpose, self._candidates, draw)
        return patients.of(self._drawn[purpose, draw])

    def of_each(self, patients: Pairs, purpose: str, draws: Integers) -> Words:
        """Return a word of each patient's own draw, shape (1, patient) both."""
        if self.streams.are_few(patients, draws):
            return self.streams.words_of_few(purpose, patients, draws)
        words = np.empty(draws.shape, np.uint32)
        for draw in np.unique(draws).tolist():
            there = draws[0] == draw
            words[:, there] = self.of(patients.among(there), purpose, draw)
        return words

    def of_trial(self, purpose: str) -> Words:
        """Return a word for each trial, the same for all its candidates."""
        word = self.streams.words(purpose, 1)
        return np.broadcast_to(word, (len(word), self._candidates))

    def of_sites(self, purpose: str) -> Words:
        """Return a word for each site of a trial, the same for all its candidates."""
        words = self.streams.words(purpose, int(self._site.max(initial=0)) + 1)
        return take_rows(words, self._site)


class PatientScores:
    """Random effects and residuals of some patients on every outcome, made when first needed.

    Correlated outcomes are made from their own words and those of the outcomes before them,
    so one that is added last changes no other.
    """

    def __init__(
        self,
        scenario: Scenario,
        covariates: CandidateCovariates,
        patients: RowIndex,
        words: DrawnWords,
    ) -> None:
        """Take the patients, by their covariates and their places among the candidates."""
        self._outcomes, self._covariates = scenario.outcomes, covariates
        self._patients, self._words = patients, words
        self._weights = weights_of_outcomes(scenario)
        self._kept: dict[Hashable, Floats] = {}

    def at(self, name: str, visit: int | Integers) -> LatentScores:
        """Return an outcome's latent scores at a visit, towards the high end of its scale.

        Parameters
        ----------
        visit
            The visit of all, or that of each of some pairs, shape (1, patient).
        """
        outcome = self._outcomes[name]
        start: Floats = np.zeros((1, 1))
        if outcome.predictors:
            start = self._start(outcome.predictors)
        which = visit if isinstance(visit, int) else visit.tobytes()
        own = self._mixed(name, lambda other: self._own((f"course {other}", 0), 0))
        noise = self._mixed(name, lambda other: self._own((f"noise {other}", which), visit))
        if outcome.sign < 0:
            own, noise = -own, -noise
        known = {name: self._covariates[name] for name in outcome.covariates_used}
        return LatentScores(start, own, noise, known)

    def of_trial(self) -> Floats:
        """Return the deviation of the effect in each patient's trial, the same for all outcomes."""
        return normal_scores(self._patients.of(self._words.of_trial("trial effect")))

    def site_effect(self) -> Floats:
        """Return the deviation of the effect at each patient's site, the same for all outcomes."""
        return self._of_site("site effect")

    def site_score(self, name: str) -> Floats:
        """Return the deviation of an outcome at each patient's site.

        It is correlated between outcomes as patients' scores are, and good where positive.
        """
        return self._mixed(name, lambda other: self._of_site(f"site score {other}"))

    def _mixed(self, name: str, own: Callable[[str], Floats]) -> Floats:
        """Return what is made, term by term in a fixed order, of the outcomes' own scores."""
        weights = self._weights[name]
        total: Floats = weights[name] * own(name)
        for other, weight in weights.items():
            if other != name:
                total += weight * own(other)
        return total

    def _of_site(self, purpose: str) -> Floats:
        if (purpose, 0) not in self._kept:
            words = self._patients.of(self._words.of_sites(purpose))
            self._kept[purpose, 0] = normal_scores(words)
        return self._kept[purpose, 0]

    def _own(self, key: tuple[str, Hashable], draw: int | Integers) -> Floats:
        """Return an outcome's own scores of a draw, by the purpose and what names the draw."""
        if key not in self._kept:
            purpose = key[0]
            if isinstance(draw, int):
                words = self._words.of(self._patients, purpose, draw)
            else:
                assert isinstance(self._patients, Pairs), "pairs alone have visits of their own"
                words = self._words.of_each(self._patients, purpose, draw)
            self._kept[key] = normal_scores(words)
        return self._kept[key]

    def _start(self, predictors: Mapping[str, float]) -> Floats:
        key = tuple(predictors.items())
        if key not in self._kept:
            self._kept[key] = self._covariates.prognostic_score(predictors)
        return self._kept[key]


@lru_cache(256)
def weights_of_outcomes(scenario: Scenario) -> Mapping[str, Mapping[str, float]]:
    """Return by how much each outcome's latent scores follow its own words and those of others."""
    names = list(scenario.outcomes)
    weights = scenario.outcome_correlation.weights(names).tolist()
    return {
        name: {other: weight for other, weight in zip(names, row, strict=True) if weight}
        for name, row in zip(names, weights, strict=True)
    }
