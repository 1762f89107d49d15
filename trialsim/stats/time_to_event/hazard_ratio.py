"""The hazard ratio of two arms by Cox's partial likelihood, stratified or not."""

from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np

from trialsim.arrays import Floats, Integers
from trialsim.stats.time_to_event.at_risk import AtRisk

Ties: TypeAlias = Literal["efron", "breslow"]
_STEPS: Final = 50
_CLOSE: Final = 1e-10
_FARTHEST: Final = 2.0
"""By how much one step of Newton's changes the logarithm at most."""


class HazardRatio(NamedTuple):
    """The hazard of the first arm over that of the second, shape (...)."""

    log_ratio: Floats
    """Infinite where every further event would be of one arm; NaN where nothing is known."""
    standard_error: Floats
    """Of the logarithm, by the information at the maximum; NaN where that is infinite."""


class _Ranked(NamedTuple):
    """Each event, with those of either arm who could have had it; one after another."""

    row: Integers
    first: Floats
    second: Floats


def hazard_ratio(counts: AtRisk, ties: Ties = "efron") -> HazardRatio:
    """Return the maximum of the partial likelihood of Cox (1972), by Newton's method.

    Of events on one day Efron (1977, Journal of the American Statistical Association 72:557) takes
    the average share of them from those at risk before each, Breslow (1974, Biometrics 30:89) none,
    which brings the ratio nearer to 1 where many events are tied. Rows do not depend on each other.

    Parameters
    ----------
    counts
        Shape (..., stratum, 2, day); without strata (..., 1, 2, day).

    >>> counts = AtRisk(np.array([[[1.0, 0], [0, 1]]]), np.array([[[2.0, 1], [2, 2]]]))
    >>> round(hazard_ratio(counts).log_ratio.item(), 4)
    0.3466
    """
    leading = counts.events.shape[:-3]
    rows = int(np.prod(leading, dtype=np.int64))
    ranked = _one_after_another(counts, ties)
    first_events = counts.events[..., 0, :].sum(axis=(-2, -1)).reshape(rows)
    log_ratio: Floats = np.zeros(rows)
    at_infinity = first_events - _sum(ranked, np.where(ranked.first > 0, 1.0, 0.0), rows)
    at_zero = first_events - _sum(ranked, np.where(ranked.second > 0, 0.0, 1.0), rows)
    bounded = (at_infinity < 0) & (at_zero > 0)
    moving, information = bounded, _sum(ranked, np.ones_like(ranked.first), rows)
    for _ in range(_STEPS):
        share = _share_of_first(ranked, log_ratio)
        information = _sum(ranked, share * (1 - share), rows)
        score = first_events - _sum(ranked, share, rows)
        step = np.where(moving, score / np.where(bounded, information, 1.0), 0.0)
        if not moving.any():
            break
        log_ratio = log_ratio + np.clip(step, -_FARTHEST, _FARTHEST)
        moving = moving & (np.abs(step) > _CLOSE)
    unbounded = np.select([(at_zero > 0), (at_infinity < 0)], [np.inf, -np.inf], np.nan)
    error = np.where(bounded, 1 / np.sqrt(np.where(bounded, information, 1.0)), np.nan)
    found = np.where(bounded, log_ratio, unbounded)
    return HazardRatio(found.reshape(leading), error.reshape(leading))


def _one_after_another(counts: AtRisk, ties: Ties) -> _Ranked:
    """Return a place for each event, those of one day in any order."""
    rows = int(np.prod(counts.events.shape[:-3], dtype=np.int64))
    events, at_risk = (one.reshape(rows, -1, *one.shape[-2:]) for one in counts)
    tied = events.sum(axis=2)
    row, stratum, day = np.nonzero(tied)
    number = tied[row, stratum, day].astype(np.int64)
    cell = np.repeat(np.arange(len(number)), number)
    before = np.arange(len(cell)) - np.repeat(np.cumsum(number) - number, number)
    taken = before / number[cell] if ties == "efron" else np.zeros(len(cell))
    ends = (row[cell], stratum[cell]), day[cell]
    first, second = (
        at_risk[*ends[0], arm, ends[1]] - taken * events[*ends[0], arm, ends[1]] for arm in (0, 1)
    )
    return _Ranked(row[cell], first, second)


def _share_of_first(ranked: _Ranked, log_ratio: Floats) -> Floats:
    """Return with what probability each event is of the first arm."""
    weighted = ranked.first * np.exp(log_ratio)[ranked.row]
    return weighted / (weighted + ranked.second)


def _sum(ranked: _Ranked, values: Floats, rows: int) -> Floats:
    return np.bincount(ranked.row, weights=values, minlength=rows).astype(np.float64)
