"""The joint law of tests, from a trial's own data: of arms with one control, of a part of all."""

from collections.abc import Sequence

import numpy as np

from trialsim.analysis.data import Data
from trialsim.arrays import Booleans, Floats, divide
from trialsim.scenario.plan.methods.mann_whitney import MannWhitney
from trialsim.scenario.plan.methods.means import TTest, Welch
from trialsim.scenario.plan.multiplicity import Family
from trialsim.stats.dose_response.effects import placement_correlations
from trialsim.stats.multiplicity.dunnett import (
    Law,
    loadings_of_correlations,
    loadings_of_sizes,
    statistics_of,
)
from trialsim.stats.multiplicity.nested import (
    adjust_nested,
    correlation_of_ranks,
    correlation_of_sizes,
    signed_statistics,
)


def joint_statistics(data: Sequence[Data], p_values: Floats) -> tuple[Floats, Law]:
    """Return the statistics of arms against their control, and their law where none differs.

    Student's t has one variance of all arms together, as Dunnett (1955) has it; others have the
    normal statistics of their own p-values.

    Parameters
    ----------
    data
        The arms, whose plans differ in `treated` alone.
    p_values
        Shape (replicate, arms).
    """
    if isinstance(data[0].plan.test, TTest):
        return _pooled_t(data)
    law = normal_law(data)
    return statistics_of(p_values, law.two_sided), law


def normal_law(data: Sequence[Data]) -> Law:
    """Return the law of the normal statistics of arms against their control."""
    return Law(_loadings(data), two_sided=data[0].plan.sides == 2)


def adjust_populations(
    data: Sequence[Data], p_values: Floats, upwards: Booleans, family: Family
) -> Floats:
    """Return the p-values of the overall population and of a subgroup, adjusted together.

    Parameters
    ----------
    data
        The two, whose plans differ in `subgroup` alone.
    p_values, upwards
        And whether an estimate is above its null value, shape (replicate, 2).
    """
    two_sided = data[0].plan.sides == 2
    return adjust_nested(
        signed_statistics(p_values, upwards, two_sided),
        _correlation_of_a_part(data),
        family.shares[0],
        1.0 if family.lenient is None else family.lenient,
        two_sided,
    )


def _loadings(data: Sequence[Data]) -> Floats:
    match data[0].plan.test:
        case MannWhitney():
            return loadings_of_correlations(_correlations_of_placements(data))
        case Welch():
            arms, control = _moments(data)
            own = [divide(one.variance, one.size, np.nan) for one in arms]
            shared = divide(control.variance, control.size, np.nan)
            return np.stack([np.sqrt(divide(shared, shared + one, np.nan)) for one in own], axis=-1)
        case _:
            arms, control = _moments(data)
            return loadings_of_sizes(np.stack([one.size for one in arms], axis=-1), control.size)


def _pooled_t(data: Sequence[Data]) -> tuple[Floats, Law]:
    arms, control = _moments(data)
    sizes = np.stack([one.size for one in arms], axis=-1)
    freedom = sizes.sum(axis=-1) + control.size - len(arms) - 1
    squares = np.sum([one.squares for one in (*arms, control)], axis=0)
    spread = np.sqrt(divide(squares, freedom, np.nan))[..., np.newaxis]
    controls = control.size[..., np.newaxis]
    error = spread * np.sqrt(divide(sizes + controls, sizes * controls, np.nan))
    away = np.stack([one.mean - control.mean for one in arms], axis=-1)
    statistics = divide(away, error, np.nan)
    law = Law(
        loadings_of_sizes(sizes, control.size),
        np.maximum(freedom, 1.0),
        two_sided=data[0].plan.sides == 2,
    )
    return -statistics if data[0].plan.alternative == "less" else statistics, law


class _Moments:
    """Size, mean and sum of squared deviations of one arm in each replicate."""

    def __init__(self, values: Floats) -> None:
        known = ~np.isnan(values)
        self.size = known.sum(axis=-1).astype(np.float64)
        self.mean = divide(np.where(known, values, 0.0).sum(axis=-1), self.size, np.nan)
        away = np.where(known, values - self.mean[..., np.newaxis], 0.0)
        self.squares = (away**2).sum(axis=-1)

    @property
    def variance(self) -> Floats:
        """With n - 1; NaN below two patients."""
        return divide(self.squares, self.size - 1, np.nan)


def _moments(data: Sequence[Data]) -> tuple[list[_Moments], _Moments]:
    return [_Moments(one.samples.treated) for one in data], _Moments(data[0].samples.control)


def _correlations_of_placements(data: Sequence[Data]) -> Floats:
    """Return the correlations of Mann-Whitney effects, shape (replicate, arms, arms).

    The effects share the controls.
    """
    counts = np.stack([one.counts[:, 0] for one in data], axis=1)
    return placement_correlations(counts[:, :, 0], counts[:, 0, 1])


def _correlation_of_a_part(data: Sequence[Data]) -> Floats:
    """Return the correlation of the two statistics without an effect, shape (replicate,)."""
    if isinstance(data[0].plan.test, MannWhitney):
        return correlation_of_ranks(*(one.counts[:, 0] for one in data))
    sizes = [np.stack(one.samples.sizes, axis=-1) for one in data]
    return correlation_of_sizes(*(one.astype(np.float64) for one in sizes))
