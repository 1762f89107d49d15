"""Scores at the visits, from the itinerary's luck, the time since onset and the drug received."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, RowIndex, zeros_by_layer
from trialsim.clock import DAY
from trialsim.scenario.outcomes.courses import Course
from trialsim.scenario.outcomes.effects import latent_shift
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.cohort import Cohort, meets
from trialsim.trial.conduct import Conduct
from trialsim.trial.dosing import Dosing
from trialsim.trial.patient_scores import PatientScores


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
    patients = RowIndex(candidate)
    realised = _Realised(
        scenario=scenario,
        cohort=cohort,
        patients=patients,
        conduct=conduct,
        arms=arms,
        dosing=Dosing(scenario.design, conduct, arms, patients.of(cohort.onset)),
        luck=PatientScores(scenario, cohort, patients, streams),
    )
    return Scores(scenario.outcomes, realised.scores)


@dataclass(frozen=True, slots=True)
class _Realised:
    """All that the scores of the patients follow from."""

    scenario: Scenario
    cohort: Cohort
    patients: RowIndex
    conduct: Conduct
    arms: Integers
    dosing: Dosing
    luck: PatientScores

    def scores(self, name: str) -> Floats:
        """Return the scores of one outcome, shape (replicate, patient, visit)."""
        outcome, visit_minute = self.scenario.outcomes[name], self.conduct.visit_minute
        scores: Floats = zeros_by_layer(visit_minute.shape, np.float64)
        scores[:, :, 0] = np.nan
        if outcome.baseline is not None:
            baseline = self.patients.of(self.cohort.covariates[outcome.baseline])
            scores[:, :, 0] = outcome.grid.score_of(outcome.grid.cell_of(baseline))
        shift, onset = self._shift(outcome), self.patients.of(self.cohort.onset)
        others = list(self._others(outcome))
        for visit in range(1, scores.shape[2]):
            days = (visit_minute[:, :, visit] - onset) / DAY
            luck = self.luck.at(name, visit)
            added = shift * outcome.effect.exposure.share(self.dosing, visit)
            cell = outcome.course.cells(outcome.grid, days, luck, added)
            for course, there in others:
                cell = np.where(there, course.cells(outcome.grid, days, luck, np.zeros(1)), cell)
            scores[:, :, visit] = outcome.grid.score_of(cell)
        return scores

    def _others(self, outcome: Outcome) -> Iterator[tuple[Course, Booleans]]:
        """Yield the courses of arms that have their own, and who is in them."""
        arms = list(self.scenario.design.arms)
        for arm, course in outcome.course_by_arm.items():
            yield course, self.arms == arms.index(arm)

    def _shift(self, outcome: Outcome) -> Floats | float:
        """Return the latent shift at full exposure, of each patient or of all."""
        effect = outcome.effect
        shift: Floats | float = latent_shift(outcome)
        if effect.trial_sd > 0:
            shift = shift + outcome.sign * effect.trial_sd * self.luck.of_trial()
        if effect.subgroup is not None:
            among = meets(effect.subgroup, self.scenario, self.cohort, self.patients)
            shift = shift * np.where(among, 1.0, effect.effect_outside)
        return shift
