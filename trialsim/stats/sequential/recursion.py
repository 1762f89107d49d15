"""Trials that continue after a look are a density of z, carried from look to look by quadrature.

Armitage, McPherson and Rowe (1969), JRSS A 132:235; Jennison and Turnbull (2000), chapter 19. Under
no effect z at a look, given z at the look before, is normal with mean r z and variance 1 - r**2,
where r**2 is the ratio of the two informations; an effect only moves the bounds. Each trial of a
batch has informations of its own, so nodes, bounds and densities are arrays over the batch. The
first look follows a start at which z is 0 and nothing is known (r is 0).
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Floats, Integers

REACH: Final = 7.0
"""Beyond this many standard deviations from its mean a density is not followed (1e-12 is left)."""
LEAST_GAIN: Final = 1e-3
"""A look that adds a smaller share of the information before it counts as if it added this one."""
SIZES: Final = np.array([12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768])
"""The numbers of nodes in use, so that trials can be followed in groups."""
KERNELS: Final = 2**17
"""The values of a transition held at once: what stays in a processor's cache."""


class Ongoing(NamedTuple):
    """Trials that continue after a look: masses at the nodes of z, each (trials, nodes)."""

    z: Floats
    mass: Floats


class Step(NamedTuple):
    """From one look to the next: the correlation of z, its spread given the earlier, (trials,)."""

    correlation: Floats
    spread: Floats


def start(trials: int) -> Ongoing:
    """Return trials of which nothing is known yet."""
    return Ongoing(np.zeros((trials, 1)), np.ones((trials, 1)))


def steps(fractions: Floats) -> list[Step]:
    """Return the step to each look; fractions (trials, looks) rise, in any unit of information."""
    before = np.concatenate([np.zeros_like(fractions[:, :1]), fractions[:, :-1]], axis=1)
    ratio = before / fractions
    return [
        Step(np.sqrt(ratio[:, look]), np.sqrt(1 - ratio[:, look]))
        for look in range(fractions.shape[1])
    ]


def probability_above(ongoing: Ongoing, step: Step, z: Floats) -> Floats:
    """Return the probability of continuing to the next look and being above `z` (trials,) there."""
    return _normal_mass(ongoing, step, z, 1.0)


def probability_below(ongoing: Ongoing, step: Step, z: Floats) -> Floats:
    """Return the probability of continuing to the next look and being below `z` (trials,) there."""
    return _normal_mass(ongoing, step, z, -1.0)


def bound_with_probability_above(ongoing: Ongoing, step: Step, probability: Floats) -> Floats:
    """Return the z (trials,) above which the next look has that probability; infinite for 0.

    Newton's method on the logarithm of the probability, which is concave in z, from a z that is
    certainly too high: it comes down and cannot pass the root.
    """
    highest = step.correlation * ongoing.z[:, -1]
    total = ongoing.mass.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = probability / total
        conditional = highest - step.spread * scipy.special.ndtri(share)
        z = np.asarray(np.fmin(-scipy.special.ndtri(probability), conditional))
    z[share >= 1] = -np.inf
    z[probability < 1e-300] = np.inf
    open_rows = np.flatnonzero(np.isfinite(z))
    for _ in range(60):
        if not open_rows.size:
            break
        some = Ongoing(ongoing.z[open_rows], ongoing.mass[open_rows])
        way = Step(step.correlation[open_rows], step.spread[open_rows])
        above = probability_above(some, way, z[open_rows])
        density = _density(some, way, z[open_rows, None])[:, 0]
        change = above / density * np.log(above / probability[open_rows])
        z[open_rows] += change
        open_rows = open_rows[np.abs(change) > 1e-7]
    return z


def bound_with_probability_below(ongoing: Ongoing, step: Step, probability: Floats) -> Floats:
    """Return the z (trials,) below which the next look has that probability; -infinite for 0."""
    mirrored = Ongoing(-ongoing.z[:, ::-1], ongoing.mass[:, ::-1])
    return np.negative(bound_with_probability_above(mirrored, step, probability))


def go_on(
    ongoing: Ongoing,
    step: Step,
    lower: Floats,
    upper: Floats,
    nodes: int,
    reach: Floats | float = REACH,
) -> Ongoing:
    """Return the trials whose next z lies between the bounds, (trials,), and within the reach."""
    lower, upper = (np.clip(bound, -reach, reach) for bound in (lower, upper))
    place, weight = _rule(nodes)
    middle, half = (upper + lower) / 2, np.maximum(upper - lower, 0) / 2
    z = middle[:, None] + half[:, None] * place
    return Ongoing(z, _density(ongoing, step, z) * (half[:, None] * weight))


def rising(fractions: Floats) -> Floats:
    """Return fractions that each rise above the one before by at least `LEAST_GAIN` of it."""
    risen = np.array(fractions, float)
    risen[:, 0] = np.maximum(risen[:, 0], 1e-12)
    for look in range(1, risen.shape[1]):
        risen[:, look] = np.maximum(risen[:, look], risen[:, look - 1] * (1 + LEAST_GAIN))
    return risen


