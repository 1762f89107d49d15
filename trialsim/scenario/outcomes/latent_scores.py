"""What a course knows of the patients: random effects, residuals, covariates, time since onset."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats
from trialsim.curves import part_done


class Elapsed:
    """The days from onset to a visit, and what is done of recoveries by then, each made once."""

    def __init__(self, days: Floats) -> None:
        """Take the days, negative before onset."""
        self.days = days
        self._done: dict[tuple[float, float], Floats] = {}

    def done(self, time_constant_days: float, end_day: float) -> Floats:
        """Return the part of an exponential recovery that is done, 1 on the end day.

        >>> Elapsed(np.array([0.0, 20.0, 90.0])).done(20.0, 90.0).round(3).tolist()
        [0.0, 0.639, 1.0]
        """
        key = time_constant_days, end_day
        if key not in self._done:
            whole = part_done(np.array(end_day / time_constant_days))
            self._done[key] = part_done(self.days / time_constant_days) / whole
        return self._done[key]


class LatentScores(NamedTuple):
    """What chance has decided of patients at a visit, as normal scores; shapes that broadcast."""

    start: Floats
    """Of the prognostic covariate; 0 where there is none."""
    own: Floats
    """The patient's own; towards the high end of the scale."""
    noise: Floats
    """The visit's."""
    covariates: Mapping[str, Floats] = MappingProxyType({})
    """The values of the covariates that the course uses; a level as its position."""

    def standard(self, correlation: Floats, within_patient_correlation: float) -> Floats:
        """Return a standard normal score that has the correlation with the start."""
        residual = math.sqrt(within_patient_correlation) * self.own
        residual = residual + math.sqrt(1 - within_patient_correlation) * self.noise
        score: Floats = correlation * self.start + np.sqrt(1 - correlation**2) * residual
        return score
