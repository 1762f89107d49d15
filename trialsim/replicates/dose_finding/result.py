"""The operating characteristics of a dose finding, each with its Monte Carlo error."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialsim.arrays import Floats
from trialsim.replicates.dose_finding.kept import COMPLETE, PREFIX, names_of_curves
from trialsim.replicates.monitoring.spread import share_of
from trialsim.scenario.plan.methods.dose_finding.mcp_mod import McpMod
from trialsim.scenario.programme import Programme, Study
from trialsim.stats.dose_response.target_dose import target_dose
from trialsim.stats.monte_carlo import Mean, Proportion, coverage, mean_over_replicates


@dataclass(frozen=True, slots=True)
class DoseFindingResult:
    """What the replicates say of shapes and target dose; those that failed are left out."""

    curves: Mapping[str, Mean]
    """By shape, how often its curve is chosen, or its mean weight; of all trials."""
    target: float
    """The effect that is looked for, on the scale of the estimate."""
    true_effects: Mapping[float, Mean]
    """By dose, the effect with complete follow-up, on the scale of the curves."""
    true_target: float
    """The smallest dose with the target effect, by a smooth curve through the true effects of the
    doses of the study; NaN where it does not reach it."""
    found: Proportion
    """How often a curve reaches the target within the doses."""
    right_dose: Proportion
    """How often the smallest dose of the study that is not below the target dose is the smallest
    whose true effect reaches the target; or none is found where none does."""
    target_dose: Mean
    """Over the trials in which one is found."""
    bias: Mean
    """Of the target dose, over the trials in which one is found; the error is that of its mean,
    and does not hold that of the true effects."""
    coverage: Proportion
    """How often the interval holds the true target dose, of all trials with an interval."""
    at_bound: Proportion
    """How often a chosen curve has a parameter at the end of its range, of all trials."""

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        shares = ("found", "right_dose", "coverage", "at_bound")
        return {
            "curves": {name: _plain(one) for name, one in self.curves.items()},
            "true_effects": {f"{dose:g}": _plain(one) for dose, one in self.true_effects.items()},
            "target": self.target,
            "true_target": self.true_target,
            **{name: _plain(getattr(self, name)) for name in (*shares, "target_dose", "bias")},
        }


@dataclass(frozen=True, slots=True)
class DosePlan:
    """What of a study the result of its dose finding needs."""

    method: McpMod
    doses: Mapping[str, float]
    """By arm."""

    def result(self, columns: Mapping[str, Floats]) -> DoseFindingResult | None:
        """Return what the columns of the replicates say; None without a target."""
        if self.method.target is None:
            return None
        done = np.isfinite(columns["rejected"])
        known = {name: values[done] for name, values in columns.items()}
        order = sorted(self.doses, key=self.doses.__getitem__)
        effects = {self.doses[arm]: mean_over_replicates(known[COMPLETE + arm]) for arm in order}
        doses = np.array(list(effects))
        levels = np.array([float(one.estimate) for one in effects.values()])
        truth = crossing(doses, levels, self.method.target_effect)
        found = known[f"{PREFIX}target"]
        taken = _dose_taken(found, doses)
        right = _dose_taken(np.array([truth]), doses)
        away = mean_over_replicates(found)
        return DoseFindingResult(
            curves={
                name.removeprefix(f"{PREFIX}curve_"): mean_over_replicates(known[name])
                for name in names_of_curves(self.method)
            },
            target=self.method.target,
            true_effects=effects,
            true_target=truth,
            found=share_of(np.isfinite(found)),
            right_dose=share_of(taken == right),
            target_dose=away,
            bias=Mean(away.estimate - truth, away.mcse, away.sd),
            coverage=coverage(known[f"{PREFIX}low"], known[f"{PREFIX}high"], truth),
            at_bound=share_of(known[f"{PREFIX}at_bound"] > 0),
        )


def dose_plan_of(study: Study) -> DosePlan | None:
    """Return what is planned of the doses; None of a study that looks for none."""
    if isinstance(study, Programme) or not isinstance(study.analysis.test, McpMod):
        return None
    method = study.analysis.test
    return DosePlan(method, method.doses_of(study.design, study.analysis.control))


def crossing(doses: Floats, effects: Floats, target: float) -> float:
    """Return the smallest dose with a target effect, by a smooth curve through those of doses.

    The curve rises and falls where the effects do, from dose 0 without one (Fritsch and Butland
    1984, SIAM Journal on Scientific and Statistical Computing 5:300). NaN where no dose reaches it,
    or the effect of one is not known.

    >>> round(crossing(np.array([10.0, 30.0]), np.array([1.0, 3.0]), 2.0), 6)
    20.0
    """
    from scipy.interpolate import PchipInterpolator

    if np.isnan(effects).any():
        return float("nan")
    curve = PchipInterpolator(np.insert(doses, 0, 0.0), np.insert(effects, 0, 0.0))
    return float(target_dose(lambda at: np.asarray(curve(at)), target, float(doses.max())))


def _dose_taken(target: Floats, doses: Floats) -> Floats:
    """Return the place of the smallest dose not below a target; their number where none is."""
    known = np.where(np.isnan(target), np.inf, target)
    return np.asarray(np.searchsorted(doses, known * (1 - 1e-9)), np.float64)


def _plain(summary: Mean | Proportion) -> dict[str, float]:
    return {name: float(value) for name, value in summary._asdict().items()}
