"""What the replicates say of analyses tested together: each of them, any, and all of them.

Those are the secondary ones, or with families and graphs the analyses named there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np

from trialsim.analysis.secondary import (
    Adjusted,
    adjusts_p_values_alone,
    analyses_of,
    every_analysis,
)
from trialsim.analysis.whole.counted import counted_trials, measured_data
from trialsim.analysis.whole.covered import measuring_all
from trialsim.arrays import Booleans, Floats
from trialsim.errors import Problem
from trialsim.replicates.monitoring.spread import plain, share_of
from trialsim.replicates.quantities import numbers_of
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.plan.multiplicity import ALL, TOGETHER
from trialsim.scenario.programme import Programme, Study
from trialsim.scenario.scenario import Scenario
from trialsim.stats.monte_carlo import Mean, Proportion, mean_over_replicates
from trialsim.stats.multiplicity.p_value_adjustments import tested
from trialsim.streams import Streams
from trialsim.trial.trial import Trial

PREFIX: Final = "secondary "
"""Of the names of the numbers that are kept of them."""
ONLY_AT_THE_LAST: Final = (
    "Tested only in trials that reach the last analysis; the others count as not rejecting."
)
_OF_EACH: Final = ("rejected", "favoured")


def problems_of_secondary(study: Study) -> Iterator[Problem]:
    """Yield why the secondary analyses of a study have no power beside the primary one."""
    if isinstance(study, Programme):
        yield Problem("secondary", "must be left out of a programme, which has one analysis")
    elif not study.analysis.secondary:
        yield Problem("secondary", "needs secondary analyses in the plan of the study")


def names_of_secondary(study: Scenario) -> tuple[str, ...]:
    """Return the names of what is kept of the analyses beside the primary one by itself."""
    return tuple(_name(one, what) for one in study.analysis.together for what in _OF_EACH)


def secondary_quantities(trial: Trial) -> dict[str, Floats]:
    """Return what is kept of the secondary analyses of each replicate.

    Where success depends on more than the primary analysis by itself, what is kept of its test is
    that of success: the adjusted p-value, and whether it rejects.
    """
    plan = trial.scenario.analysis
    return _numbers(every_analysis(trial, plan), plan)


def counting_every_analysis(
    study: Scenario,
) -> Callable[[Streams], dict[str, Floats] | None] | None:
    """Return what gives that and `quantities` without a trial to look at, from one simulation.

    There is nothing that gives it where an analysis, or its adjustment, needs trials to look at.
    """
    whole = measuring_all(study) if adjusts_p_values_alone(study.analysis) else None
    return None if whole is None else partial(_at_once, whole=whole, study=study)


def _at_once(streams: Streams, whole: Scenario, study: Scenario) -> dict[str, Floats] | None:
    trials, plan = counted_trials(whole, streams), study.analysis
    if trials is None or trials.measured is None:
        return None
    found = measured_data(study, whole, trials.measured, complete=False)
    complete = measured_data(study, whole, trials.measured, complete=True)
    each = {name: replace(found, plan=one) for name, one in plan.every.items()}
    primary = numbers_of(found, complete, trials.kept)
    return {**primary, **_numbers(analyses_of(each, plan), plan)}


def _numbers(found: Mapping[str, Adjusted], plan: AnalysisPlan) -> dict[str, Floats]:
    numbers = _kept(found, plan.together)
    return {**numbers, **_of_success(found, plan)} if plan.needs_every_analysis else numbers


def secondary_after_looks(trial: Trial, numbers: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the same of trials that look, whose secondary analyses are made at the last alone.

    A trial that a look has stopped makes none, and rejects in none. With a procedure they stand
    behind the primary test as the looks decided it.

    Parameters
    ----------
    numbers
        What `monitored_quantities` gives of the trials.
    """
    looks, plan = trial.scenario.monitoring, trial.scenario.analysis
    assert looks is not None
    whole = numbers["stop"] == len(looks.names)
    among = np.arange(trial.arms.shape[1]) < numbers["randomised"][:, np.newaxis]
    decided = np.where(numbers["rejected"] == 1, 0.0, 1.0)
    found = every_analysis(trial, plan, among, decided)
    kept = _kept(found, plan.together)
    return {name: np.where(whole, number, 0.0) for name, number in kept.items()}


def _kept(found: Mapping[str, Adjusted], names: tuple[str, ...]) -> dict[str, Floats]:
    numbers: dict[str, Floats] = {}
    for name in names:
        numbers[_name(name, "rejected")] = found[name].rejected.astype(np.float64)
        numbers[_name(name, "favoured")] = found[name].favoured.astype(np.float64)
    return numbers


