"""The designs that can be put to others: two arms of a bounded scale, or of Poisson counts."""

from typing import Final, NamedTuple

import numpy as np
from scipy import stats

from trialsim.arrays import Floats
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.outcomes.courses import Exponential
from trialsim.scenario.outcomes.effects import control_cells, latent_shift, treated_cells
from trialsim.scenario.scenario import Scenario

PATIENTS: Final = (104, 104)
THETA: Final = 0.6
"""An effect at which such a design may fail or succeed."""
POISSON_MEANS: Final = (5.9, 5.0)
ALPHA: Final = 0.05


class TwoSamples(NamedTuple):
    """The treated and the controls of an outcome as cells, worst first, and as SciPy draws them."""

    treated: Floats
    control: Floats
    means: tuple[float, float]
    sd: float
    high: int

    def draw(self, arm: int, generator: np.random.Generator, size: int | tuple[int, ...]) -> Floats:
        """Return scores of the treated (arm 0) or the controls, by NumPy's fastest way."""
        latent = generator.normal(self.means[arm], self.sd, size)
        score: Floats = np.rint(latent, out=latent).clip(0, self.high)
        return score


def without_trouble() -> Scenario:
    """Return cars1 as a plain comparison of two samples.

    Everybody is eligible and comes to every visit on the day, and the whole effect is there.
    """
    base = load("cars1")
    rules = {
        f"eligibility.{kind}.{name}": None
        for kind in ("inclusion", "exclusion")
        for name in getattr(base.eligibility, kind)
    }
    never = ("operations.discontinuation", "operations.withdrawal", "operations.death")
    return base.replace(
        {
            **rules,
            **{f"{happening}.probability": 0.0 for happening in never},
            "operations.refusal_probability": {"distribution": "constant", "value": 0.0},
            "operations.visit_missed_probability": 0.0,
            f"design.visits.{base.analysis.visit}.window_days": 0,
            "design.patients": sum(PATIENTS),
            "design.stratify_by": "nothing",
            "outcomes.arat.effect": {
                "anchor": "theta",
                "value": THETA,
                "exposure": {"model": "none"},
            },
        }
    )


def two_samples() -> TwoSamples:
    """Return the arms of that comparison at its last visit."""
    outcome = without_trouble().outcomes["arat"]
    course = outcome.course
    assert isinstance(course, Exponential)
    mean = course.end_mean
    return TwoSamples(
        treated=treated_cells(outcome),
        control=control_cells(outcome),
        means=(mean + latent_shift(outcome), mean),
        sd=course.end_sd,
        high=outcome.grid.steps,
    )


def poisson_cells() -> tuple[Floats, Floats]:
    """Return the treated's and the controls' chances of counts up to one that nobody reaches."""
    treated, control = POISSON_MEANS
    counts = np.arange(60)
    return stats.poisson.pmf(counts, treated), stats.poisson.pmf(counts, control)
