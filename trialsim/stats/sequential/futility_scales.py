"""One bound at a look on any scale: z, p, effect, conditional, predictive or reverse power.

A look knows its share of the final information and the final critical value; on that, every scale
is an increasing (p: falling) function of z, so that any of them converts to any other and back.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike

from trialsim.arrays import Floats
from trialsim.stats.sequential.conditional_power import (
    conditional_power,
    predictive_power,
    trend_drift,
    z_for_conditional_power,
    z_for_predictive_power,
)

Scale: TypeAlias = Literal[
    "z",
    "p",
    "effect",
    "conditional_power",
    "conditional_power_trend",
    "predictive_power",
    "reverse_conditional_power",
]


@dataclass(frozen=True)
class LookScales:
    """The scales of a look, or of many: the fields broadcast with each other and with the values.

    `t` is the look's information over that of the final test, `critical` the final critical value
    of z. `drift` (the expected final z) is what `conditional_power` supposes: 0 for no effect, or
    an effect times the square root of the final information. `prior_mean` and `prior_sd` are those
    of the drift in `predictive_power`, flat unless given. `effect` is `null_effect` plus z over the
    square root of `information`, the look's, whose unit decides that of the effect.
    `reverse_conditional_power` is the probability of a smaller z at the look, were the final z just
    critical (Tan, Xiong and Kutner 1998, Biometrics 54:682). p is one-sided.

    >>> look = LookScales(t=0.5, critical=1.9686)
    >>> z = look.z_of(0.15, "conditional_power_trend")
    >>> z.round(3).item(), look.on(z, "p").round(3).item()
    (0.874, 0.191)
    """

    t: ArrayLike
    critical: ArrayLike
    information: ArrayLike = np.nan
    null_effect: ArrayLike = 0.0
    drift: ArrayLike = 0.0
    prior_mean: ArrayLike = 0.0
    prior_sd: ArrayLike = np.inf

    def z_of(self, value: ArrayLike, scale: Scale) -> Floats:
        """Return the z that has a value on a scale."""
        given = np.asarray(value, float)
        match scale:
            case "z":
                return given
            case "p":
                return np.asarray(-scipy.special.ndtri(given))
            case "effect":
                null, information = (
                    np.asarray(one, float) for one in (self.null_effect, self.information)
                )
                return np.asarray((given - null) * np.sqrt(information))
            case "conditional_power":
                return z_for_conditional_power(given, self.t, self.critical, self.drift)
            case "conditional_power_trend":
                return z_for_conditional_power(given, self.t, self.critical)
            case "predictive_power":
                return z_for_predictive_power(
                    given, self.t, self.critical, self.prior_mean, self.prior_sd
                )
            case "reverse_conditional_power":
                mean, spread = self._given_the_end()
                return np.asarray(mean + spread * scipy.special.ndtri(given))
            case _:
                assert_never(scale)

    def on(self, z: ArrayLike, scale: Scale) -> Floats:
        """Return the value of z on a scale."""
        given = np.asarray(z, float)
        match scale:
            case "z":
                return given
            case "p":
                return np.asarray(scipy.special.ndtr(-given))
            case "effect":
                null, information = (
                    np.asarray(one, float) for one in (self.null_effect, self.information)
                )
                return np.asarray(null + given / np.sqrt(information))
            case "conditional_power":
                return conditional_power(given, self.t, self.critical, self.drift)
            case "conditional_power_trend":
                trend = trend_drift(given, self.t)
                return conditional_power(given, self.t, self.critical, trend)
            case "predictive_power":
                return predictive_power(
                    given, self.t, self.critical, self.prior_mean, self.prior_sd
                )
            case "reverse_conditional_power":
                mean, spread = self._given_the_end()
                return np.asarray(scipy.special.ndtr((given - mean) / spread))
            case _:
                assert_never(scale)

    def _given_the_end(self) -> tuple[Floats, Floats]:
        """Return mean and spread of z at the look where the final z is just critical."""
        t = np.asarray(self.t, float)
        return np.asarray(np.sqrt(t) * np.asarray(self.critical, float)), np.sqrt(1 - t)
