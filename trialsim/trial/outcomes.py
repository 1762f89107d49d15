"""Scores at the visits, from the itinerary's luck, the time since onset and the drug received."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Booleans, Floats, Integers, Places, layered
from trialsim.clock import DAY
from trialsim.scenario.effects import latent_shift
from trialsim.scenario.luck import Luck
from trialsim.scenario.outcomes import Outcome
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.cohort import Cohort, whom
from trialsim.trial.conduct import Conduct
from trialsim.trial.dosing import Dosing


class Scores(Mapping[str, Floats]):
    """Each outcome's scores, shape (replicate, patient, visit), made when first looked at.

    Numbers have addresses, so an outcome that nobody looks at costs nothing.
    """

    def __init__(self, outcomes: Iterable[str], make: Callable[[str], Floats]) -> None:
        """Take the outcomes, and what makes the scores of one."""
        self._outcomes = tuple(outcomes)
        self._make = make
        self._made: dict[str, Floats] = {}

    def __getitem__(self, outcome: str) -> Floats:
        """Return the scores of an outcome."""
        if outcome not in self._made:
            if outcome not in self._outcomes:
                raise KeyError(outcome)
            self._made[outcome] = self._make(outcome)
        return self._made[outcome]

    def __iter__(self) -> Iterator[str]:
        """Go through the outcomes in the order of the scenario."""
        return iter(self._outcomes)

    def __len__(self) -> int:
        """Return how many outcomes there are."""
        return len(self._outcomes)

    def seen_at(self, attended: Booleans) -> "Scores":
        """Return the scores, NaN at visits that were not attended, (replicate, patient, visit)."""
        return Scores(self, lambda outcome: np.where(attended, self[outcome], np.nan))

    def of_replicates(self, kept: Booleans) -> "Scores":
        """Return the scores of some of the replicates."""
        return Scores(self, lambda outcome: self[outcome][kept])


def realise(
    scenario: Scenario,
    cohort: Cohort,
    candidate: Integers,
    conduct: Conduct,
    arms: Integers,
    streams: Streams,
) -> Scores:
    """Return each outcome's scores at every planned visit, those of missed visits among them.

    Parameters
    ----------
    candidate
        The number of each patient in the cohort, shape (replicate, patient).
    """
    patients = Places(candidate)
    dosing = Dosing(scenario.design, conduct, arms, patients.of(cohort.onset))
    luck = _Luck(scenario, cohort, patients, streams)
    make = partial(_scores, scenario, cohort, patients, conduct, arms, dosing, luck)
    return Scores(scenario.outcomes, make)


def _scores(
    scenario: Scenario,
    cohort: Cohort,
    patients: Places,
    conduct: Conduct,
    arms: Integers,
    dosing: Dosing,
    luck: "_Luck",
    name: str,
) -> Floats:
    """Return the scores of one outcome."""
    outcome = scenario.outcomes[name]
    scores: Floats = layered(conduct.visit_minute.shape, np.float64)
    scores[:, :, 0] = np.nan
    if outcome.baseline is not None:
        baseline = patients.of(cohort.covariates[outcome.baseline])
        scores[:, :, 0] = outcome.grid.score_of(outcome.grid.cell_of(baseline))
    shift = _shift(scenario, cohort, patients, outcome, luck)
    onset = patients.of(cohort.onset)
    others = [
        (course, arms == list(scenario.design.arms).index(arm))
        for arm, course in outcome.course_by_arm.items()
    ]
    for visit in range(1, scores.shape[2]):
        days = (conduct.visit_minute[:, :, visit] - onset) / DAY
        fate = luck.at(name, visit)
        added = shift * outcome.effect.exposure.share(dosing, visit)
        cell = outcome.course.cells(outcome.grid, days, fate, added)
        for course, there in others:
            cell = np.where(there, course.cells(outcome.grid, days, fate, np.zeros(1)), cell)
        scores[:, :, visit] = outcome.grid.score_of(cell)
    return scores


def _shift(
    scenario: Scenario, cohort: Cohort, patients: Places, outcome: Outcome, luck: "_Luck"
) -> Floats | float:
    """Return the latent shift at full exposure, of each patient or of all."""
    effect = outcome.effect
    shift: Floats | float = latent_shift(outcome)
    if effect.trial_sd > 0:
        shift = shift + outcome.sign * effect.trial_sd * luck.of_trial()
    if effect.among is not None:
        among = whom(effect.among, scenario, cohort, patients)
        shift = shift * np.where(among, 1.0, effect.elsewhere)
    return shift


class _Luck:
    """What chance has decided of the patients' scores, as normal scores by address.

    Outcomes that hang together are made from their own numbers and those of the outcomes before
    them, so one that is added last changes no other.
    """

    def __init__(
        self, scenario: Scenario, cohort: Cohort, patients: Places, streams: Streams
    ) -> None:
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

    def at(self, name: str, visit: int) -> Luck:
        """Return an outcome's luck at a visit, towards the high end of its scale."""
        outcome = self._outcomes[name]
        start: Floats = np.zeros((1, 1))
        if outcome.predictor is not None:
            start = self._patients.of(self._cohort.covariates.normal_score(outcome.predictor))
        own, noise = self._mixed("course", name, 0), self._mixed("noise", name, visit)
        known = {asked: self._known(asked) for asked in outcome.asked}
        return Luck(start, outcome.sign * own, outcome.sign * noise, known)

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
