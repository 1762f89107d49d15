"""The shapes that a dose response may have, each as its rise from dose 0 for a height of one.

Bornkamp, Pinheiro and Bretz (2009, Journal of Statistical Software 29:7), table 1, without the
effect at dose 0.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Floats, divide

Shape: TypeAlias = Literal[
    "linear", "emax", "sigmoid_emax", "exponential", "quadratic", "logistic", "beta"
]
SCALE: Final = 1.2
"""Of the largest dose: where the beta shape is back at no effect, unless another is given."""


class Form(NamedTuple):
    """A shape: its parameters beside the height, and its rise at doses."""

    parameters: tuple[str, ...]
    of: Callable[..., Floats]
    """Doses and parameters, which are broadcast, to the rise."""
    bounds: tuple[tuple[float, float], ...]
    """Between which each parameter is fitted, for a largest dose of 1: those of the R package
    DoseFinding (`defBnds`). None where the parameter is found by least squares."""
    doses: tuple[str, ...] = ()
    """Those parameters that are doses."""


def rise(shape: Shape, doses: Floats, parameters: Sequence[Floats | float]) -> Floats:
    """Return the rise of a shape from dose 0, where its height is one.

    >>> rise("emax", np.array([0.0, 10, 30]), [10.0]).tolist()
    [0.0, 0.5, 0.75]
    """
    return np.asarray(FORMS[shape].of(np.asarray(doses, np.float64), *parameters))


def _linear(doses: Floats) -> Floats:
    return doses


def _emax(doses: Floats, ed50: Floats) -> Floats:
    return np.asarray(doses / (ed50 + doses))


def _sigmoid_emax(doses: Floats, ed50: Floats, hill: Floats) -> Floats:
    return np.asarray(1 - 1 / (1 + (doses / ed50) ** hill))


def _exponential(doses: Floats, delta: Floats) -> Floats:
    return np.asarray(np.expm1(doses / delta))


def _quadratic(doses: Floats, delta: Floats) -> Floats:
    return np.asarray(doses + delta * doses**2)


def _logistic(doses: Floats, ed50: Floats, delta: Floats) -> Floats:
    return np.asarray(
        scipy.special.expit((doses - ed50) / delta) - scipy.special.expit(-ed50 / delta)
    )


def _beta(doses: Floats, delta1: Floats, delta2: Floats, scale: Floats) -> Floats:
    share = np.minimum(divide(doses, np.asarray(scale), 0.0), 1.0)
    peak = delta1 / (delta1 + delta2)
    return np.asarray((share / peak) ** delta1 * ((1 - share) / (1 - peak)) ** delta2)


_ED50: Final = (0.001, 1.5)
FORMS: Final[Mapping[Shape, Form]] = {
    "linear": Form((), _linear, ()),
    "emax": Form(("ed50",), _emax, (_ED50,), ("ed50",)),
    "sigmoid_emax": Form(("ed50", "hill"), _sigmoid_emax, (_ED50, (0.5, 10.0)), ("ed50",)),
    "exponential": Form(("delta",), _exponential, ((0.1, 2.0),), ("delta",)),
    "quadratic": Form(("delta",), _quadratic, ()),
    "logistic": Form(("ed50", "delta"), _logistic, (_ED50, (0.01, 0.5)), ("ed50", "delta")),
    "beta": Form(("delta1", "delta2", "scale"), _beta, ((0.05, 4.0), (0.05, 4.0)), ("scale",)),
}
"""Of beta the scale is given, not fitted."""
