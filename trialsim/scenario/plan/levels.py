"""How often each method rejects without an effect in small arms, and how often its interval misses.

Per cent of simulated trials, on a scale of 0 to 57 with 21% of the patients at its floor and 16% at
its ceiling: the table of docs/methods.md, which `python -m benchmarks.small_samples` makes.
"""

from collections.abc import Mapping
from math import sqrt
from typing import Final, TypeAlias

SIZES: Final = (10, 25, 104)
"""Patients an arm."""

_Rates: TypeAlias = tuple[float | None, ...]
_BY_TRIALS: Final[Mapping[int, Mapping[str, _Rates]]] = {
    2_000: {
        "exact_mann_whitney": (5.7, 5.4, None),
    },
    10_000: {
        "mann_whitney": (4.9, 5.0, 4.9),
        "mann_whitney, continuity correction": (4.5, 4.9, 4.9),
        "mann_whitney, 12 sites, van-elteren": (5.4, 5.0, 4.8),
        "mann_whitney, 12 sites, inverse-variance": (5.4, 4.9, 4.8),
        "mann_whitney, a quarter imputed": (1.2, 3.4, 5.0),
        "brunner_munzel, t": (5.6, 5.2, 5.0),
        "brunner_munzel, normal": (7.1, 5.8, 5.0),
        "adjusted_rank, 1 covariate": (4.8, 5.1, 5.1),
        "adjusted_rank, 2 covariates": (4.8, 4.4, 4.7),
        "adjusted_rank, 4 covariates": (4.9, 4.8, 5.1),
        "adjusted_rank, 1 covariate, 12 sites": (2.6, 1.8, 3.6),
        "wei_lachin, null_variance": (4.7, 4.8, 5.2),
        "wei_lachin, placement": (7.1, 5.7, 5.4),
        "obrien": (5.0, 4.9, 5.3),
        "win_statistic, win odds": (3.1, 4.3, 4.8),
        "mcp_mod, mean_difference": (5.2, 5.0, 4.7),
        "t_test": (5.1, 5.0, 4.8),
        "welch": (5.0, 5.0, 4.8),
        "ancova": (5.6, 5.3, 4.7),
        "mmrm, kenward-roger": (5.1, 4.9, 5.3),
        "mmrm, satterthwaite": (5.5, 5.1, 5.3),
        "weighted_mann_whitney": (4.0, 4.4, 4.8),
        "weighted_means": (3.2, 4.0, 4.7),
        "responders": (1.3, 3.1, 3.1),
        "responders, interval": (4.2, 6.2, 4.5),
        "proportional_odds": (5.4, 5.2, 4.9),
        "proportional_odds, interval": (5.7, 5.3, 4.9),
        "proportional_odds, 1 covariate": (6.4, 5.8, 5.1),
        "standardised_mann_whitney": (4.6, 4.7, 4.7),
        "interaction, proportional_odds": (3.1, 5.8, 5.0),
        "standardised_mann_whitney, 4 strata, simple": (1.8, 0.9, 0.6),
        "standardised_mann_whitney, 4 strata, design": (3.8, 4.0, 4.9),
        "responders, standardised, 4 strata, simple": (2.2, 1.7, 1.3),
        "proportional_odds, grades": (5.6, 5.2, 5.0),
        "proportional_odds, 1 covariate, grades": (6.5, 5.8, 4.9),
        "standardised_mann_whitney, 4 strata, design, grades": (4.2, 4.2, 5.0),
        "mcp_mod, mann_whitney, grades": (5.0, 5.1, 4.5),
        "margin, mean difference, t_test": (2.3, 2.3, 2.3),
        "margin, mean difference, welch": (2.2, 2.3, 2.3),
        "margin, odds ratio": (2.6, 2.5, 2.4),
        "margin, Mann-Whitney effect, delong": (2.8, 2.5, 2.3),
        "margin, Mann-Whitney effect, brunner-munzel": (2.0, 2.2, 2.2),
        "margin, Mann-Whitney effect, logit": (1.6, 2.2, 2.3),
        "margin, Mann-Whitney effect, newcombe": (2.4, 2.6, 2.3),
        "margin, risk difference, newcombe": (2.6, 2.5, 2.4),
        "margin, risk difference, miettinen-nurminen": (2.6, 2.2, 2.3),
        "margin, risk ratio, newcombe": (2.8, 2.8, 2.6),
        "margin, risk ratio, miettinen-nurminen": (2.2, 2.4, 2.3),
        "interval null_variance, effect 0.5": (4.9, 5.0, 4.9),
        "interval null_variance, effect 0.71": (2.5, 2.7, 2.6),
        "interval delong, effect 0.5": (7.1, 5.8, 5.0),
        "interval delong, effect 0.71": (8.5, 6.3, 5.0),
        "interval brunner-munzel, effect 0.5": (5.6, 5.2, 5.0),
        "interval brunner-munzel, effect 0.71": (6.9, 5.7, 5.0),
        "interval logit, effect 0.5": (2.9, 4.2, 4.7),
        "interval logit, effect 0.71": (3.3, 4.3, 4.5),
        "interval newcombe, effect 0.5": (4.8, 4.7, 4.7),
        "interval newcombe, effect 0.71": (4.0, 4.7, 4.3),
    },
    100_000: {
        "log_rank, recovery": (5.11, 5.1, 5.04),
        "log_rank, death": (0.6, 3.61, 5.05),
        "log_rank, 12 sites": (5.46, 5.04, 5.07),
        "restricted_mean, death": (1.34, 2.99, 5.15),
        "hazard ratio, interval, recovery": (2.74, 4.35, 4.82),
        "hazard ratio, interval, death": (0.0, 0.06, 3.68),
        "win_statistic, win ratio": (2.99, 4.26, 4.8),
        "spiessens_debois, mann_whitney": (4.32, 4.77, 4.93),
        "song_chi, mann_whitney": (4.47, 4.79, 4.93),
        "wei_lachin, 4 strata, null_variance": (4.76, 4.94, 5.01),
        "wei_lachin, 4 strata, placement": (4.6, 5.66, 5.17),
        "mcp_mod, odds_ratio": (2.8, 4.17, 4.74),
        "margin, odds ratio, newcombe": (1.97, 2.27, 2.39),
        "margin, odds ratio, miettinen-nurminen": (2.03, 2.15, 2.39),
        "win_statistic, 12 sites": (0.1, 1.56, 4.21),
        "mcp_mod, mann_whitney": (5.0, 5.0, 4.88),
        "dunnett, mann_whitney": (4.46, 4.83, 4.95),
        "step_down_dunnett, mann_whitney, one dose works": (4.06, 4.88, 4.94),
        "ancova, by arm": (5.19, 5.05, 4.89),
        "restricted_mean, recovery": (8.24, 6.13, 5.27),
        "responders, score test": (4.26, 6.43, 4.73),
        "responders, 12 sites": (5.76, 5.03, 4.84),
        "responders, standardised": (6.09, 5.47, 5.09),
        "interaction, mann_whitney": (4.12, 5.13, 5.0),
        "interaction, t_test": (5.29, 5.05, 5.02),
        "interaction, welch": (4.72, 5.01, 5.01),
        "interaction, ancova": (5.18, 4.96, 5.12),
        "interaction, responders": (6.62, 5.85, 5.18),
        "responders, standardised, 4 strata, design": (4.83, 4.6, 4.95),
        "mann_whitney, grades": (4.98, 4.98, 5.08),
        "adjusted_rank, 1 covariate, grades": (4.79, 4.8, 4.9),
        "dunnett, mann_whitney, grades": (4.41, 4.85, 4.91),
    },
}

LEVELS: Final[Mapping[str, _Rates]] = {
    row: rates for rows in _BY_TRIALS.values() for row, rates in rows.items()
}
"""At a nominal 5%, of margins 2.5% on one side; None where it was not measured."""
TRIALS: Final[Mapping[str, int]] = {row: of for of, rows in _BY_TRIALS.items() for row in rows}
"""Of each row, at each size."""


def sizes_above(row: str) -> list[int]:
    """Return the sizes at which a test rejects more often than nominal by over 3 standard errors.

    The Monte Carlo standard error is that of the nominal level in the row's trials.

    >>> sizes_above("brunner_munzel, normal")
    [10, 25]
    """
    nominal = 0.025 if row.startswith("margin") else 0.05
    most = nominal + 3 * sqrt(nominal * (1 - nominal) / TRIALS[row])
    known = zip(SIZES, LEVELS[row], strict=True)
    return [size for size, rate in known if rate is not None and rate > 100 * most]