def _of_success(found: Mapping[str, Adjusted], plan: AnalysisPlan) -> dict[str, Floats]:
    """Return the p-value of success and whether it is reached, by the names of `QUANTITIES`."""
    names = plan.together if plan.success in TOGETHER else (plan.success,)
    merged = np.max if plan.success == ALL else np.min
    each = [found[name] for name in names]
    return {
        "p_value": merged([tested(one.p_value) for one in each], axis=0),
        "rejected": _merged(plan.success, [one.rejected for one in each]),
        "favoured": _merged(plan.success, [one.favoured for one in each]),
    }


def _merged(success: str, happened: list[Booleans]) -> Floats:
    every = success == ALL
    return np.asarray((np.all if every else np.any)(happened, axis=0), np.float64)


@dataclass(frozen=True, slots=True)
class SecondaryResult:
    """The power of each analysis that is tested together, adjusted where the plan adjusts."""

    columns: Mapping[str, Floats]
    """As in the result that it is part of."""

    @property
    def names(self) -> tuple[str, ...]:
        """The analyses, in the order of the plan."""
        end = f" {_OF_EACH[0]}"
        named = (one.removeprefix(PREFIX) for one in self.columns if one.startswith(PREFIX))
        return tuple(one.removesuffix(end) for one in named if one.endswith(end))

    @property
    def each(self) -> dict[str, Proportion]:
        """Share of replicates that reject in favour of the treated, by analysis."""
        return {name: share_of(self._of(name, "favoured")) for name in self.names}

    @property
    def any(self) -> Proportion:
        """Share in which at least one of them rejects in favour of the treated (disjunctive)."""
        return share_of(self._together("favoured").max(axis=0))

    @property
    def all(self) -> Proportion:
        """Share in which every one of them does (conjunctive)."""
        return share_of(self._together("favoured").min(axis=0))

    @property
    def expected(self) -> Mean:
        """How many of them reject in favour of the treated."""
        return mean_over_replicates(self._together("favoured").sum(axis=0))

    @property
    def any_rejection(self) -> Proportion:
        """Share in which any analysis, the primary one among them, rejects in either direction.

        Where no outcome has an effect this is the family-wise error rate.
        """
        rejected = self._together("rejected").max(axis=0)
        if PRIMARY in self.names:
            return share_of(rejected)
        return share_of(np.maximum(rejected, self.columns["rejected"]))

    @property
    def whole(self) -> Proportion | None:
        """Share of replicates that reach the last analysis, which alone tests them.

        None without looks.
        """
        reached = self._reached
        if reached is None:
            return None
        return share_of(np.where(np.isfinite(self.columns["stop"]), reached, np.nan))

    @property
    def each_of_whole(self) -> dict[str, Proportion]:
        """The same as `each`, among the replicates that reach the last analysis."""
        reached = self._reached
        if reached is None:
            return self.each
        return {name: share_of(self._of(name, "favoured")[reached]) for name in self.names}

    @property
    def _reached(self) -> Booleans | None:
        if "stop" not in self.columns:
            return None
        looks = sum(one.startswith("look.") and one.endswith(".held") for one in self.columns)
        return np.asarray(self.columns["stop"] == looks)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        return {
            "analyses": {name: _plain(share) for name, share in self.each.items()},
            "any": _plain(self.any),
            "all": _plain(self.all),
            "expected_rejections": plain(self.expected),
            "any_rejection": _plain(self.any_rejection),
            **self._of_whole(),
        }

    def _of_whole(self) -> dict[str, Any]:
        """Return what looks leave of them: only trials that reach the last analysis test them."""
        if self.whole is None:
            return {}
        among = {name: _plain(share) for name, share in self.each_of_whole.items()}
        return {
            "note": ONLY_AT_THE_LAST,
            "reach_the_last": _plain(self.whole),
            "among_those": among,
        }

    def shares(self) -> dict[str, Proportion]:
        """Return every share by a name for a table."""
        return {
            **{f"secondary.{name}": share for name, share in self.each.items()},
            "secondary.any": self.any,
            "secondary.all": self.all,
            "any_rejection": self.any_rejection,
        }

    def _of(self, name: str, what: str) -> Floats:
        return self.columns[_name(name, what)]

    def _together(self, what: str) -> Floats:
        return np.stack([self._of(name, what) for name in self.names])


def secondary_of(columns: Mapping[str, Floats]) -> SecondaryResult | None:
    """Return the results of the secondary analyses; None where they were not requested."""
    found = SecondaryResult(columns)
    return found if found.names else None


def _name(analysis: str, what: str) -> str:
    return f"{PREFIX}{analysis} {what}"


def _plain(share: Proportion) -> dict[str, Any]:
    ends = [float(share.low), float(share.high)]
    return {"power": float(share.estimate), "mcse": float(share.mcse), "ci": ends}
