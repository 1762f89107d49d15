"""The p-value of a statistic under a direction of the alternative."""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import scipy

from trialsim.arrays import Floats
from trialsim.stats.monte_carlo import check_choice

Alternative: TypeAlias = Literal["two-sided", "greater", "less"]


def check_alternative(alternative: str) -> None:
    """Raise ValueError unless the alternative has a name that the tests know.

    >>> check_alternative("less")
    """
    check_choice("alternative", alternative, Alternative)


def normal_p_value(z: Floats, alternative: Alternative) -> Floats:
    """Return the tail of the standard normal distribution beyond z on the alternative's side.

    >>> normal_p_value(np.array([0.0, 1.959964]), "two-sided").round(6).tolist()
    [1.0, 0.05]
    """
    match alternative:
        case "greater":
            return np.asarray(scipy.special.ndtr(-z))
        case "less":
            return np.asarray(scipy.special.ndtr(z))
        case _:
            return np.asarray(2.0 * scipy.special.ndtr(-np.abs(z)))


def t_p_value(t: Floats, degrees_of_freedom: Floats, alternative: Alternative) -> Floats:
    """Return the tail of Student's distribution beyond t on the alternative's side.

    >>> t_p_value(np.array([0.0, 2.228139]), np.array(10.0), "two-sided").round(6).tolist()
    [1.0, 0.05]
    """
    match alternative:
        case "greater":
            return np.asarray(scipy.special.stdtr(degrees_of_freedom, -t))
        case "less":
            return np.asarray(scipy.special.stdtr(degrees_of_freedom, t))
        case _:
            return np.asarray(2.0 * scipy.special.stdtr(degrees_of_freedom, -np.abs(t)))


class Standardised(NamedTuple):
    """How many standard errors an estimate lies above a value, and the law of that if it is true.

    NaN where the error is not known: then nothing can be said, and the p-value is 1.
    """

    statistic: Floats
    degrees_of_freedom: Floats | float = np.inf
    """Of Student's distribution; infinite is the normal one."""

    def p_value(self, alternative: Alternative) -> Floats:
        """Return the tail beyond the statistic on the alternative's side.

        >>> Standardised(np.array([1.959964, np.nan])).p_value("greater").round(6).tolist()
        [0.025, 1.0]
        """
        freedom = np.asarray(self.degrees_of_freedom, np.float64)
        normal = np.isinf(freedom)
        tail = np.where(
            normal,
            normal_p_value(self.statistic, alternative),
            t_p_value(self.statistic, np.where(normal, 1.0, freedom), alternative),
        )
        return np.where(np.isnan(tail), 1.0, tail)
