"""How many patients are in by the time of a look, from expected recruitment: no trial is run.

Every site recruits at an even pace from its activation on, at a rate of its own where rates differ:
a trial with slow sites is later by more than one with fast ones is sooner, so that days are means
over many draws of the rates. A pilot of candidates says which share of them can be randomised and
how long after arrival. What chance leaves of arrivals is left out; `power` has it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from trialsim.arrays import Floats
from trialsim.clock import DAY, MONTH
from trialsim.scenario.monitoring.looks import Look
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.cohort import site_rates
from trialsim.trial.trial import pilot_of

_DRAWS: Final = 1024
"""Draws of the sites' rates."""


@dataclass(frozen=True, slots=True)
class MeanCalendar:
    """Expected recruitment of a study, and how long an endpoint takes to be known.

    Days and counts of each draw of the sites' rates, shape (draw,), become means at the end.
    """

    patients: int
    activations: Floats
    """Day of each site, shape (site,)."""
    rates: Floats
    """Patients whom each site randomises a day, shape (draw, site)."""
    delay: float
    """Days from arrival to randomisation."""
    endpoint_days: float
    """Days from randomisation to the day from which the endpoint is known."""

    def randomised_by(self, day: Floats) -> Floats:
        """Return the patients randomised by a day, of each draw."""
        open_days = np.maximum(day[:, None] - self.delay - self.activations, 0.0)
        return np.asarray(np.minimum(self.patients, (self.rates * open_days).sum(axis=1)))

    def day_of(self, patients: float) -> Floats:
        """Return the day by which so many are randomised, of each draw.

        Recruitment runs straight between activations: the day lies on the straight piece that
        reaches the count.
        """
        order = np.argsort(self.activations, kind="stable")
        begins, rates = self.activations[order], np.cumsum(self.rates[:, order], axis=1)
        gains = rates[:, :-1] * np.diff(begins)
        before = np.concatenate([np.zeros((len(rates), 1)), np.cumsum(gains, axis=1)], axis=1)
        piece = np.maximum((before < patients).sum(axis=1) - 1, 0)[:, None]
        reached, rate = (np.take_along_axis(one, piece, axis=1)[:, 0] for one in (before, rates))
        return np.asarray(self.delay + begins[piece[:, 0]] + (patients - reached) / rate)

    def day_of_look(self, look: Look) -> float:
        """Return the mean day on which the data of a look are cut."""
        return float(self._day_of_look(look).mean())

    def decided(self, look: Look) -> float:
        """Return the mean day on which a look is decided."""
        return self.day_of_look(look) + look.decided_after_days

    def known_at(self, look: Look) -> float:
        """Return the mean number of patients whose endpoint is known at the cut of a look."""
        return float(self.randomised_by(self._day_of_look(look) - self.endpoint_days).mean())

    def last_day(self) -> float:
        """Return the mean day on which the last endpoint is known."""
        return float(self.day_of(self.patients).mean() + self.endpoint_days)

    def randomised_at_decision(self, look: Look) -> float:
        """Return the mean number of patients randomised when a look is decided."""
        cut = self._day_of_look(look)
        pause = look.recruitment_meanwhile == "pauses"
        return float(self.randomised_by(cut if pause else cut + look.decided_after_days).mean())

    def _day_of_look(self, look: Look) -> Floats:
        value = look.when.value
        match look.when.kind:
            case "known":
                return self.day_of(value * self.patients) + self.endpoint_days
            case "known_patients":
                return self.day_of(value) + self.endpoint_days
            case "randomised":
                return self.day_of(value * self.patients)
            case "days_after_first_patient":
                return self.day_of(1.0) + value
        return np.full(len(self.rates), float(value))


def mean_calendar(scenario: Scenario) -> MeanCalendar:
    """Return the expected calendar of a study; a pilot gives the share of eligible candidates.

    Raises
    ------
    RecruitmentError
        If none of the pilot candidates can be randomised.
    """
    cohort, ready, possible, share = pilot_of(scenario)
    visit = scenario.design.visits[scenario.analysis.visit]
    operations = scenario.operations
    since = 0.0
    if visit.after == "onset":
        since = float((ready - cohort.onset)[possible].mean()) / DAY
    activations = [float(site.activation_day) for site in operations.sites.values()]
    differs = operations.site_rate_coefficient_of_variation > 0
    rates = site_rates(operations, Streams(0, range(_DRAWS if differs else 1)))
    rates = rates / rates.mean() * operations.candidates_per_site_per_month / MONTH * DAY
    return MeanCalendar(
        patients=scenario.design.patients,
        activations=np.array(activations),
        rates=rates * share,
        delay=float((ready - cohort.arrival)[possible].mean()) / DAY,
        endpoint_days=visit.day - since,
    )
