"""Whole trials in C: a study as `whole.c` takes it, and what it gives of each trial.

The structures here have the fields of those there, in the same order.
"""

from collections.abc import Sequence
from ctypes import Structure, addressof, c_double, c_int64, c_uint64, c_void_p, sizeof
from enum import IntEnum
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialsim.arrays import Booleans, Integers


class Kind(IntEnum):
    """How words become values."""

    STEPS, LINE, NORMAL, TAIL = range(4)


class Missing(IntEnum):
    """What is analysed in place of a missing score."""

    LEAVE_OUT, LAST, BASELINE, WORST_RANK = range(4)


class Source(IntEnum):
    """The sources of words that every study has; those of covariates and outcomes follow."""

    WAIT, SITE, SCREENING, TENDENCY, DISCONTINUATION, WITHDRAWAL, DEATH, MARK = range(8)


def _fields(whole: str = "", real: str = "", pointers: str = "") -> list[tuple[str, Any]]:
    kinds = ((whole, c_int64), (real, c_double), (pointers, c_void_p))
    return [(name, kind) for names, kind in kinds for name in names.split()]


class Drawn(Structure):
    """How words become values, or normal scores do."""

    _fields_ = _fields("kind count", "start width", "values before ends scores by_score")


class Sum(Structure):
    """Normal scores added up with weights; each belongs to a source of words."""

    _fields_ = _fields("count", "", "source weight")


class Covariate(Structure):
    """How a covariate is drawn: by its own word, or by its normal score."""

    _fields_ = [("drawn", Drawn), *_fields("source dependent"), ("score", Sum)]


class Rule(Structure):
    """A condition on a covariate: runs of words that meet it, or bounds of its value."""

    _fields_ = [
        *_fields("covariate excludes runs", "", "run_first run_last"),
        *_fields("", "at_least more_than at_most less_than"),
        *_fields("codes", "", "code"),
    ]


class Event(Structure):
    """Something that befalls some patients, at a time after randomisation."""

    _fields_ = [("days", Drawn), *_fields("last any", "chance")]


class Visit(Structure):
    """When a visit is planned."""

    _fields_ = _fields("day window from_onset")


class Progress(Structure):
    """How much of recovery is done at a time, 1 on the end day."""

    _fields_ = _fields("", "time_constant done_at_end")


class Course(Structure):
    """How an outcome moves from onset on: what it is there, and what is added by the end day."""

    _fields_ = [
        *_fields("of_grades cuts progress"),
        *_fields("", "mean mean_added sd sd_added correlation correlation_added"),
        *_fields("", "own_share noise_share", "cut cut_added"),
    ]


class Prognosis(Structure):
    """The covariates that an outcome follows, and how much each counts."""

    _fields_ = _fields("predictors", "", "weight predictor")


class Bound(Structure):
    """Cells of another outcome, first to last, that keep this one's between two cells."""

    _fields_ = _fields("outcome first last least most")


class Cuts(Structure):
    """Cut-points, with a guide to them over equal parts of the line."""

    _fields_ = _fields("parts half", "low per_unit", "cut before")


class Outcome(Structure):
    """An outcome that is measured, or that bounds one."""

    _fields_ = [
        *_fields("sign steps logarithmic has_baseline prognosis exposure bounds"),
        *_fields("", "low step shift trial_deviation"),
        ("by_logarithm", Cuts),
        *_fields("", "", "bound"),
        ("baseline", Covariate),
        ("mixed", Sum),
        ("course", Course),
    ]


class Measurement(Structure):
    """An outcome at a visit, and how many cells what is analysed of it has."""

    _fields_ = _fields("outcome visit cells")


class Plan(Structure):
    """Who is analysed, and with which cell: the rules are those of every measurement."""

    _fields_ = [
        *_fields("treated control change by_site missing dead_are_worst full_analysis_set"),
        *_fields("failures_are_worst failures_are_missing", "least_share"),
    ]


