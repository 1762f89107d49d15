"""Where arms are balanced within strata, less is left to chance than where each patient is tossed.

An estimate is the mean of the patients' influences, as many in each arm of a stratum as chance has
it. Under simple randomisation that number varies, and with it the estimate, by as much as the mean
influences of the two arms differ in the stratum; under a procedure that keeps the arms of every
stratum in balance it does not (Bugni, Canay and Shaikh 2018, Journal of the American Statistical
Association 113:1784; Ye, Shao, Yi and Zhao 2023, the same journal 118:2370). A variance that takes
the influences as independent is then too large: the test is conservative, and power is lost.
"""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, divide


class _Arms(NamedTuple):
    """The influences of each arm, shape (trial, patient), 0 where a patient is not of it."""

    influence: Floats
    treated: Floats
    control: Floats

    @property
    def each(self) -> tuple[Floats, Floats]:
        return self.treated, self.control


def spared_by_balance(
    influence: Floats, treated: Booleans, known: Booleans, groups: Integers
) -> Floats:
    """Return by how much the variance of the mean influence is smaller, shape (trial,); never < 0.

    With h the difference of the arms' mean influences in a patient's stratum, it is the sum of
    p (1 - p) h^2 / N^2 over the N patients analysed, p of them treated. Means of few patients
    differ by chance: of h^2 the part that is the variance of h is taken off. A stratum with an
    empty arm spares nothing. Where patients are not analysed, the arms of those who are balance the
    less: it is taken times the share that is analysed.

    Parameters
    ----------
    influence, treated, known
        Of shape (trial, patient); `known` says who is analysed.
    groups
        The groups within which the procedure balances, shape (trial, patient, group), by number,
        those of different factors apart; -1 of a patient of another arm. With several, as by
        minimisation, h is the nearest sum of a term for each.

    >>> influence = np.array([[2.0, 2.1, -1, -1.2, -2, -2.2, 1, 1.1]])
    >>> treated = np.array([[True, True, True, True, False, False, False, False]])
    >>> groups = np.array([[[0], [0], [1], [1], [0], [0], [1], [1]]])
    >>> spared_by_balance(influence, treated, np.ones((1, 8), bool), groups).round(3)
    array([0.341])
    """
    known = known & (groups[..., 0] >= 0)
    patients = known.sum(axis=-1)
    arms = _Arms(influence, 1.0 * (known & treated), 1.0 * (known & ~treated))
    between = (_of_strata if groups.shape[-1] == 1 else _of_margins)(arms, groups)
    share = divide(arms.treated.sum(axis=-1), patients, 0.0)
    analysed = divide(patients, (groups[..., 0] >= 0).sum(axis=-1), 0.0)
    spared = analysed * share * (1 - share) * divide(between, 1.0 * patients**2, 0.0)
    return np.maximum(spared, 0.0)


def _of_strata(arms: _Arms, groups: Integers) -> Floats:
    """Return the sum of h^2 over patients, without what is chance, by the means of each stratum."""
    trials, count = len(groups), int(groups.max(initial=0)) + 1
    at = np.arange(trials)[:, np.newaxis] * count + np.maximum(groups[..., 0], 0)

    def by_stratum(values: Floats) -> Floats:
        summed = np.bincount(at.ravel(), values.ravel(), trials * count)
        return np.asarray(summed.reshape(trials, count), np.float64)

    sizes = [by_stratum(arm) for arm in arms.each]
    both = (sizes[0] > 0) & (sizes[1] > 0)
    sums = [by_stratum(arm * arms.influence) for arm in arms.each]
    means = [divide(total, size, 0.0) for total, size in zip(sums, sizes, strict=True)]
    chance = np.zeros(both.shape)
    for arm, size, mean in zip(arms.each, sizes, means, strict=True):
        squares = by_stratum(arm * arms.influence**2) - size * mean**2
        spread = np.where(both, squares, 0.0).sum(axis=1)
        freedom = np.where(both, size - 1, 0.0).sum(axis=1)
        chance += divide(divide(spread, freedom, np.inf)[:, np.newaxis], size, 0.0)
    apart = (means[0] - means[1]) ** 2 - chance
    return np.asarray(np.where(both, (sizes[0] + sizes[1]) * apart, 0.0).sum(axis=1))


def _of_margins(arms: _Arms, groups: Integers) -> Floats:
    """Return the same by least squares of the influences of each arm on the groups."""
    member = (groups[..., np.newaxis] == np.arange(int(groups.max(initial=0)) + 1)).any(axis=-2)
    everywhere = np.all(
        [(arm[..., np.newaxis] * member).sum(axis=1) > 0 for arm in arms.each], axis=0
    )
    usable = ~(member & ~everywhere[:, np.newaxis]).any(axis=-1)
    x = (member & usable[..., np.newaxis]).astype(np.float64)
    slopes, chance = [], np.zeros(len(groups))
    of_both = np.swapaxes(x * (arms.treated + arms.control)[..., np.newaxis], 1, 2) @ x
    for arm in arms.each:
        own = np.swapaxes(x * arm[..., np.newaxis], 1, 2)
        inverse = np.linalg.pinv(own @ x, hermitian=True)
        along = own @ arms.influence[..., np.newaxis]
        slopes.append(inverse @ along)
        rank = np.rint(np.trace(inverse @ own @ x, axis1=1, axis2=2))
        weight = arm * usable
        squares = (weight * arms.influence**2).sum(axis=1) - (along * slopes[-1]).sum(axis=(1, 2))
        spread = squares * np.trace(inverse @ of_both, axis1=1, axis2=2)
        chance += divide(spread, weight.sum(axis=1) - rank, np.inf)
    apart = slopes[0] - slopes[1]
    return np.asarray((apart * (of_both @ apart)).sum(axis=(1, 2)) - chance)
