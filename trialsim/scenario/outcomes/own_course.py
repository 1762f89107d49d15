"""Scores as a function that a user wrote makes them, which a study file names.

The function is given a standard normal latent score and what the drug adds, and returns scores. The
reference patients, in whom the effect has the anchor's value, have standard normal latent scores on
the end day, and the covariates' values that the study file gives.
"""

from collections.abc import Iterator, Mapping
from math import ceil, log2
from typing import Annotated, ClassVar, Final, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from trialsim.arrays import Floats, read_only
from trialsim.own.courses import (
    KNOWN_COURSES,
    CourseData,
    CourseError,
)
from trialsim.scenario.outcomes.latent_scores import Elapsed, LatentScores
from trialsim.scenario.outcomes.scales import Grid
from trialsim.scenario.validation.refusal import (
    Finite,
    Name,
    Positive,
    Probability,
    Violation,
)
from trialsim.scenario.validation.registered import NamesCode, rules_of_code
from trialsim.stats.planning.scale_effects import cells_between_cuts

_FARTHEST_LATENT: Final = 9.0
"""Beyond it lie fewer than one in 10**18 reference patients."""
_HALVINGS: Final = 58
"""Of the search for a cut-point, until it moves no more."""
_AT_ONCE: Final = 2048
"""Latent scores that one call of the function is given in the search, if the scale is short."""
_LATENTS: Final = np.linspace(-4.0, 4.0, 161)
_SHIFTS: Final = np.array([-1.0, 0.0, 1.0])
"""Where scores are held to rise, in reference patients on the end day."""
_LEAST_WIDTH: Final = 8.0
_GREATEST_WIDTH: Final = 2.0**20
_NOTHING: Final = 1e-12
"""Shares that differ by less are the same."""


class OwnCourse(NamesCode):
    """A function registered by `trialsim.own_course`, here or by an installed package.

    It travels with the study to worker processes.
    """

    known = KNOWN_COURSES
    code = "course"
    rules = rules_of_code(KNOWN_COURSES, "course")
    omitted_defaults = ("covariates", "parameters")
    assumed_defaults: ClassVar[tuple[str, ...]] = (
        "baseline_correlation",
        "within_patient_correlation",
    )

    model: Literal["own"]
    course: Name
    """The name by which the course is registered, such as my_course."""
    end_day: Positive
    """Days after onset at which the effect has the anchor's value in the reference patients, such
    as 90."""
    baseline_correlation: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """Correlation of the latent score with the baseline or prognosis, from -1 to 1, such as 0.5."""
    within_patient_correlation: Probability = 0.85
    """Share of what the baseline does not explain that stays with the patient between visits, such
    as 0.85."""
    covariates: dict[Name, Finite] = Field(default_factory=dict)
    """The covariates that the function is given, with the values that reference patients have, such
    as {age_years: 65}; a level as its place from 0."""
    parameters: dict[Name, Finite] = Field(default_factory=dict)
    """Numbers that the function is given by name, such as {tau: 20}."""
    fingerprint: str | None = None
    """Of the code of the course; filled in as the study is loaded, and to be left out."""

    @property
    def covariates_used(self) -> tuple[str, ...]:
        """The covariates that the function is given."""
        return tuple(self.covariates)

    def cells(self, grid: Grid, elapsed: Elapsed, latent: LatentScores, added: Floats) -> Floats:
        """Return each patient's cell, given the latent score and what is added.

        Raises
        ------
        CourseError
            If the function raises, or returns what are no scores of each patient.
        """
        correlation = np.asarray(np.float64(self.baseline_correlation))
        standard = latent.standard(correlation, self.within_patient_correlation)
        shape = np.broadcast_shapes(elapsed.days.shape, standard.shape, np.shape(added))
        known = {name: latent.covariates[name] for name in self.covariates}
        data = self._data(grid, shape, elapsed.days, standard, added, known)
        rows, patients = shape
        first = patients if rows > 1 else (patients + 1) // 2
        cells: Floats = self.registered.cells_of_batch(data, first)
        return cells.reshape(shape)

    def end_cells(self, grid: Grid, shift: ArrayLike) -> Floats:
        """Return the share in each cell on the end day after a shift, shape (..., cells).

        The cut-points between cells are latent scores, sought between two that are cut into parts
        again and again: into more where there are few, as a call of the function costs the most.
        """
        moved = np.asarray(shift, np.float64)[..., np.newaxis, np.newaxis]
        above = np.arange(grid.steps)[:, np.newaxis]
        parts = max(2, _AT_ONCE // grid.steps)
        low = np.full((*np.broadcast_shapes(moved.shape, above.shape)[:-1], 1), -_FARTHEST_LATENT)
        width = 2 * _FARTHEST_LATENT
        for _ in range(ceil(_HALVINGS / log2(parts))):
            width /= parts
            points = low + width * np.arange(1, parts)
            below = self._reference_cells(grid, points, moved) <= above
            low = low + width * below.sum(axis=-1, keepdims=True)
        return cells_between_cuts(0.0, 1.0, low[..., 0] + width / 2)

    def widest(self, grid: Grid) -> float:
        """Return a latent shift beyond which nothing changes any more."""
        width = _LEAST_WIDTH
        ends = self.end_cells(grid, [-width, width])
        while width < _GREATEST_WIDTH:
            farther = self.end_cells(grid, [-2 * width, 2 * width])
            if np.allclose(farther, ends, rtol=0, atol=_NOTHING):
                break
            width, ends = 2 * width, farther
        return width

    def violations(self, grid: Grid) -> Iterator[Violation]:
        """Yield what reference patients show to be wrong with the function on the end day."""
        if KNOWN_COURSES.find(self.course) is None:
            return
        try:
            cells = self._reference_cells(grid, _LATENTS, _SHIFTS[:, np.newaxis])
        except CourseError as wrong:
            yield Violation("course", f"{wrong.rule}; reference patients, end day", wrong.value)
            return
        for axis, what in enumerate(("added", "latent")):
            if (np.diff(cells, axis=axis) < 0).any():
                rule = f"own course {self.course}: must give no lower score where {what} is higher"
                yield Violation("course", f"{rule}; reference patients, end day", self.course)

    def _reference_cells(self, grid: Grid, latent: Floats, added: Floats) -> Floats:
        shape = np.broadcast_shapes(latent.shape, added.shape)
        day = np.asarray(np.float64(self.end_day))
        known = {name: np.asarray(np.float64(value)) for name, value in self.covariates.items()}
        cells: Floats = self.registered.cells(self._data(grid, shape, day, latent, added, known))
        return cells.reshape(shape)

    def _data(
        self,
        grid: Grid,
        shape: tuple[int, ...],
        days: Floats,
        latent: Floats,
        added: Floats,
        covariates: Mapping[str, Floats],
    ) -> CourseData:
        def flat(array: Floats) -> Floats:
            return read_only(np.broadcast_to(array, shape).reshape(-1))

        return CourseData(
            days=flat(days),
            latent=flat(latent),
            added=flat(np.asarray(added, np.float64)),
            covariates={name: flat(values) for name, values in covariates.items()},
            scale=read_only(grid.score_of(np.arange(grid.steps + 1.0))),
            parameters=dict(self.parameters),
        )
