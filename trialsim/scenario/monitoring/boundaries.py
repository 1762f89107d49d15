"""The bounds that a monitoring plan gives at the looks that are held, with their information.

A trial's looks rarely have exactly the planned information. Bounds that spend alpha follow what was
held; those of a classical plan keep the plan's constant; whatever the interim looks have, the last
analysis takes all of alpha that is left, with the correlations as they came out.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Final, TypedDict

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Booleans, Floats, Integers
from trialsim.scenario.monitoring.effect_scale import natural, null_effect
from trialsim.scenario.monitoring.efficacy import CLASSICAL, SPENDING, GivenBounds, HaybittlePeto
from trialsim.scenario.monitoring.futility import (
    BetaSpending,
    OnConditionalPower,
    OnEffect,
    OnP,
    OnPredictivePower,
    OnZ,
)
from trialsim.scenario.monitoring.looks import AT_THE_END
from trialsim.scenario.monitoring.monitoring import Monitoring
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.protocol.design import Design
from trialsim.stats.sequential.boundaries import (
    Bounds,
    beta_spending_bounds,
    beta_spending_drift,
    completed_bounds,
    last_held,
    spending_bounds,
    wang_tsiatis_bounds,
)
from trialsim.stats.sequential.combination import fisher_critical
from trialsim.stats.sequential.conditional_power import (
    z_for_conditional_power,
    z_for_predictive_power,
)
from trialsim.stats.sequential.crossing import (
    crossing_probabilities,
    drift_for_power,
    inflation_factor,
)
from trialsim.stats.sequential.spending import Spending

_AT_ONCE: Final = 1024
"""Ways in which shares may come together whose bounds are solved before they occur."""
_ROUNDING: Final = 1e-9
_MOST_STEPS: Final = 50
"""A few bring the last bound and binding futility to agree."""


class _BetaSpending(TypedDict):
    """How alpha is spent on efficacy and beta on futility."""

    efficacy: Spending
    futility: Spending
    alpha: float
    beta: float
    binding: bool


@dataclass(frozen=True)
class BoundaryPlan:
    """A monitoring plan with all that its bounds need to know of the study."""

    monitoring: Monitoring
    analysis: AnalysisPlan
    patients: int
    """Patients of the design, in all arms."""
    compared: tuple[float, float]
    """Patients planned for the treated arm and for the control."""

    @property
    def sides(self) -> int:
        """One or two."""
        return self.analysis.sides

    @property
    def alpha_of_a_side(self) -> float:
        """The level of either side."""
        return self.analysis.alpha / self.sides

    def is_full(self, fractions: Floats) -> Booleans:
        """Return which looks have all of the planned information, shape (..., looks + 1).

        Such a look is the last analysis. Combined stages keep to their planned weights, whatever
        information they have, so that none ends before the plan says; the last place is never one.
        """
        looks = np.arange(fractions.shape[-1]) < fractions.shape[-1] - 1
        combines = self.monitoring.final.test != "conventional"
        return np.asarray((fractions >= 1 - _ROUNDING) & looks & (not combines))

    @property
    def weights(self) -> Floats:
        """The planned weight of each stage's z in their combination; squares add to 1."""
        return np.sqrt(np.diff(self.fractions, prepend=0.0))

    @property
    def product(self) -> float:
        """What the product of two stages' one-sided p-values may be at most, by Fisher."""
        return float(fisher_critical(self.alpha_of_a_side))

    @property
    def names(self) -> tuple[str, ...]:
        """The looks and the last analysis."""
        return (*self.monitoring.names, AT_THE_END)

    @cached_property
    def fractions(self) -> Floats:
        """The planned shares of information at the looks and the end, shape (looks + 1,)."""
        looks = self.monitoring.looks.values()
        return np.array([*(look.planned_fraction(self.patients) for look in looks), 1.0])

    @cached_property
    def information(self) -> float:
        """The planned information of the effect at the end; NaN where nothing says what it is.

        Unless its standard error is planned, that of a rank test without ties: 12 m n / (N + 1).
        """
        error = self.monitoring.planned_standard_error
        if error is not None:
            return 1.0 / (error * error)
        if self.analysis.quantity.name not in ("Mann-Whitney effect", "win odds", "net benefit"):
            return float("nan")
        if self.analysis.test.method == "wei_lachin":
            return float("nan")
        m, n = self.compared
        return 12 * m * n / (m + n + 1)

    @property
    def null(self) -> float:
        """The effect of no difference."""
        return null_effect(self.analysis)

    @property
    def planned_effect(self) -> float:
        """The effect that the design is for, on the scale of the statistic; NaN if none is."""
        effect = self.monitoring.planned_effect
        return float("nan") if effect is None else float(natural(self.analysis, effect))

    def drift(self, effect: float) -> float:
        """Return the expected z at the planned end under an effect."""
        return (effect - self.null) * math.sqrt(self.information)

    def held(self, fractions: Floats, informations: Floats) -> Bounds:
        """Return bounds on z at looks with these shares of information, shape (..., looks + 1).

        A look that was not held is NaN in `fractions`; the last that was held takes all of alpha
        that is left. `informations` are of the effect, for rules on its scale. Where futility is
        not tried its bound is -inf; at the last analysis it is left at that.
        """
        found = self._held(fractions, informations)
        return Bounds(found.efficacy, np.where(last_held(fractions), -np.inf, found.futility))

    def _held(self, fractions: Floats, informations: Floats) -> Bounds:
        rule = self.monitoring.futility
        if isinstance(rule, BetaSpending):
            return self._beta(fractions)
        on_chance = isinstance(rule, OnConditionalPower | OnPredictivePower)
        critical = self._critical if on_chance else math.nan  # which no other rule needs
        futility = self._futility(fractions, informations, critical)
        binding = rule is not None and rule.binding
        if binding or self.monitoring.information == "variance":
            return Bounds(self._efficacy(fractions, futility if binding else None), futility)
        return Bounds(self._remembered(fractions), futility)

    @cached_property
    def _solved(self) -> dict[bytes, tuple[float, ...]]:
        """Efficacy bounds by the shares of information for which they were solved."""
        rule = self.monitoring.efficacy
        planned = b"" if isinstance(rule, SPENDING) else self.fractions.tobytes()
        return _solved_by(rule.model_dump_json(), self.analysis.alpha, self.sides, planned)

    def _and_others(self, new: Floats, seen: Floats) -> Floats:
        """Return new rows, and the other ways in which shares like those seen may come together.

        To solve many at once takes hardly longer than to solve one.
        """
        values = [self._and_near(np.unique(column[~np.isnan(column)])) for column in seen.T]
        if not 0 < math.prod(map(len, values)) <= _AT_ONCE:
            return new
        others = np.stack(np.meshgrid(*values, indexing="ij"), axis=-1).reshape(-1, len(values))
        unsolved = [key not in self._solved for key in _keys(others)]
        return np.concatenate([new, others[unsolved]])

    def _and_near(self, shares: Floats) -> Floats:
        """Return shares of patients with those between and near, which other trials will have."""
        whole = sum(self.compared)
        counts = np.round(shares * whole)
        if not shares.size or not np.array_equal(counts / whole, shares):
            return shares
        spare = 1 + (counts[-1] - counts[0]) // 4
        return np.arange(max(counts[0] - spare, 1.0), counts[-1] + spare + 1) / whole

    def _remembered(self, fractions: Floats) -> Floats:
        """Return efficacy bounds, solved once for each of the few shares that patients make."""
        rows, places = _distinct(fractions.reshape(-1, fractions.shape[-1]))
        keys = _keys(rows)
        new = [key not in self._solved for key in keys]
        if any(new):
            together = self._and_others(rows[new], rows)
            found = self._efficacy(together, None)
            self._solved.update(zip(_keys(together), map(tuple, found.tolist()), strict=True))
        return np.array([self._solved[key] for key in keys])[places].reshape(fractions.shape)

    @cached_property
    def planned(self) -> Bounds:
        """The bounds at the planned shares of information."""
        return self.held(self.fractions, self.fractions * self.information)

    @cached_property
    def spent(self) -> Floats:
        """The type I error of a side spent by each look and the end, shape (looks + 1,).

        Futility is counted on only where it is binding.
        """
        rule, futility = self.monitoring.efficacy, self.monitoring.futility
        if isinstance(rule, SPENDING):
            return rule.spending.spent(self.fractions, self.alpha_of_a_side)
        above, below = self.planned
        binding = below if futility is not None and futility.binding else None
        lower = -above if self.sides == 2 else binding
        return np.cumsum(crossing_probabilities(self.fractions, above, lower).efficacy)

    @cached_property
    def of_confidence(self) -> "BoundaryPlan":
        """The plan whose bounds are those of repeated intervals.

        The same rule for efficacy at half of what the confidence leaves on each side, and never
        lowered by futility, which repeated intervals do not count on.
        """
        alpha = (1 - self.analysis.confidence) * self.sides / 2
        return replace(
            self,
            analysis=self.analysis.model_copy(update={"alpha": alpha}),
            monitoring=self.monitoring.model_copy(update={"futility": None}),
        )

    def inflation(self, power: float) -> float:
        """Return the patients that the looks require for a power, over those of a fixed test.

        The square of the drift at which the planned bounds for efficacy give the power, over that
        of one analysis (Jennison and Turnbull 2000, section 2.3); futility is not counted on.
        """
        above = self.planned.efficacy
        lower = -above if self.sides == 2 else None
        drift = drift_for_power(self.fractions, above, power, lower)
        return float(inflation_factor(drift, self.analysis.alpha, power, self.sides))

    @cached_property
    def _critical(self) -> float:
        """The planned bound of the last analysis, which conditional power is about.

        Binding futility lowers it, and on the scale of conditional power the rule for futility
        follows it: the two are brought to agree.
        """
        critical = float(self._efficacy(self.fractions, None)[-1])
        futility = self.monitoring.futility
        if futility is None or not futility.binding:
            return critical
        for _ in range(_MOST_STEPS):
            below = self._futility(self.fractions, self.fractions * self.information, critical)
            before, critical = critical, float(self._efficacy(self.fractions, below)[-1])
            if abs(critical - before) < _ROUNDING:
                break
        return critical

    @cached_property
    def _classical(self) -> Floats:
        """The classical bounds of the plan."""
        rule = self.monitoring.efficacy
        delta = rule.delta if isinstance(rule, CLASSICAL) else 0.0
        return wang_tsiatis_bounds(self.fractions, delta, self.analysis.alpha, self.sides)

    def _efficacy(self, fractions: Floats, futility: Floats | None) -> Floats:
        rule, level = self.monitoring.efficacy, (self.analysis.alpha, self.sides)
        if isinstance(rule, SPENDING):
            return spending_bounds(fractions, rule.spending, *level, futility)
        if isinstance(rule, CLASSICAL):  # the constant is that of the plan
            with np.errstate(divide="ignore"):
                interim = self._classical[-1] * fractions ** (rule.delta - 0.5)
            return completed_bounds(fractions, interim, *level, futility)
        if isinstance(rule, HaybittlePeto):
            return completed_bounds(fractions, rule.z, *level, futility)
        if isinstance(rule, GivenBounds):
            whole = np.array([*rule.z, np.nan])[: fractions.shape[-1]]
            if len(rule.z) == fractions.shape[-1]:
                whole = np.where(last_held(fractions), whole[-1], whole)
                return np.where(np.isnan(fractions), np.nan, whole)
            return completed_bounds(fractions, whole, *level, futility)
        return completed_bounds(fractions, np.inf, *level, futility)

    def _futility(self, fractions: Floats, informations: Floats, critical: float) -> Floats:
        """Return bounds on z below which the looks stop, -inf where they do not try.

        `critical` is the bound of the last analysis, for rules about its chance to reject.
        """
        if self.monitoring.futility is None:
            return np.full(fractions.shape, -np.inf)
        tried = np.array([*map(self.monitoring.futility_at, self.monitoring.names), False])
        z = self._futility_everywhere(fractions, informations, critical)
        return np.where(tried & np.isfinite(fractions), np.nan_to_num(z, nan=-np.inf), -np.inf)

    def _futility_everywhere(
        self, fractions: Floats, informations: Floats, critical: float
    ) -> Floats:
        rule, t = self.monitoring.futility, np.clip(fractions, 1e-9, 1 - 1e-9)
        match rule:
            case OnZ(below=below):
                return np.full(fractions.shape, below)
            case OnP(above=above):
                return np.full(fractions.shape, -scipy.special.ndtri(above))
            case OnEffect(below=below):
                distance = float(natural(self.analysis, below)) - self.null
                return distance * np.sqrt(informations)
            case OnConditionalPower(below=below, under=under):
                drift = None if under == "trend" else self._drift_under(under)
                return z_for_conditional_power(below, t, critical, drift)
            case OnPredictivePower(below=below):
                return z_for_predictive_power(below, t, critical)
        return np.full(fractions.shape, -np.inf)

    def _drift_under(self, under: str | float) -> float:
        match under:
            case "no_effect":
                return 0.0
            case "design":
                return self.drift(self.planned_effect)
        return self.drift(float(natural(self.analysis, under)))

    @cached_property
    def effect_of_beta_spending(self) -> float:
        """The effect under which beta is spent, on the scale of the statistic; NaN if not known.

        That at which the plan has the power which its rule names.
        """
        return self.null + self._beta_drift / math.sqrt(self.information)

    @cached_property
    def _beta_spending(self) -> _BetaSpending:
        """How alpha and beta are spent."""
        efficacy, futility = self.monitoring.efficacy, self.monitoring.futility
        if not isinstance(efficacy, SPENDING) or not isinstance(futility, BetaSpending):
            raise TypeError(f"beta spending beside {efficacy.rule}")
        return {
            "efficacy": efficacy.spending,
            "futility": futility.spending.spending,
            "alpha": self.analysis.alpha,
            "beta": 1 - futility.power,
            "binding": futility.binding,
        }

    @cached_property
    def _beta_drift(self) -> float:
        """The expected z at the planned end under the effect of beta spending."""
        return beta_spending_drift(self.fractions, **self._beta_spending)

    def _beta(self, fractions: Floats) -> Bounds:
        return beta_spending_bounds(fractions, drift=self._beta_drift, **self._beta_spending)


