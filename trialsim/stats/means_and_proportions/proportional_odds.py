"""One odds ratio speaks for all cells of a scale, if its odds are proportional.

The fit is statsmodels', which takes from 20 ms to a second: not for the hot path.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from trialsim.arrays import Floats
from trialsim.stats.monte_carlo import check_probability
from trialsim.stats.p_values import normal_p_value


class OddsRatio(NamedTuple):
    """A common odds ratio: above 1, the treated have better odds to be above any cell."""

    odds_ratio: Floats
    log_odds_ratio: Floats
    standard_error: Floats  # of the log odds ratio
    low: Floats
    high: Floats
    z: Floats
    p_value: Floats  # two-sided, Wald


def proportional_odds(treated: Floats, control: Floats, confidence: float = 0.95) -> OddsRatio:
    """Fit the proportional odds model to one trial, shapes (m,) and (n,); NaN is left out.

    Maximum likelihood (McCullagh 1980, JRSS B 42:109) by statsmodels' `OrderedModel`, as R's
    `MASS::polr` but with the sign that makes larger values better; Wald's interval and test. When
    no patient of one arm is better than any of the other the ratio is 0 or infinite: its interval
    is then (0, inf) and the p-value 1, for Wald's test cannot tell. When all values are equal, or
    an arm is empty, the ratio is not known (NaN), the p-value 1.

    >>> arms = [np.repeat([0.0, 1, 2], counts) for counts in ([4, 6, 10], [8, 7, 5])]
    >>> fit = proportional_odds(*arms)
    >>> round(fit.odds_ratio.item(), 3), round(fit.p_value.item(), 4)
    (2.849, 0.0825)
    """
    check_probability("confidence", confidence)
    t, c = (np.asarray(arm)[~np.isnan(arm)] for arm in (treated, control))
    if t.size == 0 or c.size == 0 or np.unique(np.r_[t, c]).size == 1:
        return _not_known(np.nan)
    if t.min() >= c.max():
        return _not_known(np.inf)
    if c.min() >= t.max():
        return _not_known(-np.inf)
    log_ratio, error = _fit(t, c)
    half = float(ndtri((1 + confidence) / 2)) * error
    z = np.asarray(log_ratio / error)
    return OddsRatio(
        odds_ratio=np.exp(log_ratio),
        log_odds_ratio=log_ratio,
        standard_error=error,
        low=np.exp(log_ratio - half),
        high=np.exp(log_ratio + half),
        z=z,
        p_value=normal_p_value(z, "two-sided"),
    )


def _fit(treated: Floats, control: Floats) -> tuple[Floats, Floats]:
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    cells = np.unique(np.r_[treated, control], return_inverse=True)[1]
    arm = np.repeat([1.0, 0.0], [treated.size, control.size])
    model = OrderedModel(cells, arm[:, None], distr="logit")
    fit = model.fit(method="bfgs", maxiter=1000, gtol=1e-7, disp=False)
    return np.asarray(fit.params[0]), np.asarray(fit.bse[0])


def _not_known(log_ratio: float) -> OddsRatio:
    known = {"odds_ratio": np.exp(log_ratio), "log_odds_ratio": log_ratio, "z": 0.0, "p_value": 1.0}
    unknown = {"standard_error": np.nan, "low": 0.0, "high": np.inf}
    return OddsRatio(**{name: np.asarray(value) for name, value in (known | unknown).items()})
