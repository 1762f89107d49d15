"""The probability that the final test will reject, given what is known at a look.

z at a look with the share t of the final information is B / sqrt(t), where B, the B-value, is
normal with mean drift * t and variance t; what is still to come adds to it independently, and the
final z is B at 1. Lan and Wittes (1988), Biometrics 44:579; Spiegelhalter, Freedman and Blackburn
(1986), Controlled Clinical Trials 7:8. All arguments broadcast: z (...,), t in (0, 1] the look's
information over that of the final test, `critical` the final critical value of z (infinite where
the final test cannot reject), drift the expected final z. At t = 1 the answer is known: 1 or 0.
Looks between this one and the final test are left out; `combination.conditional_error` counts them.
"""

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike

from trialsim.arrays import Floats


def trend_drift(z: ArrayLike, t: ArrayLike) -> Floats:
    """Return the drift that z at a look estimates, z / sqrt(t): the trend so far continues.

    >>> trend_drift(1.2, 0.25).item()
    2.4
    """
    share = np.asarray(t, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.asarray(z, float) / np.sqrt(share))


def conditional_power(z: ArrayLike, t: ArrayLike, critical: ArrayLike, drift: ArrayLike) -> Floats:
    """Return the probability of a final z at or above `critical` if `drift` is the truth.

    0 is the drift of no effect, `trend_drift` that of the trend, an effect times the square root of
    the final information that of a planned or given effect. Jennison and Turnbull (2000), eq. 10.2.

    >>> conditional_power(1.2, 0.5, 1.96, trend_drift(1.2, 0.5)).round(4).item()
    0.355
    >>> conditional_power(1.2, 0.5, 1.96, drift=0).round(4).item()
    0.058
    """
    z, t, critical, drift = _arrays(z, t, critical, drift)
    expected = z * np.sqrt(t) + drift * (1 - t)
    return _reached(expected, np.sqrt(1 - t), critical)


def predictive_power(z: ArrayLike, t: ArrayLike, critical: ArrayLike) -> Floats:
    """Return the conditional power averaged over what is known of the drift at the look.

    The prior of the drift is flat.

    >>> predictive_power(1.2, 0.5, 1.96).round(4).item()
    0.3963
    """
    z, t, critical = _arrays(z, t, critical)
    return _reached(z * np.sqrt(t) + z / np.sqrt(t) * (1 - t), _spread(t), critical)


def z_for_conditional_power(
    power: ArrayLike, t: ArrayLike, critical: ArrayLike, drift: ArrayLike | None = None
) -> Floats:
    """Return the z at the look that has that conditional power; under the trend if no drift.

    >>> z_for_conditional_power(0.355018, 0.5, 1.959964).round(5).item()
    1.2
    """
    if drift is None:
        power, t, critical = _arrays(power, t, critical)
        return np.asarray(np.sqrt(t) * _final(power, np.sqrt(1 - t), critical))
    power, t, critical, drift = _arrays(power, t, critical, drift)
    return np.asarray((_final(power, np.sqrt(1 - t), critical) - drift * (1 - t)) / np.sqrt(t))


def z_for_predictive_power(power: ArrayLike, t: ArrayLike, critical: ArrayLike) -> Floats:
    """Return the z at the look that has that predictive power.

    >>> z_for_predictive_power(0.396311, 0.5, 1.959964).round(5).item()
    1.2
    """
    power, t, critical = _arrays(power, t, critical)
    known = np.sqrt(t) + (1 - t) / np.sqrt(t)
    return np.asarray(_final(power, _spread(t), critical) / known)


def _arrays(*values: ArrayLike) -> tuple[Floats, ...]:
    """Return arrays; the second, the share of information, is at most 1 and unknown where 0."""
    arrays = [np.asarray(value, float) for value in values]
    share = np.minimum(arrays[1], 1.0)
    arrays[1] = np.where(share > 0, share, np.nan)
    return tuple(arrays)


def _spread(t: Floats) -> Floats:
    """Return the spread of the final z to come, the drift being known from the look alone."""
    return np.asarray(np.sqrt((1 - t) * (1 + (1 - t) / t)))


def _reached(expected: Floats, spread: Floats, critical: Floats) -> Floats:
    """Return the probability that a normal final z is at least critical; NaN if not known."""
    with np.errstate(divide="ignore", invalid="ignore"):
        power = scipy.special.ndtr((expected - critical) / spread)
    known = np.where(spread == 0, expected >= critical, power)
    return np.asarray(np.where(np.isnan(expected), np.nan, known))


def _final(power: Floats, spread: Floats, critical: Floats) -> Floats:
    """Return the expected final z that has the power; the critical one where it is known."""
    with np.errstate(invalid="ignore"):
        above = np.where(spread == 0, 0, spread * scipy.special.ndtri(power))
    return np.asarray(critical + above)
