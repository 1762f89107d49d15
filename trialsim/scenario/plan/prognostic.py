"""A prognostic score: what a patient's outcome would be without the drug, as another study tells.

A model of the outcome given covariates is fitted once, to patients of another study, and what it
predicts of the trial's own patients is one more covariate (Schuler et al. 2022, International
Journal of Biostatistics 18:329). No patient of the trial has a part in it, so that it takes nothing
from the level of any test, however wrong it is; a wrong one saves fewer patients.
"""

from typing import Annotated, Final

from pydantic import Field

from trialsim.distributions import FrozenModel
from trialsim.scenario.files.builtin import TrialName
from trialsim.scenario.validation.refusal import Name

PROGNOSTIC: Final = "prognostic_score"
"""The name by which methods take the score as a covariate."""


class Prognostic(FrozenModel):
    """Where the score is learned, and from what it is predicted."""

    learned_from: TrialName
    """The built-in study of whose simulated control patients the outcome is learned, at the same
    visit, such as cars1_natural."""
    covariates: Annotated[tuple[Name, ...], Field(strict=False, min_length=1, max_length=20)]
    """What it is predicted from: numbers, true or false, that both studies have, such as [arat,
    nihss, age_years]."""
