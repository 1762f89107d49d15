"""Patients at the ceiling cannot show a benefit: a fixed shift says so, and a fixed theta hides it.

Take a benefit of 0.4 standard deviations, for 205 patients at 0.05 two-sided, on a scale of 0 to 57
whose controls are normal with SD 18 before the scale holds them. Without ends, theta is 0.611 and
the power 0.79. As the controls' mean rises, the same shift shows less of itself; holding theta at
0.611 instead raises the power, for ties take variance away, and requires a shift that grows until
none is enough:

    controls' mean        28.5    40    50    57    65    75
    at the ceiling        0.06  0.18  0.36  0.51  0.68  0.85
    power, fixed shift    0.79  0.78  0.74  0.68  0.58  0.40
    power, fixed theta    0.80  0.80  0.83  0.89  0.98  none
    its hidden shift      0.40  0.41  0.45  0.53  0.80  none
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from trialsim.arrays import Booleans, Floats
from trialsim.stats.planning.sample_size import happ, noether
from trialsim.stats.planning.scale_effects import (
    FARTHEST_SHIFT,
    rising_root,
    shifted_cells,
    theta_of_cells,
)

_LOSS: Final = 0.02
"""A loss of power that is worth a warning."""


class CeilingCost(NamedTuple):
    """What the ends of a scale do to a latent shift, and what holding theta fixed hides."""

    ceiling: Floats  # the controls' probability of the best cell
    floor: Floats  # ... and of the worst
    unbounded_theta: Floats  # theta of the shift on a scale without ends or ties
    theta: Floats  # theta of the shift on this scale
    unbounded_power: Floats  # power of the shift on a scale without ends or ties
    shift_power: Floats  # power of the shift on this scale
    theta_power: Floats  # power on this scale if theta were the unbounded one; NaN if no shift is
    hidden_shift: Floats  # the shift that this theta asks for here; NaN if none is enough

    @property
    def power_lost(self) -> Floats:
        """Power that the shift loses to the ends of the scale and to its ties."""
        return self.unbounded_power - self.shift_power

    def hides(self) -> Booleans:
        """Say where the shift loses more power than 0.02 that a fixed theta does not show.

        Also where no shift gives the theta.
        """
        shown = np.isnan(self.theta_power) | (self.theta_power > self.shift_power + _LOSS)
        return np.asarray((self.power_lost > _LOSS) & shown)


def ceiling_cost(
    control: Floats,
    latent_shift: ArrayLike,
    patients: ArrayLike,
    alpha: float = 0.05,
    sides: int = 2,
    treated_share: float = 0.5,
) -> CeilingCost:
    """Compare a latent shift on a scale with the same shift on a scale without ends.

    `control` has shape (..., cells), worst to best; shift (in standard deviations of the controls'
    latent normal variable, negative for harm, which loses to the floor) and patients of both arms
    broadcast to (...). Without ends theta is Phi(shift / sqrt 2) and power Noether's (1987); on the
    scale power is that of Happ, Bathke and Brunner (2019), with its ties.

    >>> from trialsim.stats.planning.scale_effects import cells_of_censored_normal
    >>> cost = ceiling_cost(cells_of_censored_normal(57.0, 18.0, 0, 57), 0.4, 205)
    >>> cost.unbounded_power.round(2).item(), cost.shift_power.round(2).item()
    (0.79, 0.68)
    >>> cost.theta_power.round(2).item(), cost.hidden_shift.round(2).item(), cost.hides().item()
    (0.89, 0.53, True)
    """
    control, shift = np.asarray(control, float), np.asarray(latent_shift, float)
    batch = np.broadcast_shapes(control.shape[:-1], shift.shape)
    shift = np.broadcast_to(shift, batch)
    unbounded = np.asarray(ndtr(shift / np.sqrt(2)))
    treated = shifted_cells(control, shift)

    def theta_at(latent: Floats) -> Floats:
        return theta_of_cells(shifted_cells(control, latent), control)

    hidden = rising_root(theta_at, unbounded, FARTHEST_SHIFT)
    reached = shifted_cells(control, np.where(np.isnan(hidden), 0.0, hidden))
    wanted = patients, alpha, sides
    theta_power = happ(reached, control, treated_share).power(*wanted)
    return CeilingCost(
        ceiling=np.broadcast_to(control[..., -1], batch),
        floor=np.broadcast_to(control[..., 0], batch),
        unbounded_theta=unbounded,
        theta=theta_of_cells(treated, control),
        unbounded_power=noether(unbounded, treated_share).power(*wanted),
        shift_power=happ(treated, control, treated_share).power(*wanted),
        theta_power=np.where(np.isnan(hidden), np.nan, theta_power),
        hidden_shift=hidden,
    )
