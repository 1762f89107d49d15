"""Curves of the dose response fitted by generalised least squares, and the choice among them.

Of effects e with covariance V a curve f minimises (e - f)' V^-1 (e - f) (Pinheiro et al. 2014,
section 2.3). For given parameters the height is a ratio of two sums; so only the parameters are
searched, on a grid and then on ever finer grids around the best, for all trials at once.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from trialsim.arrays import Booleans, Floats, divide
from trialsim.stats.dose_response.shapes import FORMS, SCALE, Shape, rise

_COARSE: Final = {1: 65, 2: 33}
"""Values of each parameter on the first grid, by how many parameters there are."""
_DENSE: Final = {1: 129, 2: 25}
"""The same of a grid that is not made finer."""
_ROUNDS: Final = 60
_FINER: Final = 0.7
"""What the step of the grid is multiplied by in each round."""
_AT_BOUND: Final = 1e-6
"""Of the logarithmic range of a parameter: a fit so near its end has no maximum within."""


class Curve(NamedTuple):
    """A curve of one shape fitted in each trial; NaN where the covariance has no inverse."""

    shape: Shape
    height: Floats
    """Shape (...)."""
    parameters: tuple[Floats, ...]
    """Shape (...) each."""
    misfit: Floats
    """The weighted sum of squares that is left."""
    at_bound: Booleans
    """Whether a parameter lies at the end of its range, so that the fit has not converged."""

    @property
    def criterion(self) -> Floats:
        """Akaike's criterion of a fit to estimates (gAIC, Pinheiro et al. 2014); less is better."""
        return self.misfit + 2 * (2 + free_parameters(self.shape))

    def at(self, doses: Floats) -> Floats:
        """Return the effect at doses, shape (..., doses), of each trial's own or the same of all.

        >>> curve = Curve("emax", np.array([2.0]), (np.array([10.0]),), *np.zeros((2, 1)))
        >>> curve.at(np.array([0.0, 10, 30])).tolist()
        [[0.0, 1.0, 1.5]]
        """
        own = [one[..., np.newaxis] for one in self.parameters]
        return self.height[..., np.newaxis] * rise(self.shape, doses, own)


def free_parameters(shape: Shape) -> int:
    """Return how many parameters of a shape are found from the data, beside its height.

    >>> free_parameters("linear"), free_parameters("quadratic"), free_parameters("beta")
    (0, 1, 2)
    """
    return 1 if shape == "quadratic" else len(FORMS[shape].bounds)


def fit(shape: Shape, doses: Floats, effects: Floats, whiten: Floats, scale: float = 0.0) -> Curve:
    """Fit a shape in each trial.

    Parameters
    ----------
    doses
        Shape (doses,), without that of the control.
    effects
        Shape (..., doses).
    whiten
        See `contrasts.whitening`, of the covariance under any hypothesis.
    scale
        Of the beta shape; 0 for 1.2 times the largest dose.
    """
    white = (whiten @ effects[..., np.newaxis])[..., 0]
    if shape == "quadratic":
        return _quadratic(doses, white, whiten)
    fixed = (scale or SCALE * float(doses.max()),) if shape == "beta" else ()
    bounds = _bounds(shape, float(doses.max()))
    best, explained = _searched(shape, doses, white, whiten, bounds, fixed)
    parameters = [np.exp(low + place * (high - low)) for place, (low, high) in best]
    along = along_shape(
        shape, doses, whiten, [*(one[..., np.newaxis] for one in parameters), *fixed]
    )
    height = divide((along * white).sum(axis=-1), (along**2).sum(axis=-1), np.nan)
    near = [np.abs(place - 0.5) > 0.5 - _AT_BOUND for place, _ in best]
    at_bound = np.any(near, axis=0) if near else np.zeros(height.shape, np.bool_)
    shared = tuple(np.full(height.shape, one) for one in fixed)
    misfit = np.maximum((white**2).sum(axis=-1) - explained, 0.0)
    return Curve(shape, height, (*parameters, *shared), misfit, at_bound)


_Place = tuple[Floats, tuple[float, float]]
"""Where in its logarithmic range a parameter lies, from 0 to 1, and the range."""


