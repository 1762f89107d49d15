"""What was seen of a patient predicts what was not: a mixed model for repeated measures (MMRM).

The scores of patient i at the visits are normal around B'z_i, z_i the covariates, with any
covariance matrix S over the visits (unstructured). Restricted maximum likelihood takes all that was
observed, and needs of it only sums over the patients who were seen at the same visits: with W the
inverse of S at those visits and zero elsewhere, X'WX is the sum of zz' (x) W. So a step costs a few
small matrices for each pattern of visits of each trial, however many patients there are. Scores
that are missing at random (Rubin 1976, Biometrika 63:581) leave the estimates consistent.
"""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, divide
from trialsim.stats.means_and_proportions.mean_difference import MeanDifference, mean_difference
from trialsim.stats.monte_carlo import check_choice
from trialsim.stats.p_values import Alternative
from trialsim.stats.ranks.covariances import invert

Freedom: TypeAlias = Literal["kenward-roger", "satterthwaite"]

_STEPS = 100
_SHORTEST = 2.0**-30
_LEAST = 0.05
"""The least eigenvalue of the correlations that a search begins with."""
_CONVERGED = 1e-10
"""Twice what the likelihood would still gain: the square of a distance in standard errors."""
_NOTHING_NEW = 1e-9
"""A share of a covariate's spread below this, not predicted by the others, is rounding."""
_AT_ONCE = 16
"""Trials whose sums fit the cache; each is fitted as if it were alone."""


