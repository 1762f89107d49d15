"""What each simulated trial gives for the figures that were published of a study."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from trialsim.analysis.endpoint import WORST, endpoint, filled_in
from trialsim.analysis.primary import PrimaryAnalysis, analyse_primary
from trialsim.arrays import Booleans, Floats, RowIndex
from trialsim.clock import NEVER
from trialsim.scenario.patients.eligibility import Rule
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.plan.findings import (
    AnalysisFigure,
    Finding,
    JointCondition,
    Of,
    OfCovariate,
    OfOutcome,
    OfPatients,
    Summary,
    What,
)
from trialsim.trial.cohort import meets
from trialsim.trial.trial import Trial


def finding_figures(trial: Trial, findings: Mapping[str, Finding]) -> dict[str, Floats]:
    """Return each finding's figure in every replicate, shape (replicate,).

    NaN where there is none, such as the mean of nobody.
    """
    figures = _Figures(trial)
    return {name: figures.of(finding.of) for name, finding in findings.items()}


class _Figures:
    """The figures of a batch; what several of them need is computed once."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._analyses: dict[str, PrimaryAnalysis] = {}

    def of(self, of: Of) -> Floats:
        match of:
            case AnalysisFigure():
                return self._of_analysis(of)
            case OfCovariate():
                return self._of_covariate(of)
            case OfOutcome():
                return self._of_outcome(of)
            case OfPatients():
                return self._of_patients(of)

    def _of_analysis(self, of: AnalysisFigure) -> Floats:
        if of.analysis not in self._analyses:
            plan = self._trial.scenario.analysis
            one = plan if of.analysis == PRIMARY else plan.further[of.analysis]
            self._analyses[of.analysis] = analyse_primary(self._trial, one)
        found = self._analyses[of.analysis]
        figures = {"estimate": found.estimate, "low": found.low, "high": found.high}
        return figures[of.figure] if of.figure in figures else found.favoured.astype(float)

    def _of_covariate(self, of: OfCovariate) -> Floats:
        among = self._among(of.arm, of.subgroup)
        if of.figure == "share":
            return _mean(self._meets(of.share_rule).astype(float), among)
        values = self._patients.of(self._trial.cohort.covariates[of.covariate])
        return _summary(values, among, of.figure)

    def _of_outcome(self, of: OfOutcome) -> Floats:
        values = self._scores(of, of)
        known = self._among(of.arm, of.subgroup) & ~np.isnan(values)
        if of.figure != "share":
            return _summary(values, known, of.figure)
        met = _within(values, of)
        if of.besides is not None:
            others = self._scores(of, of.besides)
            known &= ~np.isnan(others)
            met &= _within(others, of.besides)
        return _mean(met.astype(float), known)

    def _scores(self, of: OfOutcome, what: OfOutcome | JointCondition) -> Floats:
        """Return the scores or changes at a visit; NaN for those without, the dead among them."""
        trial = self._trial
        changes = {"endpoint": what.outcome, "visit": of.visit, "measure": what.measure}
        measured: dict[str, Any] = {"missing": "complete_case", "intercurrent": {}}
        rules = measured if of.scores == "measured" else {}
        plan = trial.scenario.analysis.model_copy(update={**changes, **rules})
        values: Floats = filled_in(trial, plan)
        if of.scores == "analysed":
            ranked = endpoint(trial, plan)
            values = np.where(ranked.analysed & (ranked.cell > WORST), values, np.nan)
        if what.measure == "change":
            values = values - trial.scores.at(what.outcome, 0)
        return values

    def _of_patients(self, of: OfPatients) -> Floats:
        among = self._among(of.arm, of.subgroup)
        happened = self._to_whom(of.what)
        if of.figure == "count":
            return np.asarray((happened & among).sum(axis=1), np.float64)
        return _mean(happened.astype(float), among)

    def _to_whom(self, what: What) -> Booleans:
        conduct = self._trial.conduct
        match what:
            case "randomised":
                return self._there
            case "analysed":
                return endpoint(self._trial, self._trial.scenario.analysis).analysed
            case "completed":
                return conduct.visit_attended[:, :, -1]
            case "discontinued":
                return conduct.discontinued < NEVER
            case "withdrawn":
                return conduct.withdrawn < NEVER
            case "died":
                return conduct.died < NEVER
            case "left":
                return np.minimum(conduct.exited, conduct.discontinued) < NEVER

    def _among(self, arm: str | None, subgroup: Rule | None) -> Booleans:
        """Return who belongs to an arm and a subgroup, shape (replicate, patient)."""
        among = self._there
        if arm is not None:
            place = list(self._trial.scenario.design.arms).index(arm)
            among = among & (self._trial.arms == place)
        return among if subgroup is None else among & self._meets(subgroup)

    @property
    def _there(self) -> Booleans:
        """Who was randomised, not among those who were missing at the limit of recruitment."""
        return np.asarray(self._trial.conduct.randomised < NEVER)

    def _meets(self, rule: Rule) -> Booleans:
        return meets(rule, self._trial.scenario, self._trial.cohort, self._patients)

    @cached_property
    def _patients(self) -> RowIndex:
        return RowIndex(self._trial.candidate)


def _within(values: Floats, bounds: OfOutcome | JointCondition) -> Booleans:
    """Return which values lie within bounds, both ends included; a bound of null is none."""
    met = np.ones(values.shape, np.bool_)
    if bounds.at_least is not None:
        met &= values >= bounds.at_least
    if bounds.at_most is not None:
        met &= values <= bounds.at_most
    return met


def _summary(values: Floats, among: Booleans, figure: Summary) -> Floats:
    """Return mean, SD (with n - 1) or median over the patients among whom it is asked."""
    if figure == "median":
        return _median(np.where(among, values, np.nan))
    mean = _mean(values, among)
    if figure == "mean":
        return mean
    residuals = np.where(among, values - mean[:, None], 0.0)
    degrees = among.sum(axis=1) - 1.0
    variance = (residuals**2).sum(axis=1) / np.where(degrees > 0, degrees, np.nan)
    return np.asarray(np.sqrt(variance))


def _mean(values: Floats, among: Booleans) -> Floats:
    """Return the mean over some patients of each replicate; NaN of nobody.

    >>> _mean(np.array([[1.0, 2.0, np.nan]]), np.array([[True, True, False]])).tolist()
    [1.5]
    """
    patients = among.sum(axis=1)
    total = np.where(among, values, 0.0).sum(axis=1)
    return np.asarray(total / np.where(patients > 0, patients, np.nan))


def _median(values: Floats) -> Floats:
    """Return the median of each row, NaN left out; NaN of nobody.

    >>> _median(np.array([[3.0, np.nan, 1.0, 10.0], [np.nan] * 4])).tolist()
    [3.0, nan]
    """
    ordered, known = np.sort(values, axis=1), (~np.isnan(values)).sum(axis=1)
    rows = np.arange(len(values))
    low, high = ((known + shift) // 2 for shift in (-1, 0))
    middle: Floats = (ordered[rows, np.maximum(low, 0)] + ordered[rows, np.maximum(high, 0)]) / 2
    return np.where(known > 0, middle, np.nan)
