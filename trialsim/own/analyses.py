"""Analyses that users write: a batch of trials as arrays in, an estimate of each trial out."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, read_only
from trialsim.errors import InputError, Problem
from trialsim.own.registry import Registered, Registry, checked_name, fingerprint, first_error


@dataclass(frozen=True, slots=True)
class AnalysisData:
    """A batch of trials as an own analysis sees it; no array can be written to.

    The last axes are patients, in order of randomisation, and visits, baseline first.
    """

    scores: Floats
    """Scores of the endpoint, shape (replicate, patient, visit), in the unit of the scale; NaN
    where one was not measured or does not count under the plan."""
    value: Floats
    """The one value of each patient under the plan's rules for missing scores, deaths and the
    analysis set, shape (replicate, patient): steps of the scale above its worst end plus 1, more
    is better, 0 for those ranked below all; NaN where the patient is not analysed."""
    included: Booleans
    """Who belongs to the analysis set where a score is known, shape (replicate, patient)."""
    treated: Booleans
    """Who is of the arm that is compared, shape (replicate, patient)."""
    control: Booleans
    """Who is of the control arm, shape (replicate, patient)."""
    arm: Integers
    """The arm as its place among `arms`, shape (replicate, patient)."""
    baseline: Floats
    """The score before treatment, shape (replicate, patient); NaN where there is none."""
    site: Integers
    """The site as its number from 0, shape (replicate, patient)."""
    covariates: Mapping[str, Floats]
    """What was known at screening by name, shape (replicate, patient) each; a level as its place,
    a flag as 0 or 1."""
    died: Booleans
    """Who had died by each visit, shape (replicate, patient, visit)."""
    arms: tuple[str, ...]
    visits: tuple[str, ...]
    visit: int
    """The place of the plan's visit among `visits`."""
    higher_is_better: bool
    """Which end of the scale of the scores is better."""
    confidence: float
    """The coverage that the interval is to have, such as 0.95."""
    alternative: str
    """two-sided, or greater or less: that the treated are better or worse."""
    parameters: Mapping[str, float]
    """The numbers that the study file gives the analysis, by name."""
    seed: int
    replicates: Integers
    """The number of each replicate under the seed, shape (replicate,)."""

    def of(self, rows: Integers) -> "AnalysisData":
        """Return some of the replicates, by their places in the batch."""
        changes: dict[str, Any] = {
            one.name: read_only(getattr(self, one.name)[rows])
            for one in dataclasses.fields(self)
            if isinstance(getattr(self, one.name), np.ndarray)
        }
        covariates = CovariatesOf(self.covariates, rows)
        return dataclasses.replace(self, **changes, covariates=covariates)


class CovariatesOf(Mapping[str, Floats]):
    """The covariates of some replicates, made when they are looked at, not to be written to."""

    def __init__(self, covariates: Mapping[str, Floats], rows: Integers | None = None) -> None:
        """Take the covariates of a batch, and the rows of some replicates in it, or all."""
        self._covariates, self._rows = covariates, rows

    def __getitem__(self, name: str) -> Floats:
        whole = self._covariates[name]
        return read_only(whole if self._rows is None else whole[self._rows])

    def __iter__(self) -> Iterator[str]:
        return iter(self._covariates)

    def __len__(self) -> int:
        return len(self._covariates)


class Estimates(NamedTuple):
    """What an own analysis finds, a number for each replicate, shape (replicate,) each.

    The interval is given by its ends, or by a standard error, of which a normal one is made. Where
    nothing can be estimated, the p-value is 1 and all else NaN.
    """

    estimate: Any
    """Above its null value the treated are better."""
    p_value: Any
    """Of the alternative that the plan says, from 0 to 1."""
    standard_error: Any = None
    low: Any = None
    high: Any = None
    statistic: Any = None
    """The test's statistic; NaN, as without it, where it has none."""


Analysis: TypeAlias = Callable[[AnalysisData], Estimates]