def repeated_measures(
    scores: Floats,
    treated: Booleans,
    by_visit: Floats,
    common: Floats,
    visit: int = -1,
    freedom: Freedom = "kenward-roger",
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> MeanDifference:
    """Compare the arms at a visit in a model of all visits, scores (..., patients, visits).

    Arm and visit interact; `by_visit`, shape (..., patients, covariates), has a slope at each
    visit, `common` one slope for all. NaN is a score that is missing, and a patient without any
    adds nothing. `visit` is a place on the last axis.

    The estimates are those of restricted maximum likelihood, found by average information (Gilmour,
    Thompson and Cullis 1995, Biometrics 51:1440) with halved steps. The degrees of freedom are
    Satterthwaite's, from the observed information of the covariances; for one difference they are
    also those of Kenward and Roger (1997, Biometrics 53:983), who enlarge the standard error, here
    in the covariances themselves, in which S is linear, as SAS does (`ddfm=kr(linear)`).

    Where there is no maximum, or the arms cannot be compared at the visit, the estimate is NaN, the
    interval all numbers and the p-value 1.

    >>> scores = np.array([[3.0, 5], [4, 6], [2, np.nan], [3, 2], [1, 3], [2, 2], [4, 4]])
    >>> arm, none = np.array([1, 1, 1, 0, 0, 0, 0]) == 1, np.empty((7, 0))
    >>> found = repeated_measures(scores, arm, none, none)
    >>> [round(x.item(), 3) for x in (found.estimate, found.degrees_of_freedom)]
    [2.568, 4.301]
    """
    check_choice("freedom", freedom, Freedom)
    batch, shape = scores.shape[:-2], scores.shape[-2:]
    z = np.concatenate([treated[..., np.newaxis], _scaled(by_visit), _scaled(common)], axis=-1)
    z = np.concatenate([np.ones((*z.shape[:-1], 1)), z], axis=-1)
    z, y = z.reshape(-1, shape[0], z.shape[-1]), scores.reshape(-1, *shape)
    slopes = _slopes(z.shape[-1], common.shape[-1], shape[1])
    parts = [
        _compared(_Sums.of(z[start : start + _AT_ONCE], y[start : start + _AT_ONCE]), slopes, visit)
        for start in range(0, len(y), _AT_ONCE)
    ]
    empty = [np.empty(0)] * 4
    estimate, plain, enlarged, degrees = (
        np.concatenate(part).reshape(batch) for part in zip(empty, *parts, strict=True)
    )
    variance = enlarged if freedom == "kenward-roger" else plain
    return mean_difference(estimate, variance, degrees, confidence, alternative)


class _Sums(NamedTuple):
    """Sums over the patients of each trial who were seen at the same visits, a row for each."""

    trials: int
    first: Integers  # the row at which each trial begins, (trial,)
    trial: Integers  # (row,)
    both: Floats  # 1 where both visits were seen, (row, visit, visit)
    patients: Floats  # (row,)
    covariates: Floats  # zz', (row, covariate, covariate)
    mixed: Floats  # zy', (row, covariate, visit); a score that is missing is 0
    scores: Floats  # yy', (row, visit, visit)

    @classmethod
    def of(cls, z: Floats, scores: Floats) -> "_Sums":
        """Add up patients, shapes (trial, patient, covariate) and (trial, patient, visit)."""
        trials, patients, visits = scores.shape
        seen = ~np.isnan(scores)
        pattern = seen @ (1 << np.arange(visits))
        place = (np.arange(trials)[:, np.newaxis] << visits) + pattern
        order = np.argsort(place.ravel(), kind="stable")
        place = place.ravel()[order]
        starts = np.flatnonzero(np.diff(place, prepend=-1))
        table = np.concatenate([z, np.where(seen, scores, 0.0)], axis=-1)
        table = table.reshape(trials * patients, -1)[order]
        sums = np.add.reduceat(table[:, :, np.newaxis] * table[:, np.newaxis, :], starts, axis=0)
        q, trial = z.shape[-1], place[starts] >> visits
        known = seen.reshape(-1, visits)[order[starts]]
        return cls(
            trials=trials,
            first=np.searchsorted(trial, np.arange(trials)),
            trial=trial,
            both=1.0 * (known[:, :, np.newaxis] & known[:, np.newaxis, :]),
            patients=np.diff(starts, append=len(place)).astype(np.float64),
            covariates=sums[:, :q, :q],
            mixed=sums[:, :q, q:],
            scores=sums[:, q:, q:],
        )

    def of_some(self, kept: Booleans) -> "_Sums":
        """Return the sums of some of the trials."""
        rows = kept[self.trial]
        trial = (np.cumsum(kept) - 1)[self.trial[rows]]
        first = np.searchsorted(trial, np.arange(kept.sum()))
        return _Sums(int(kept.sum()), first, trial, *(part[rows] for part in self[3:]))

    def added(self, rows: Floats) -> Floats:
        """Return the sum over the rows of each trial, shape (trial, ...)."""
        added: Floats = np.add.reduceat(rows, self.first, axis=0)
        return added


class _Fit(NamedTuple):
    """The best slopes at some covariances S, and what they leave."""

    likelihood: Floats  # restricted, but for a constant, (trial,); -inf where there is none
    weight: Floats  # W, (row, visit, visit)
    slopes: Floats  # B, (trial, covariate, visit)
    spread: Floats  # covariance of the slopes, (trial, covariate x visit, covariate x visit)
    rest: Floats  # sum of z (y - B'z)', (row, covariate, visit)
    squares: Floats  # sum of (y - B'z)(y - B'z)', (row, visit, visit)


class _Model(NamedTuple):
    """Which slopes are parameters, and in which directions the data say nothing of them."""

    slopes: Floats  # (covariate x visit, parameter)
    nothing: Floats  # a projector on parameters, (trial, parameter, parameter)

    @classmethod
    def of(cls, sums: _Sums, slopes: Floats) -> "_Model":
        """Find the directions in which no patient differs: they are the same for every S."""
        seen = sums.both * np.eye(sums.both.shape[-1])
        products = slopes.T @ sums.added(_products(sums.covariates, seen)) @ slopes
        patients = np.maximum(sums.added(sums.patients), 1.0)[:, np.newaxis, np.newaxis]
        values, vectors = np.linalg.eigh(products / patients)
        empty = vectors * (values < _NOTHING_NEW)[:, np.newaxis, :]
        return cls(slopes, empty @ np.swapaxes(vectors, -1, -2))

    def of_some(self, kept: Booleans) -> "_Model":
        """Return the model of some of the trials."""
        return _Model(self.slopes, self.nothing[kept])

    def fit(self, sums: _Sums, covariance: Floats) -> _Fit:
        """Fit the slopes by generalised least squares at covariances, (trial, visit, visit)."""
        visits = np.eye(covariance.shape[-1])
        values, vectors = np.linalg.eigh(
            covariance[sums.trial] * sums.both + visits * (1 - sums.both)
        )
        proper = values > 0
        values = np.where(proper, values, 1.0)
        weight = (vectors / values[:, np.newaxis]) @ np.swapaxes(vectors, -1, -2) * sums.both
        whole = self.slopes.T @ sums.added(_products(sums.covariates, weight)) @ self.slopes
        whole += self.nothing
        spread = self.slopes @ (np.linalg.inv(whole) - self.nothing) @ self.slopes.T
        towards = sums.added(sums.mixed @ weight)
        best = (spread @ towards.reshape(sums.trials, -1, 1)).reshape(towards.shape)
        own = best[sums.trial]
        turned = np.swapaxes(own, -1, -2)
        rest = sums.mixed - sums.covariates @ own
        squares = sums.scores - turned @ sums.mixed - np.swapaxes(rest, -1, -2) @ own
        distance = sums.patients * np.log(values).sum(axis=-1)
        distance += (weight * squares).sum(axis=(1, 2))
        likelihood = -(sums.added(distance) + np.linalg.slogdet(whole)[1]) / 2
        improper = sums.added(np.asarray(~proper.all(axis=-1), np.float64)) > 0
        return _Fit(np.where(improper, -np.inf, likelihood), weight, best, spread, rest, squares)


def _scaled(covariates: Floats) -> Floats:
    """Centre covariates, shape (..., patients, covariates), and divide them by their SD, if any."""
    rows = np.ascontiguousarray(np.swapaxes(covariates, -1, -2), np.float64)
    centred = rows - rows.mean(axis=-1, keepdims=True)
    sd = np.sqrt((centred**2).mean(axis=-1, keepdims=True))
    return np.swapaxes(centred * divide(np.ones(()), sd, 0.0), -1, -2)


def _slopes(covariates: int, common: int, visits: int) -> Floats:
    """Return which slopes at the visits each parameter is, (covariate x visit, parameter).

    The last `common` covariates have one slope at all visits.

    >>> _slopes(2, 1, 2).astype(int).tolist()
    [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]
    """
    own = (covariates - common) * visits
    slopes = np.zeros((covariates * visits, own + common))
    slopes[:own, :own] = np.eye(own)
    slopes[own:, own:] = np.kron(np.eye(common), np.ones((visits, 1)))
    return slopes


def _products(covariates: Floats, weight: Floats) -> Floats:
    """Return Kronecker's products of matrices, shapes (row, q, q) and (row, k, k)."""
    return _blocks(
        covariates[:, :, np.newaxis, :, np.newaxis] * weight[:, np.newaxis, :, np.newaxis]
    )


def _blocks(parts: Floats) -> Floats:
    """Return (row, q, k, q, k) as (row, qk, qk)."""
    return parts.reshape(len(parts), parts.shape[1] * parts.shape[2], -1)


def _maximised(sums: _Sums, model: _Model) -> tuple[Floats, Booleans]:
    """Return the covariances at which the restricted likelihood is greatest, and where it is.

    Each trial takes half a step less until its likelihood rises, and is left alone once it is done.
    """
    covariance = _moments(sums, model)
    likelihood = np.full(len(covariance), -np.inf)
    towards, length = np.zeros_like(covariance), np.ones(len(covariance))
    going, done = np.ones((2, len(covariance)), np.bool_) * [[True], [False]]
    for _ in range(_STEPS):
        rows = np.flatnonzero(going)
        if rows.size == 0:
            break
        some, its = sums.of_some(going), model.of_some(going)
        proposed = covariance[rows] + length[rows, np.newaxis, np.newaxis] * towards[rows]
        fit = its.fit(some, proposed)
        better = fit.likelihood >= likelihood[rows] - 1e-12 * np.abs(fit.likelihood)
        better &= np.isfinite(fit.likelihood)
        step, gain = _step(some, fit)
        rose = rows[better]
        covariance[rose], likelihood[rose] = proposed[better], fit.likelihood[better]
        towards[rose], length[rose] = step[better], 1.0
        length[rows[~better]] /= 2
        done[rose] = gain[better] < _CONVERGED
        going &= ~done & (length > _SHORTEST)
    return covariance, done


def _moments(sums: _Sums, model: _Model) -> Floats:
    """Return covariances to begin with: of the residuals of least squares, drawn to the diagonal.

    So far that no correlation matrix is nearly singular.
    """
    unit = np.broadcast_to(np.eye(sums.both.shape[-1]), (sums.trials, *sums.both.shape[1:]))
    squares = sums.added(model.fit(sums, unit).squares * sums.both)
    patients = sums.added(sums.patients[:, np.newaxis, np.newaxis] * sums.both)
    moments = divide(squares, patients, 0.0)
    variances = np.diagonal(moments, axis1=-2, axis2=-1)
    sd = np.sqrt(np.where(variances > 0, variances, 1.0))
    scale = sd[:, :, np.newaxis] * sd[:, np.newaxis, :]
    correlation = np.where(unit > 0, 1.0, moments / scale)
    least = np.linalg.eigvalsh(correlation)[:, :1, np.newaxis]
    share = np.maximum((_LEAST - least) / (1 - least + (least == 1)), 0.0)
    drawn: Floats = scale * ((1 - share) * correlation + share * unit)
    return drawn


class _Cells(NamedTuple):
    """The parameters of S: its cells on and above the diagonal, D = E_ab + E_ba for a cell a, b."""

    a: Integers
    b: Integers
    half: Floats  # D is E_aa on the diagonal

    @classmethod
    def of(cls, visits: int) -> "_Cells":
        """Return those of so many visits."""
        a, b = np.triu_indices(visits)
        return cls(a, b, np.where(a == b, 0.5, 1.0))

    def of_matrix(self, matrix: Floats) -> Floats:
        """Return tr(D G) for the D of every cell and symmetric G."""
        return 2 * self.half * matrix[:, self.a, self.b]

    def traces(self, left: Floats, right: Floats) -> Floats:
        """Return tr(left D right D') for the D and D' of every two cells."""
        a, b = self.a[:, np.newaxis], self.b[:, np.newaxis]
        found = left[:, a, self.b] * right[:, b, self.a]
        found += left[:, b, self.b] * right[:, a, self.a]
        found += left[:, a, self.a] * right[:, b, self.b]
        found += left[:, b, self.a] * right[:, a, self.b]
        return found * (self.half[:, np.newaxis] * self.half)

    def within(self, weight: Floats) -> Floats:
        """Return W D W for the D of every cell, shape (row, visit, visit, cell)."""
        a, b = weight[:, :, self.a], weight[:, :, self.b]
        found = a[:, :, np.newaxis] * b[:, np.newaxis] + b[:, :, np.newaxis] * a[:, np.newaxis]
        return found * self.half


def _step(sums: _Sums, fit: _Fit) -> tuple[Floats, Floats]:
    """Return the step in S by average information, and twice what it gains to second order."""
    cells = _Cells.of(fit.weight.shape[-1])
    slope = cells.of_matrix(sums.added(_slope(sums, fit))) / 2
    information = _average(sums, fit, cells, cells.within(fit.weight)) + _unseen(sums, cells)
    step = (invert(information).matrix @ slope[:, :, np.newaxis])[:, :, 0]
    towards = np.zeros((len(step), *fit.weight.shape[1:]))
    towards[:, cells.a, cells.b] = towards[:, cells.b, cells.a] = step
    return towards, (slope * step).sum(axis=-1)


def _slope(sums: _Sums, fit: _Fit) -> Floats:
    """Return W (squares + fitted) W - n W, twice the derivative by S, (row, visit, visit)."""
    found = fit.weight @ (fit.squares + _fitted(sums, fit.spread)) @ fit.weight
    return found - sums.patients[:, np.newaxis, np.newaxis] * fit.weight


def _fitted(sums: _Sums, spread: Floats) -> Floats:
    """Return the sum over patients of the covariance of B'z at the visits, (row, visit, visit)."""
    visits = sums.both.shape[-1]
    parts = spread.reshape(len(spread), -1, visits, spread.shape[-1] // visits, visits)
    parts = parts.transpose(0, 2, 4, 1, 3).reshape(len(spread), visits**2, -1)
    covariates = sums.covariates.reshape(len(sums.covariates), -1, 1)
    fitted: Floats = (parts[sums.trial] @ covariates).reshape(-1, visits, visits)
    return fitted


def _average(sums: _Sums, fit: _Fit, cells: _Cells, within: Floats) -> Floats:
    """Return the average information y'P D P D'P y / 2 of the covariances, (trial, cell, cell)."""
    of_squares = sums.added(cells.traces(fit.weight @ fit.squares @ fit.weight, fit.weight))
    bends = _bends(sums, fit, within)
    return (of_squares - np.swapaxes(bends, -1, -2) @ fit.spread @ bends) / 2


def _bends(sums: _Sums, fit: _Fit, within: Floats) -> Floats:
    """Return X'W D W (y - B'z) for every cell, (trial, covariate x visit, cell)."""
    rows, visits, _, cells = within.shape
    bends = sums.added(fit.rest @ within.reshape(rows, visits, -1))
    return bends.reshape(sums.trials, -1, cells)


def _unseen(sums: _Sums, cells: _Cells) -> Floats:
    """Return 1 on the diagonal for a cell of two visits at which no patient was seen."""
    seen = sums.added(sums.both)[:, cells.a, cells.b] > 0
    return np.where(seen, 0.0, 1.0)[:, :, np.newaxis] * np.eye(len(cells.a))


def _compared(sums: _Sums, slopes: Floats, visit: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return difference, its variance, that of Kenward and Roger, and the degrees of freedom.

    NaN where there is no maximum, or the arms cannot be compared at the visit.
    """
    model = _Model.of(sums, slopes)
    covariance, done = _maximised(sums, model)
    fit = model.fit(sums, covariance)
    visits = covariance.shape[-1]
    cells, place = (
        _Cells.of(visits),
        visits + range(visits)[visit],
    )  # the arm is the second covariate
    within = cells.within(fit.weight)
    turns = _turns(sums, within)
    observed = _observed(sums, fit, cells, within, turns) + _unseen(sums, cells)
    finite = np.isfinite(observed).all(axis=(1, 2), keepdims=True)
    observed = np.where(finite, observed, 0.0)
    known = done & (np.linalg.eigvalsh(observed)[:, 0] > 0)
    known &= ((model.nothing @ slopes[place]) ** 2 < _NOTHING_NEW).all(axis=-1)
    errors = np.linalg.inv(
        np.where(known[:, np.newaxis, np.newaxis], observed, np.eye(len(cells.a)))
    )
    through = fit.spread[:, :, place]
    variance = through[:, place]
    turned = (through[:, np.newaxis, np.newaxis] @ turns)[:, :, 0]
    by_cell = turned @ through[:, :, np.newaxis]  # the variance's derivative
    of_variance = (np.swapaxes(by_cell, -1, -2) @ errors @ by_cell)[:, 0, 0]
    excess = sums.added(cells.traces(_sandwich(sums, fit, through), fit.weight))
    excess -= turned @ fit.spread @ np.swapaxes(turned, -1, -2)
    enlarged = variance + 2 * (errors * excess).sum(axis=(1, 2))
    freedom = divide(2 * variance**2, of_variance, np.nan)
    estimate = fit.slopes.reshape(sums.trials, -1)[:, place]
    found = [np.where(known, one, np.nan) for one in (estimate, variance, enlarged, freedom)]
    return found[0], found[1], found[2], found[3]


def _turns(sums: _Sums, within: Floats) -> Floats:
    """Return X'W D W X, less the derivative of X'WX, as (trial, cell, slope, slope)."""
    covariates = sums.covariates[:, :, np.newaxis, :, np.newaxis, np.newaxis]
    parts = sums.added(covariates * within[:, np.newaxis, :, np.newaxis])
    size = parts.shape[1] * parts.shape[2]
    return np.moveaxis(parts.reshape(sums.trials, size, size, -1), -1, 1)


def _observed(sums: _Sums, fit: _Fit, cells: _Cells, within: Floats, turns: Floats) -> Floats:
    """Return the observed information of the covariances, y'P D P D'P y - tr(P D P D') / 2."""
    weight, (trials, size) = fit.weight, turns.shape[:2]
    middle = fit.squares + _fitted(sums, fit.spread)
    left = weight @ middle @ weight - sums.patients[:, np.newaxis, np.newaxis] * weight / 2
    bends = _bends(sums, fit, within)
    spread = fit.spread[:, np.newaxis] @ turns
    across = spread.reshape(trials, size, -1) @ np.swapaxes(
        np.swapaxes(spread, -1, -2).reshape(trials, size, -1), -1, -2
    )
    curved = np.swapaxes(bends, -1, -2) @ fit.spread @ bends
    observed: Floats = sums.added(cells.traces(left, weight)) - curved - across / 2
    return observed


def _sandwich(sums: _Sums, fit: _Fit, through: Floats) -> Floats:
    """Return W U'zz'U W summed over patients, U (covariate, visit) the way of the contrast."""
    ways = through.reshape(len(through), -1, fit.weight.shape[-1])[sums.trial]
    return fit.weight @ np.swapaxes(ways, -1, -2) @ sums.covariates @ ways @ fit.weight
