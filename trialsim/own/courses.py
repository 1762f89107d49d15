"""Courses that users write: when, how well by chance and what is added in, scores out."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, read_only
from trialsim.own.registry import Registered, Registry, checked_name, fingerprint, first_error

_TOLERANCE: Final = 1e-6
"""Of a step of the scale: within it a score is a value of the scale."""


@dataclass(frozen=True, slots=True)
class CourseData:
    """Patients at a visit as an own course sees them; no array can be written to.

    Every array has the shape (patient,): some patients of some replicates, in no order that may
    matter.
    """

    days: Floats
    """From onset to the visit."""
    latent: Floats
    """How well each stands by chance, standard normal and towards the high end of the scale, with
    the study's correlations between visits, with the baseline and with other outcomes."""
    added: Floats
    """What the drug's effect times the exposure reached, sites and rescue treatment add to the
    latent score, towards the high end of the scale, in the unit that the course gives it."""
    covariates: Mapping[str, Floats]
    """What was known at screening by name, of the covariates that the study file names in the
    course; a level as its place, a flag as 0 or 1."""
    scale: Floats
    """The values of the scale from its low end, shape (value,)."""
    parameters: Mapping[str, float]
    """The numbers that the study file gives the course, by name."""

    def on_the_scale(self, score: Any) -> Floats:
        """Return the value of the scale that is nearest to each number.

        >>> nobody = np.zeros(0)
        >>> data = CourseData(nobody, nobody, nobody, {}, np.array([0.0, 0.5, 1.0]), {})
        >>> data.on_the_scale(np.array([-3.0, 0.6, 9.0])).tolist()
        [0.0, 0.5, 1.0]
        """
        return self.scale[self._nearest(np.asarray(score, np.float64)).astype(np.intp)]

    def _nearest(self, score: Floats) -> Floats:
        low, step = self.scale[0], self.scale[1] - self.scale[0]
        nearest: Floats = np.rint((score - low) / step).clip(0, len(self.scale) - 1)
        return nearest

    def of(self, places: Integers) -> "CourseData":
        """Return some of the patients, in an order of their own."""
        changes: dict[str, Any] = {
            name: read_only(getattr(self, name)[places]) for name in ("days", "latent", "added")
        }
        covariates = {name: read_only(one[places]) for name, one in self.covariates.items()}
        return dataclasses.replace(self, **changes, covariates=covariates)


class CourseError(ValueError):
    """What an own course does that it must not, and of which patient where that is known."""

    def __init__(self, rule: str, value: str | None = None, place: int | None = None) -> None:
        """Take what it must do, the value that it gave, and the patient's place in the batch."""
        super().__init__(rule if value is None else f"{rule} (got {value})")
        self.rule, self.value, self.place = rule, value, place


CourseFunction: TypeAlias = Callable[[CourseData], Any]


@dataclass(frozen=True, slots=True)
class RegisteredCourse(Registered):
    """A registered course."""

    def cells(self, data: CourseData) -> Floats:
        """Return each patient's cell of the scale, from 0 at its low end, shape (patient,).

        Raises
        ------
        CourseError
            If the function raises, or returns what are no values of the scale.
        """
        try:
            found = self._scores(data)
        except (Exception, SystemExit) as error:
            alone = (data.of(np.array([place])) for place in range(len(data.days)))
            first, rule = first_error(self._scores, alone, error)
            raise self._wrong(rule, None, first) from error
        return self._checked(found, data)

    def cells_of_batch(self, data: CourseData, first: int) -> Floats:
        """Return the same, the first patients being computed once more by themselves.

        Raises
        ------
        CourseError
            Also if one of them has another score then than in the batch.
        """
        cells = self.cells(data)
        if first < len(data.days):
            backwards = np.arange(first)[::-1]
            other = self.cells(data.of(backwards)) != cells[backwards]
            if other.any():
                place = int(backwards[np.argmax(other)])
                rule = "must give a patient the same score by any company and order of patients"
                raise self._wrong(rule, None, place)
        return cells

    def _scores(self, data: CourseData) -> Any:
        return np.asarray(self.function(data))

    def _checked(self, score: Any, data: CourseData) -> Floats:
        wanted = data.days.shape
        if score.dtype.kind not in "fiu":
            raise self._wrong("must return numbers", f"dtype {score.dtype}", None)
        if score.shape != wanted:
            rule = f"must return scores in the shape {wanted}, one for each patient"
            raise self._wrong(rule, f"shape {score.shape}", None)
        score = score.astype(np.float64)
        self._hold(np.isnan(score), "must return no NaN", score)
        low, high = data.scale[0], data.scale[-1]
        step = data.scale[1] - low
        cells = data._nearest(score)
        off = ~(np.abs(data.scale[cells.astype(np.intp)] - score) <= _TOLERANCE * step)
        rule = f"must return values of the scale, {low:g} to {high:g} in steps of {step:.9g}"
        self._hold(off, rule, score)
        return cells

    def _hold(self, wrong: Booleans, rule: str, score: Floats) -> None:
        if wrong.any():
            place = int(np.argmax(wrong))
            raise self._wrong(rule, repr(score[place].item()), place)

    def _wrong(self, rule: str, value: str | None, place: int | None) -> CourseError:
        return CourseError(f"own course {self.name}: {rule}", value, place)


KNOWN_COURSES: Final[Registry[RegisteredCourse]] = Registry("courses")


def own_course(name: str, *, version: str = "") -> Callable[[CourseFunction], CourseFunction]:
    """Register a function as a course that a study file can name.

    The file says `course: {model: own, course: NAME, end_day: 90}`. The function takes
    `CourseData`, and returns a score on the scale for each patient: none may fall where `latent` or
    `added` rise. How workers get it, what `name` and `version` may be and when either is refused is
    as of `own_analysis`.
    """
    checked_name(name)

    def register(function: CourseFunction) -> CourseFunction:
        KNOWN_COURSES.register(RegisteredCourse(name, function, fingerprint(function, version)))
        return function

    return register