def _searched(
    shape: Shape,
    doses: Floats,
    white: Floats,
    whiten: Floats,
    bounds: list[tuple[float, float]],
    fixed: tuple[float, ...],
) -> tuple[list[_Place], Floats]:
    """Return the parameters that explain most, and the sum of squares they explain."""

    def explained(places: Floats) -> Floats:
        """Return it for places (..., candidates, parameters)."""
        values = [
            np.exp(low + places[..., axis] * (high - low))[..., np.newaxis]
            for axis, (low, high) in enumerate(bounds)
        ]
        along = along_shape(shape, doses, whiten[..., np.newaxis, :, :], [*values, *fixed])
        size = (along**2).sum(axis=-1)
        product = (along * white[..., np.newaxis, :]).sum(axis=-1)
        return divide(product**2, size, 0.0)

    grid = _grid(len(bounds), np.linspace(0, 1, _COARSE.get(len(bounds), 1)))
    found = explained(np.broadcast_to(grid, (*white.shape[:-1], *grid.shape)))
    best, most = grid[found.argmax(axis=-1)], found.max(axis=-1)
    step = 1 / (_COARSE.get(len(bounds), 2) - 1)
    around = _grid(len(bounds), np.array([-1.0, -0.5, 0.0, 0.5, 1.0]))
    for _ in range(_ROUNDS if bounds else 0):
        places = np.clip(best[..., np.newaxis, :] + step * around, 0.0, 1.0)
        found = explained(places)
        chosen = found.argmax(axis=-1)[..., np.newaxis]
        best = np.take_along_axis(places, chosen[..., np.newaxis], axis=-2)[..., 0, :]
        most = np.take_along_axis(found, chosen, axis=-1)[..., 0]
        step *= _FINER
    return [(best[..., axis], one) for axis, one in enumerate(bounds)], most


def _grid(parameters: int, values: Floats) -> Floats:
    """Return all combinations of values, shape (combinations, parameters)."""
    if parameters == 0:
        return np.zeros((1, 0))
    axes = np.meshgrid(*[values] * parameters, indexing="ij")
    return np.stack([one.ravel() for one in axes], axis=-1)


def parameter_grid(shape: Shape, top: float, scale: float = 0.0) -> list[Floats]:
    """Return values of the parameters that lie densely where they are fitted, shape (values, 1).

    >>> [len(one) for one in parameter_grid("emax", 60.0)]
    [129]
    """
    if shape == "quadratic":  # peaks at all doses, and none
        return [np.tan(np.pi * (np.arange(1, 130) / 130 - 0.5))[:, np.newaxis] / top]
    bounds = _bounds(shape, top)
    places = _grid(len(bounds), np.linspace(0, 1, _DENSE.get(len(bounds), 1)))
    values = [
        np.exp(low + places[:, axis : axis + 1] * (high - low))
        for axis, (low, high) in enumerate(bounds)
    ]
    if shape == "beta":
        values.append(np.full((len(places), 1), scale or SCALE * top))
    return values


def along_shape(
    shape: Shape, doses: Floats, whiten: Floats, values: Sequence[Floats | float]
) -> Floats:
    """Return the whitened rise at the doses, shape (..., doses), by sums over the doses."""
    rises = rise(shape, doses, values)
    return np.asarray(sum(whiten[..., dose] * rises[..., dose, None] for dose in range(len(doses))))


def _bounds(shape: Shape, top: float) -> list[tuple[float, float]]:
    """Return the logarithms between which the parameters are fitted."""
    form = FORMS[shape]
    of_dose = [top if name in form.doses else 1.0 for name in form.parameters]
    ends = [
        (low * unit, high * unit) for (low, high), unit in zip(form.bounds, of_dose, strict=False)
    ]
    return [(float(np.log(low)), float(np.log(high))) for low, high in ends]


def _quadratic(doses: Floats, white: Floats, whiten: Floats) -> Curve:
    """Fit the shape whose two terms are found by least squares."""
    columns = whiten @ np.stack([doses, doses**2], axis=-1)
    first, second = columns[..., 0], columns[..., 1]
    a, b, c = (first**2).sum(-1), (first * second).sum(-1), (second**2).sum(-1)
    x, y = (first * white).sum(-1), (second * white).sum(-1)
    determinant = a * c - b**2
    linear = divide(c * x - b * y, determinant, np.nan)
    squared = divide(a * y - b * x, determinant, np.nan)
    left = white - linear[..., np.newaxis] * first - squared[..., np.newaxis] * second
    height = np.where(linear == 0, np.nan, linear)
    sound = np.zeros(height.shape, np.bool_)
    return Curve("quadratic", height, (squared / height,), (left**2).sum(-1), sound)


def akaike_weights(criteria: Floats) -> Floats:
    """Return the weights of curves by their criteria, shape (..., curves); 0 where NaN.

    Buckland, Burnham and Augustin (1997, Biometrics 53:603), equation 2.

    >>> akaike_weights(np.array([2.0, 2.0, np.inf])).tolist()
    [0.5, 0.5, 0.0]
    """
    known = np.where(np.isnan(criteria), np.inf, criteria)
    least = known.min(axis=-1, keepdims=True)
    weights = np.exp(-(known - np.where(np.isinf(least), 0.0, least)) / 2)
    return divide(weights, weights.sum(axis=-1, keepdims=True), 0.0)