class Study(Structure):
    """All that whole trials in C need of a study."""

    _fields_ = [
        *_fields("patients sites sources rules infusions phases visits arms block_size strata"),
        *_fields("rows rates_vary last_arrival earliest latest opens closes shares"),
        *_fields("missed_last missed_any at_first"),
        *_fields("traits prognoses scores progresses exposures outcomes measurements"),
        *_fields("first_measured"),
        *((name, c_uint64) for name in ("rate_purpose", "refusal_purpose", "visit_purpose")),
        ("trial_purpose", c_uint64),
        *_fields("", "rate farthest first_opening"),
        *_fields("", "", "purpose draw row_of wait_pieces normal part_done opened rule covariate"),
        *_fields("", "", "days_until_given arm_counts offsets phase_of phase_stride visit"),
        *_fields(
            "", "", "trait prognosis own_purpose noise_purpose progress share outcome measurement"
        ),
        *((name, Drawn) for name in ("rate_of_site", "screening", "tendency")),
        ("onset", Covariate),
        ("event", Event * 3),
        ("plan", Plan),
    ]

    @property
    def cells(self) -> int:
        """How many cells what is counted has: that of the first measurement."""
        return int(Measurement.from_address(self.measurement).cells)


class Keeper:
    """Keeps alive what a study's structures point to."""

    def __init__(self) -> None:
        self._kept: list[Any] = []

    def array(self, values: Any, dtype: type) -> int:
        """Return where an array of some type begins, that has these values."""
        array: NDArray[Any] = np.ascontiguousarray(values, dtype)
        self._kept.append(array)
        return int(array.__array_interface__["data"][0])

    def structures(self, of: type[Structure], several: Sequence[Structure]) -> int:
        """Return where structures begin, one after another."""
        row = (of * max(len(several), 1))(*several)
        self._kept.append(row)
        return addressof(row)


KEPT: Final = (
    *("closed", "screened", "last_visit", "infusions_given"),
    *("discontinued", "withdrawn", "died"),
)
"""Whole numbers that are kept of each replicate."""


class Unfinished(IntEnum):
    """Why not all trials could be simulated."""

    NOT_COMPLETE = 1
    """Recruitment was not complete at its limit."""
    TOO_MANY = 2
    """More candidates had to be screened than there was room for."""
    NO_MEMORY = 3


SO_FAR: Final = ("last_visit", "infusions_given", "discontinued", "withdrawn", "died")
EACH: Final = ("randomised", "known", "place", *SO_FAR)
"""What is handed back of each patient where looks may cut the trials: `Patients` says what."""


class WholeTrials(NamedTuple):
    """What is kept of whole trials."""

    kept: dict[str, Integers]
    """By the names of `KEPT`, shape (replicate,)."""
    counts: Integers
    """The patients analysed, shape (replicate, stratum, 2, cell)."""
    complete: Integers
    """Those of trials with complete follow-up."""
    each: dict[str, Integers] | None = None
    """By the names of `EACH`, shape (replicate, patient), and `arrival`, (replicate, candidate)."""
    measured: "Measured | None" = None


class Measured(NamedTuple):
    """What was measured of each patient, as analysed and then as if nothing had been missed."""

    cells: Integers
    """Shape (2, measurement, replicate, patient)."""
    known: Booleans
    """Whether there is one, in the same shape."""
    arms: Integers
    """Shape (replicate, patient)."""
    sites: Integers


class Ranked(Structure):
    """Patients by their cells on a scale."""

    _fields_ = _fields("", "", "cell known") + _fields("size")

    @classmethod
    def of(cls, cell: Integers, known: Booleans, size: int) -> "Ranked":
        """Return a scale; the arrays have to live as long as it is looked at."""
        return cls(*(one.__array_interface__["data"][0] for one in (cell, known)), size)


MOST_CELLS: Final = 2**15
"""The most cells that a scale can have whose cells are looked at patient by patient."""
SIZE_OF_STUDY: Final = sizeof(Study)
"""In bytes, which a library has to agree with."""