def _distinct(rows: Floats) -> tuple[Floats, Integers]:
    """Return the rows that differ, and the place of each row among them; NaN is like NaN.

    Column by column, as numbers are put in order much sooner than rows are.
    """
    first, places = np.zeros(min(len(rows), 1), np.int64), np.zeros(len(rows), np.int64)
    for column in rows.T:
        if (column == column[:1]).all():  # as most looks have the same share in all trials
            continue
        values = column
        if places.any():
            _, own = np.unique(column, return_inverse=True)
            values = places * len(rows) + own
        _, first, places = np.unique(values, return_index=True, return_inverse=True)
    return rows[first], places


def _keys(rows: Floats) -> list[bytes]:
    """Return a key of each row of shares, shape (row, look)."""
    whole = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1] * rows.itemsize)))
    keys: list[bytes] = whole[:, 0].tolist()
    return keys


@lru_cache(maxsize=256)
def _solved_by(
    rule: str, alpha: float, sides: int, planned: bytes
) -> dict[bytes, tuple[float, ...]]:
    """Return the bounds that this process has solved for a rule, to be added to.

    They serve every batch and every plan with that rule; a spending rule asks for no plan.
    """
    return {}


def boundary_plan(design: Design, analysis: AnalysisPlan, monitoring: Monitoring) -> BoundaryPlan:
    """Return the plan of the bounds of a study with looks."""
    total = sum(design.ratios)
    arms = (design.arms[name].ratio for name in (analysis.treated, analysis.control))
    treated, control = (design.patients * ratio / total for ratio in arms)
    return BoundaryPlan(monitoring, analysis, design.patients, (treated, control))
