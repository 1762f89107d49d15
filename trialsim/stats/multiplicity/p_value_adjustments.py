"""An adjusted p-value is the smallest familywise error rate at which its hypothesis is rejected.

The last axis is the hypotheses of one family, all axes before it are batch. The size of a family is
fixed before the data are seen, so a hypothesis that could not be tested (NaN) still counts: its
p-value is 1.
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from trialsim.arrays import Floats
from trialsim.stats.monte_carlo import check_choice

Procedure: TypeAlias = Literal["bonferroni", "holm", "hochberg", "hommel", "fixed_sequence"]


def adjust_p_values(p_values: Floats, procedure: Procedure) -> Floats:
    """Adjust the p-values of a family, shape (..., hypotheses), by the procedure of that name.

    >>> adjust_p_values(np.array([0.01, 0.04, 0.03]), "holm").round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    check_choice("procedure", procedure, Procedure)
    return _ADJUSTED[procedure](p_values)


def truncated(p_values: Floats, procedure: Literal["holm", "hochberg"], share: float) -> Floats:
    """Adjust by a procedure mixed with Bonferroni's, which keeps level for a later family.

    Dmitrienko, Tamhane and Wiens (2008, Biometrical Journal 50:667): the p-value of rank i among n
    is compared with (share / (n - i + 1) + (1 - share) / n) times the level. A share of 1 is the
    procedure itself, one of 0 Bonferroni's.

    >>> truncated(np.array([0.01, 0.04, 0.03]), "holm", 0.5).round(4).tolist()
    [0.03, 0.072, 0.072]
    """
    ordered, order = _ordered(p_values)
    hypotheses = ordered.shape[-1]
    remaining = np.arange(hypotheses, 0, -1)
    each = ordered / (share / remaining + (1 - share) / hypotheses)
    if procedure == "hochberg":
        return _restored(_smallest_from_here(each), order)
    return _restored(np.maximum.accumulate(each, axis=-1), order)


def bonferroni(p_values: Floats) -> Floats:
    """Multiply every p-value by the number of hypotheses; valid under any dependence.

    >>> bonferroni(np.array([0.01, 0.04, 0.5])).round(3).tolist()
    [0.03, 0.12, 1.0]
    """
    known = tested(p_values)
    return np.asarray(np.minimum(known * known.shape[-1], 1.0))


def holm(p_values: Floats) -> Floats:
    """Step down from the smallest p-value (Holm 1979); valid under any dependence.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    ordered, order = _ordered(p_values)
    remaining = np.arange(ordered.shape[-1], 0, -1)
    return _restored(np.maximum.accumulate(ordered * remaining, axis=-1), order)


def hochberg(p_values: Floats) -> Floats:
    """Step up from the largest p-value (Hochberg 1988); valid when Simes' inequality holds.

    That is so for independent and for positively dependent tests, such as one-sided tests of
    positively correlated endpoints.

    >>> hochberg(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    ordered, order = _ordered(p_values)
    remaining = np.arange(ordered.shape[-1], 0, -1)
    return _restored(_smallest_from_here(ordered * remaining), order)


def hommel(p_values: Floats) -> Floats:
    """Close Simes' test over all intersections (Hommel 1988); valid where Hochberg's is.

    Never larger than Hochberg's. Wright's (1992) algorithm, as in R's `p.adjust`: one pass for each
    size of an intersection.

    >>> hommel(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    ordered, order = _ordered(p_values)
    hypotheses = ordered.shape[-1]
    adjusted = ordered.copy()
    for size in range(2, hypotheses + 1):
        first = hypotheses - size + 1
        largest = ordered[..., first:] * size / np.arange(2, size + 1)
        simes = largest.min(axis=-1, keepdims=True)
        bound = np.empty_like(ordered)
        bound[..., :first] = np.minimum(ordered[..., :first] * size, simes)
        bound[..., first:] = bound[..., first - 1 : first]
        adjusted = np.maximum(adjusted, bound)
    return _restored(adjusted, order)


def fixed_sequence(p_values: Floats) -> Floats:
    """Test in the order of the last axis, each only if all before it were rejected.

    Maurer, Hothorn and Lehmacher (1995): the adjusted p-value is the largest so far.

    >>> fixed_sequence(np.array([0.02, 0.01, 0.04])).tolist()
    [0.02, 0.02, 0.04]
    """
    return np.asarray(np.maximum.accumulate(tested(p_values), axis=-1))


def tested(p_values: Floats) -> Floats:
    """Return the p-values with 1 for a hypothesis that could not be tested."""
    if np.any((p_values < 0) | (p_values > 1)):
        outside = p_values[(p_values < 0) | (p_values > 1)][0]
        raise ValueError(f"p_values must lie between 0 and 1 (got {outside})")
    return np.where(np.isnan(p_values), 1.0, p_values)


def _ordered(p_values: Floats) -> tuple[Floats, NDArray[np.intp]]:
    known = tested(p_values)
    order = np.argsort(known, axis=-1, kind="stable")
    return np.take_along_axis(known, order, axis=-1), order


def _restored(ordered: Floats, order: NDArray[np.intp]) -> Floats:
    """Put values in order of their p-values back where they came from, none above 1."""
    restored = np.empty_like(ordered)
    np.put_along_axis(restored, order, np.minimum(ordered, 1.0), axis=-1)
    return restored


def _smallest_from_here(values: Floats) -> Floats:
    return np.asarray(np.minimum.accumulate(values[..., ::-1], axis=-1)[..., ::-1])


_ADJUSTED: Final[Mapping[Procedure, Callable[[Floats], Floats]]] = {
    "bonferroni": bonferroni,
    "holm": holm,
    "hochberg": hochberg,
    "hommel": hommel,
    "fixed_sequence": fixed_sequence,
}
