"""What the replicates of a trial that looks say of its looks, each with its Monte Carlo error."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from trialsim.arrays import Booleans, Floats
from trialsim.replicates.monitoring.monitored import OF_A_LOOK, PREFIX, of_look
from trialsim.replicates.monitoring.re_estimated import ReEstimated, SizePlan
from trialsim.replicates.monitoring.spread import Spread, plain, spread_of, with_error
from trialsim.scenario.monitoring.looks import AT_THE_END
from trialsim.stats.monte_carlo import (
    Mean,
    Proportion,
    RatioOfMeans,
    coverage,
    logarithms,
    mean_over_replicates,
    most_left_out,
    wilson_interval,
    without_logarithm,
)

if TYPE_CHECKING:
    from pandas import DataFrame

_PROBABILITIES: Final = ("held", "efficacy", "harm", "futility", "full_information")
"""Of all replicates; the rest is of those in which the look was held."""
STOPS: Final = ("efficacy", "harm", "futility", "full_information")
_SPREAD: Final = ("randomised", "analysed", "duration_days", "infusions_given")
_ENDS: Final = ("low", "high")
FINAL: Final = AT_THE_END
Reason: TypeAlias = Literal["efficacy", "harm", "futility", "information"]
REASONS: Final[tuple[Reason, ...]] = ("efficacy", "harm", "futility", "information")
"""Why a look ends a trial: by information, where it has all and does not reject."""


class Estimation(NamedTuple):
    """How well one kind of estimate does in some of the trials.

    The errors of bias and of the root of the mean squared error have the error of the true effect
    in them, which the same trials give.
    """

    trials: int
    without_logarithm: int
    """Ratios of 0 or infinity among them, which bias and RMSE leave out; both are NaN where so many
    are left out that the others do not stand for all."""
    bias: Mean
    rmse: Mean
    """Root of the mean squared error; its error by the delta method."""
    coverage: Proportion


@dataclass(frozen=True, slots=True)
class LooksResult:
    """The looks of a design over replicates."""

    columns: Mapping[str, Floats]
    """As in the result that it is part of."""
    true_effect: RatioOfMeans
    """The treatment-policy estimand: the effect with complete follow-up."""
    log_scale: bool
    """Whether bias and error are of the logarithm, as of a ratio."""
    is_target: bool
    """Whether that estimand is what the analysis is for: else a difference from it is no bias."""
    size_plan: SizePlan | None
    """What is planned of the number of patients, None where no look sets it again."""

    @property
    def truth(self) -> float:
        """The true effect."""
        return float(self.true_effect.mean.estimate)

    @property
    def re_estimated(self) -> ReEstimated | None:
        """What became of the number of patients, None where no look sets it again."""
        return None if self.size_plan is None else ReEstimated(self.size_plan, self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """The looks, in order."""
        ends = f".{OF_A_LOOK[0]}"
        found = (name for name in self.columns if name.startswith(PREFIX) and name.endswith(ends))
        return tuple(name.removeprefix(PREFIX).removesuffix(ends) for name in found)

    @property
    def is_adjusted(self) -> bool:
        """Whether estimate or interval differ from those of a trial without looks."""
        ends = ("estimate", "low", "high")
        return any(
            not np.array_equal(self.columns[end], self.columns[f"naive_{end}"], equal_nan=True)
            for end in ends
        )

    @property
    def kinds(self) -> Mapping[str, str]:
        """The kinds of estimate that differ, and how the names of their columns begin."""
        return {"reported": "", "naive": "naive_"} if self.is_adjusted else {"naive": "naive_"}

    @property
    def finished(self) -> Booleans:
        """Which replicates did not fail."""
        return np.isfinite(self.columns["stop"])

    def probability(self, look: str, what: str) -> Proportion:
        """Return how often something happened at a look, among all finished replicates."""
        happened = self.columns[of_look(look, what)]
        return wilson_interval(np.nansum(happened), self.finished.sum())

    def at(self, look: str, what: str) -> Mean:
        """Return the mean of a number over the trials in which a look was held.

        Of bounds, over those that can be reached: NaN if none can.
        """
        values = self.columns[of_look(look, what)]
        return mean_over_replicates(np.where(np.isfinite(values), values, np.nan))

    def out_of_reach(self, look: str) -> Proportion:
        """Return in what share of the trials in which a look was held its bound has no end."""
        bounds = self.columns[of_look(look, "bound")]
        return wilson_interval(np.isinf(bounds).sum(), (~np.isnan(bounds)).sum())

    def too_late(self, look: str) -> Proportion:
        """Return how often a look stops a trial all of whose patients are randomised already.

        Among all finished replicates. Such a stop saves nobody.
        """
        stops = [self.columns[of_look(look, what)] == 1 for what in STOPS]
        everybody = self.columns[of_look(look, "randomised_by_decision")]
        late = np.any(stops, axis=0) & (everybody >= self.columns["planned_patients"])
        return wilson_interval(late.sum(), self.finished.sum())

    def reversals(self, why: Reason | None = None) -> Proportion:
        """Return in what share of the stops, all or for one reason, the completed data undo it.

        The completed data are those of all who were randomised, followed up, as the last analysis:
        they undo a stop for efficacy or harm if they do not reject on its side, one for futility or
        at full information if they reject. NaN without such a stop, or where those who wait are
        left out.
        """
        undone = self.columns["reversed"]
        if why is not None:
            undone = np.where(self.columns[f"stopped_for_{why}"] == 1, undone, np.nan)
        known = undone[np.isfinite(undone)]
        return wilson_interval(known.sum(), len(known))

    def spread(self, name: str) -> Spread:
        """Return mean and quantiles of the patients, the duration or the infusions of a trial."""
        return spread_of(self._spread_of(name))

    def _spread_of(self, name: str) -> Floats:
        if name == "analysed":
            return self.columns["treated_analysed"] + self.columns["control_analysed"]
        return self.columns[name]

    def estimation(self, kind: str = "", where: str | None = None) -> Estimation:
        """Return how an estimate does: the reported one, or `naive_`; overall or where it stopped.

        Parameters
        ----------
        where
            A look, or `final`: only the trials that ended there.
        """
        chosen = self.finished
        estimates = np.where(chosen, self.columns[f"{kind}estimate"], np.nan)
        if where is not None:
            chosen = chosen & (self.columns["stop"] == [*self.names, FINAL].index(where))
        low, high = (np.where(chosen, self.columns[f"{kind}{end}"], np.nan) for end in _ENDS)
        lost = without_logarithm(estimates[chosen]) if self.log_scale else 0
        whole = self._scaled(estimates)
        if lost > most_left_out(int(chosen.sum())):
            whole = np.where(chosen, np.nan, whole)
        error = whole - self._scaled(np.asarray(self.truth))
        bias = self._with_truth(error, chosen, 1.0)
        square = self._with_truth(error**2, chosen, 2 * float(bias.estimate))
        root = np.sqrt(square.estimate)
        half = np.where(root > 0, 2 * root, np.inf)
        return Estimation(
            trials=int(chosen.sum()),
            without_logarithm=lost,
            bias=bias,
            rmse=Mean(root, square.mcse / half, square.sd / half),
            coverage=coverage(low, high, self.truth),
        )

    def _with_truth(self, values: Floats, chosen: Booleans, slope: float) -> Mean:
        """Return the mean over chosen trials of what falls by `slope` as the true effect rises.

        The true effect is that of all trials: its error is in that of the mean.
        """
        influence = self.true_effect.influence / (self.truth if self.log_scale else 1.0)
        here = np.where(chosen, values, np.nan)
        mean = mean_over_replicates(here).estimate
        share = np.isfinite(here).sum() / max(np.isfinite(values).sum(), 1)
        moved = np.where(chosen, (values - mean) / share, 0.0) - slope * influence
        error = mean_over_replicates(np.where(np.isfinite(values), moved, np.nan)).mcse
        sd = mean_over_replicates(here - slope * influence).sd
        return Mean(mean, np.where(np.isfinite(sd), error, np.nan), sd)

    def _scaled(self, values: Floats) -> Floats:
        return logarithms(values) if self.log_scale else values

    @property
    def frame(self) -> "DataFrame":
        """A row for each look: means over the trials that held it, and probabilities over all.

        Each with its Monte Carlo standard error, and a probability with the ends of its interval.
        """
        from pandas import DataFrame

        return DataFrame([*self._rows()])

    def _rows(self) -> Iterator[dict[str, Any]]:
        """Yield the numbers of each look with their errors."""
        for look in self.names:
            row: dict[str, Any] = {"look": look}
            for what in OF_A_LOOK:
                is_share = what in _PROBABILITIES
                found = self.probability(look, what) if is_share else self.at(look, what)
                row |= with_error(what, found)
            row |= with_error("out_of_reach", self.out_of_reach(look))
            yield row | with_error("too_late", self.too_late(look))

    def to_dict(self) -> dict[str, Any]:
        """Return the looks as plain values, for JSON."""
        return {
            "looks": self.frame.to_dict("records"),
            "reversals": {
                "all": plain(self.reversals()),
                **{why: plain(self.reversals(why)) for why in REASONS},
            },
            "spread": {name: self.spread(name).to_dict() for name in _SPREAD},
            **({} if self.re_estimated is None else {"re_estimation": self.re_estimated.to_dict()}),
            "estimation": [
                {"estimate": kind, "where": where, **numbers}
                for kind, where, numbers in self._estimations()
            ],
        }

    def _estimations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield how each estimate does, over all and by where the trial ended."""
        for kind, prefix in self.kinds.items():
            for where in (None, *self.names, FINAL):
                found = self.estimation(prefix, where)
                numbers: dict[str, Any] = {"trials": found.trials}
                numbers["without_logarithm"] = found.without_logarithm
                measures: dict[str, Mean | Proportion]
                measures = {"bias": found.bias, "rmse": found.rmse, "coverage": found.coverage}
                numbers |= {name: plain(one) for name, one in measures.items()}
                if not self.is_target:
                    numbers |= dict.fromkeys(measures, None)
                    numbers["difference_from_truth"] = plain(found.bias)
                yield kind, where or "all", numbers
