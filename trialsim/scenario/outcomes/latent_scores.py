"""What a course knows of the patients: their random effects, residuals and covariates."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats


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