def nodes_needed(fractions: Floats, lower: Floats, upper: Floats) -> Integers:
    """Return how many nodes each look but the last needs, (trials, looks - 1), out of `SIZES`.

    A Gauss-Legendre rule over a half width h resolves a normal density of spread s to exp(-2 x**2)
    with x h / s nodes; the narrowest that meets it comes from the steps before and after the look.
    """
    spread = np.stack([step.spread for step in steps(fractions)], axis=1)
    narrowest = 1 / np.hypot(1 / spread[:, :-1], 1 / spread[:, 1:])
    half = np.maximum(upper - lower, 0)[:, :-1] / 2
    needed = 2.4 * half / narrowest + 6
    return np.asarray(SIZES[np.minimum(np.searchsorted(SIZES, needed), len(SIZES) - 1)])


Work: TypeAlias = Callable[..., tuple[Floats, ...]]


def over_trials(
    work: Work, outputs: int, fractions: Floats, lower: Floats, upper: Floats, *more: Floats
) -> tuple[Floats, ...]:
    """Do the work for groups of trials that have as many looks and need the same nodes.

    `fractions`, `lower`, `upper` (the range in which z is followed) and `more` broadcast to
    (..., looks); looks that are not held are NaN in `fractions`. `work(fractions, nodes, *more)`
    has those of one group, (trials, looks), with no such look among them, and returns as many
    arrays of that shape as there are `outputs`. Trials that are alike are worked once.
    """
    columns = np.stack(np.broadcast_arrays(fractions, lower, upper, *more))
    shape = columns.shape[1:]
    columns = columns.reshape(len(columns), -1, shape[-1])
    order = np.argsort(np.isnan(columns[0]), axis=1, kind="stable")
    columns = np.take_along_axis(columns, order[None], axis=2)
    columns[:, np.isnan(columns[0])] = np.nan
    trials = np.moveaxis(columns, 0, 1)
    first, same = _distinct(trials.reshape(len(trials), len(columns) * shape[-1]))
    columns = columns[:, first]
    found = np.full((outputs, *columns.shape[1:]), np.nan)
    for looks, nodes, rows in _groups(columns):
        t, _, _, *others = columns[:, rows, :looks]
        found[:, rows, :looks] = work(rising(t), nodes, *others)
    placed = np.empty((outputs, *order.shape))
    np.put_along_axis(placed, np.broadcast_to(order, placed.shape), found[:, same], axis=2)
    return tuple(placed.reshape(outputs, *shape))


def _groups(columns: Floats) -> Iterator[tuple[int, list[int], Integers]]:
    """Return looks, nodes and rows of trials that can be worked together, not too many at once."""
    held = np.sum(~np.isnan(columns[0]), axis=1)
    for looks in np.unique(held[held > 0]).tolist():
        rows = np.flatnonzero(held == looks)
        t, lower, upper = columns[:3, rows, :looks]
        needed = nodes_needed(rising(t), lower, upper)
        kinds, kind = np.unique(needed, axis=0, return_inverse=True)
        for place, nodes in enumerate(kinds.tolist()):
            alike = rows[kind.reshape(-1) == place]
            width = max([1, *nodes, *(a * b for a, b in pairwise(nodes))])
            some = max(1, KERNELS // width)
            for begin in range(0, len(alike), some):
                yield looks, nodes, alike[begin : begin + some]


def _distinct(rows: Floats) -> tuple[Integers, Integers]:
    """Return the places of distinct rows, compared bit by bit, and which of them each row is."""
    bits = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1] * rows.itemsize)))
    _, first, same = np.unique(bits.reshape(-1), return_index=True, return_inverse=True)
    return first, same.reshape(-1)


@lru_cache(maxsize=len(SIZES))
def _rule(nodes: int) -> tuple[Floats, Floats]:
    """Return the Gauss-Legendre nodes and weights on (-1, 1)."""
    place, weight = scipy.special.roots_legendre(nodes)
    return np.asarray(place), np.asarray(weight)


def _normal_mass(ongoing: Ongoing, step: Step, z: Floats, side: float) -> Floats:
    """Return the mass that the step carries above (side 1) or below (side -1) `z` (trials,)."""
    distance = step.correlation[:, None] * ongoing.z
    distance -= z[:, None]
    distance *= side / step.spread[:, None]
    reached = scipy.special.ndtr(distance, out=distance)
    reached *= ongoing.mass
    return np.asarray(reached.sum(axis=1))


def _density(ongoing: Ongoing, step: Step, z: Floats) -> Floats:
    """Return the density of the next z at places (trials, places), of trials that continue."""
    spread = step.spread[:, None]
    kernel = (z / spread)[:, :, None] - (step.correlation[:, None] / spread * ongoing.z)[:, None, :]
    np.square(kernel, out=kernel)
    kernel *= -0.5
    np.exp(kernel, out=kernel)
    density = np.matmul(kernel, ongoing.mass[:, :, None])[:, :, 0]
    return np.asarray(density / (spread * np.sqrt(2 * np.pi)))
