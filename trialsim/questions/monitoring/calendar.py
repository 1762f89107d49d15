"""How many patients are in by the time of a look, from mean recruitment alone: no trial is run.

Sites recruit at their mean rate from their activation on, and a pilot of candidates says which
share of them can be randomised and how long after arrival. It leaves out how rates differ between
sites and how chance differs between trials; `power` has both.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from trialsim.arrays import Floats
from trialsim.clock import DAY, MONTH
from trialsim.scenario.monitoring.looks import Look
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.cohort import enrol
from trialsim.trial.itinerary import first_infusion

_PILOT: Final = 64
"""Replicates, and candidates of each, as for the number of candidates to draw."""


@dataclass(frozen=True, slots=True)
class MeanCalendar:
    """Mean recruitment of a study, and how long an endpoint takes to be known."""

    patients: int
    activations: Floats
    """Day of each site, in order."""
    rate: float
    """Patients whom a site randomises a day."""
    delay: float
    """Days from arrival to randomisation."""
    endpoint_days: float
    """Days from randomisation to the day from which the endpoint is known."""

    def randomised_by(self, day: float) -> float:
        """Return the patients randomised by a day."""
        open_days = np.maximum(day - self.delay - self.activations, 0.0)
        return min(float(self.patients), float(self.rate * open_days.sum()))

    def day_of(self, patients: float) -> float:
        """Return the day by which so many are randomised."""
        low, high = 0.0, float(self.activations[0] + self.delay + 1 + patients / self.rate)
        for _ in range(60):
            middle = (low + high) / 2
            open_days = np.maximum(middle - self.delay - self.activations, 0.0)
            low, high = (low, middle) if self.rate * open_days.sum() >= patients else (middle, high)
        return high

    def day_of_look(self, look: Look) -> float:
        """Return the day on which the data of a look are cut."""
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
        return value

    def randomised_at_decision(self, look: Look) -> float:
        """Return the patients randomised when a look is decided."""
        cut = self.day_of_look(look)
        pause = look.recruitment_meanwhile == "pauses"
        return self.randomised_by(cut if pause else cut + look.decided_after_days)


def mean_calendar(scenario: Scenario) -> MeanCalendar:
    """Return the mean calendar of a study, whose share of eligible candidates a pilot gives."""
    cohort = enrol(scenario, Streams(0, range(_PILOT)), _PILOT)
    ready, _, possible = first_infusion(cohort, scenario)
    visit = scenario.design.visits[scenario.analysis.visit]
    operations = scenario.operations
    since = 0.0
    if visit.after == "onset":
        since = float((ready - cohort.onset)[possible].mean()) / DAY
    activations = sorted(float(site.activation_day) for site in operations.sites.values())
    return MeanCalendar(
        patients=scenario.design.patients,
        activations=np.array(activations),
        rate=operations.candidates_per_site_per_month / MONTH * DAY * float(possible.mean()),
        delay=float((ready - cohort.arrival)[possible].mean()) / DAY,
        endpoint_days=visit.day - since,
    )
