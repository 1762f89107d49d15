"""How balanced an allocation is, how well it could be guessed, and what a trend does to it."""

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers


def imbalance(treated: Integers, control: Integers, ratio: tuple[int, int] = (1, 1)) -> Floats:
    """Return by how many patients two arms differ, beyond what their ratio says.

    At 1:1 the difference of their numbers; otherwise 2 (a n - b m) / (a + b) of m treated and n
    controls at a:b, which is 0 where they stand in their ratio.

    >>> imbalance(np.array([11, 20]), np.array([9, 10])).tolist()
    [2.0, 10.0]
    >>> imbalance(np.array([20, 19]), np.array([10, 11]), (2, 1)).tolist()
    [0.0, 2.0]
    """
    first, second = ratio
    differ: Floats = abs(2 * (treated * second - control * first) / (first + second))
    return differ


def guessed_right(
    arms: Integers, stratum: Integers, strata: int, ratios: tuple[int, ...]
) -> Floats:
    """Return the share of patients whose arm is guessed beforehand, shape (replicate,).

    The guesser knows the arms of all earlier patients of the stratum, and names the arm that is
    furthest behind its ratio, of several any (the convergence strategy of Blackwell and Hodges
    1957, Annals of Mathematical Statistics 28:449). Without such knowledge it is that of a toss.

    Parameters
    ----------
    arms
        In order of randomisation, shape (replicate, patient); negative where there is nobody.

    >>> guessed_right(np.array([[0, 1, 1, 0]]), np.zeros((1, 4), int), 1, (1, 1)).tolist()
    [0.75]
    """
    replicates, patients = arms.shape
    counts = np.zeros((replicates * strata, len(ratios)))
    rows, right = np.arange(replicates), np.zeros(replicates)
    for patient in range(patients):
        arm, there = arms[:, patient], arms[:, patient] >= 0
        place = rows * strata + stratum[:, patient]
        filled = counts[place] / np.array(ratios)
        behind = filled == filled.min(axis=1, keepdims=True)
        right += there * behind[rows, arm] / behind.sum(axis=1)
        counts[place, arm] += there
    share: Floats = right / np.maximum((arms >= 0).sum(axis=1), 1)
    return share


def chronological_bias(treated: Booleans, control: Booleans) -> Floats:
    """Return how much later in the trial one arm's patients are than the other's, in all of it.

    The distance between the mean places of the arms in order of randomisation, from 0 for the first
    patient to 1 for the last: the bias of a difference of means, in standard deviations, if scores
    rise or fall by one standard deviation from the first patient to the last.

    Parameters
    ----------
    treated, control
        In order of randomisation, shape (replicate, patient).

    >>> first = np.array([[True, True, False, False]])
    >>> chronological_bias(first, ~first).round(6).tolist()
    [0.666667]
    """
    place = np.arange(treated.shape[1]) / max(treated.shape[1] - 1, 1)
    means = [
        np.divide(
            arm @ place, arm.sum(axis=1), out=np.full(len(arm), np.nan), where=arm.any(axis=1)
        )
        for arm in (treated, control)
    ]
    return abs(means[0] - means[1])
