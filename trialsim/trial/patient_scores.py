"""What chance has decided of the patients' scores, as normal scores by address."""

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Floats, RowIndex
from trialsim.scenario.outcomes.latent_scores import LatentScores
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.cohort import Cohort


class PatientScores:
    """The luck of a batch of patients on every outcome, made when it is first asked for.

    Outcomes that hang together are made from their own numbers and those of the outcomes before
    them, so one that is added last changes no other.
    """

    def __init__(
        self, scenario: Scenario, cohort: Cohort, patients: RowIndex, streams: Streams
    ) -> None:
        """Take the patients by their places among the candidates, and their numbers."""
        self._outcomes, self._cohort = scenario.outcomes, cohort
        self._patients, self._streams = patients, streams
        names = list(scenario.outcomes)
        weights = scenario.outcome_correlation.weights(names)
        self._weights = {
            name: {other: weight for other, weight in zip(names, row, strict=True) if weight}
            for name, row in zip(names, weights.tolist(), strict=True)
        }
        self._kept: dict[tuple[str, int], Floats] = {}
        self._values: dict[str, Floats] = {}

    def at(self, name: str, visit: int) -> LatentScores:
        """Return an outcome's luck at a visit, towards the high end of its scale."""
        outcome = self._outcomes[name]
        start: Floats = np.zeros((1, 1))
        if outcome.predictor is not None:
            start = self._patients.of(self._cohort.covariates.normal_score(outcome.predictor))
        own, noise = self._mixed("course", name, 0), self._mixed("noise", name, visit)
        known = {asked: self._known(asked) for asked in outcome.asked}
        return LatentScores(start, outcome.sign * own, outcome.sign * noise, known)

    def of_trial(self) -> Floats:
        """Return each trial's own luck with the drug, the same for all outcomes, (replicate, 1)."""
        score: Floats = scipy.special.ndtri(self._streams.uniform("trial effect", 1))
        return score

    def _known(self, covariate: str) -> Floats:
        if covariate not in self._values:
            self._values[covariate] = self._patients.of(self._cohort.covariates[covariate])
        return self._values[covariate]

    def _mixed(self, purpose: str, name: str, draw: int) -> Floats:
        """Return what is made, term by term in a fixed order, of the outcomes' own numbers."""
        weights = self._weights[name]
        total: Floats = weights[name] * self._own(f"{purpose} {name}", draw)
        for other, weight in weights.items():
            if other != name:
                total += weight * self._own(f"{purpose} {other}", draw)
        return total

    def _own(self, purpose: str, draw: int) -> Floats:
        if (purpose, draw) not in self._kept:
            units = self._cohort.arrival.shape[1]
            numbers = self._patients.of(self._streams.uniform(purpose, units, draw))
            self._kept[purpose, draw] = scipy.special.ndtri(numbers)
        return self._kept[purpose, draw]