@dataclass(frozen=True, slots=True)
class OwnAnalysis(Registered):
    """A registered analysis, and what is said of it in print."""

    estimates: str
    null: float

    def of(self, data: AnalysisData) -> Estimates:
        """Return what it finds in every replicate, as checked arrays of floats.

        Raises
        ------
        InputError
            With the analysis's name and the replicate's address, if it raises, or returns what is
            no estimate of each replicate, or another one of a replicate in other company: the first
            and the last alone, and all others without the one before and the one after.
        """
        found = self._called(data)
        places = np.arange(len(data.replicates))
        if len(places) > 1:
            for rows in (places[:1], places[-1:], places[::2], places[1::2]):
                self._hold_in_other_company(rows, found, data)
        return found

    def _hold_in_other_company(self, rows: Integers, found: Estimates, data: AnalysisData) -> None:
        """Refuse an analysis that finds something else in some replicates than in the batch."""
        few = self._called(data.of(rows))
        for name, batch, again in zip(Estimates._fields, found, few, strict=True):
            other = batch[rows].view(np.int64) != again.view(np.int64)
            if other.any():
                place = int(np.argmax(other))
                company = "alone" if len(rows) == 1 else "among fewer"
                rule = f"must give a replicate the same {name} {company} as in a batch, to the bit"
                value = f"{again[place].item()!r} and {batch[rows][place].item()!r}"
                raise self._refused(rule, data, int(rows[place]), value)

    def _called(self, data: AnalysisData) -> Estimates:
        try:
            found = self.function(data)
        except (Exception, SystemExit) as error:
            alone = (data.of(np.array([row])) for row in range(len(data.replicates)))
            row, rule = first_error(self.function, alone, error)
            raise self._refused(rule, data, row) from error
        if not isinstance(found, Estimates):
            rule = "must return trialsim.Estimates"
            raise self._refused(rule, data, None, type(found).__name__)
        return self._checked(found, data)

    def _checked(self, found: Estimates, data: AnalysisData) -> Estimates:
        for name in ("estimate", "p_value"):
            if getattr(found, name) is None:
                raise self._refused(f"must return {name}", data, None)
        if found.standard_error is None and (found.low is None or found.high is None):
            rule = "must return standard_error, or low and high"
            raise self._refused(rule, data, None)
        arrays = {
            name: self._array(name, value, data)
            for name, value in found._asdict().items()
            if value is not None
        }
        nothing = np.full(len(data.replicates), np.nan)
        whole = Estimates(**{**dict.fromkeys(Estimates._fields, nothing), **arrays})
        if found.low is None or found.high is None:
            whole = _with_normal_interval(whole, data.confidence)
        p_value, silent = whole.p_value, whole.p_value == 1
        wrong = ~((p_value >= 0) & (p_value <= 1))
        self._hold(wrong, "must return a p-value from 0 to 1", p_value, data)
        for name in ("estimate", "low", "high"):
            value = getattr(whole, name)
            rule = f"must return no NaN in {name}, except where the p-value is 1"
            self._hold(np.isnan(value) & ~silent, rule, value, data)
        crossed = whole.low > whole.high
        self._hold(crossed, "must return an interval with low at most high", whole.low, data)
        return whole

    def _array(self, name: str, value: Any, data: AnalysisData) -> Floats:
        wanted = data.replicates.shape
        try:
            array = np.asarray(value)
        except ValueError:  # lists of unequal lengths
            rule = f"must return {name} in the shape {wanted}, one for each replicate"
            raise self._refused(rule, data, None, "lists of unequal lengths") from None
        if array.dtype.kind not in "fiu":
            rule = f"must return numbers in {name}"
            raise self._refused(rule, data, None, f"dtype {array.dtype}")
        if array.shape != wanted:
            rule = f"must return {name} in the shape {wanted}, one for each replicate"
            raise self._refused(rule, data, None, f"shape {array.shape}")
        return np.array(array, np.float64)

    def _hold(self, wrong: Booleans, rule: str, value: Floats, data: AnalysisData) -> None:
        if wrong.any():
            row = int(np.argmax(wrong))
            raise self._refused(rule, data, row, repr(value[row].item()))

    def _refused(
        self, rule: str, data: AnalysisData, row: int | None, value: str | None = None
    ) -> InputError:
        first, last = int(data.replicates[0]), int(data.replicates[-1])
        if row is not None:
            where = f"replicate {int(data.replicates[row])}"
        else:
            where = f"replicate {first}" if first == last else f"replicates {first} to {last}"
        told = f"own analysis {self.name}: {rule}; seed {data.seed}, {where}"
        return InputError([Problem("analysis.test", told, value)])


KNOWN_ANALYSES: Final[Registry[OwnAnalysis]] = Registry("analyses")


def own_analysis(
    name: str, *, estimates: str, null: float, version: str = ""
) -> Callable[[Analysis], Analysis]:
    """Register a function as an analysis that a study file can name.

    The file says `test: {method: own, analysis: NAME}`. Above the null value the treated must be
    better. Worker processes are sent the function with the study, so it must be importable there or
    stand in the script or notebook that runs.

    Parameters
    ----------
    name
        Lower case letters, digits and underscores.
    estimates
        What is estimated, such as `log odds ratio`.
    null
        Its value when the arms do not differ, such as 0.
    version
        To be changed when what the function calls is changed: with the function's own text it is
        part of the study's digest.

    Raises
    ------
    InputError
        If the name is none, what is registered is no Python function, or another function has
        the name.
    """
    checked_name(name)

    def register(function: Analysis) -> Analysis:
        code = fingerprint(function, version)
        KNOWN_ANALYSES.register(OwnAnalysis(name, function, code, estimates, float(null)))
        return function

    return register


def _with_normal_interval(found: Estimates, confidence: float) -> Estimates:
    from scipy.special import ndtri

    reach = float(ndtri((1 + confidence) / 2)) * found.standard_error
    return found._replace(low=found.estimate - reach, high=found.estimate + reach)
