"""How often each method rejects without an effect in small arms, and how often its interval misses.

Per cent of 10,000 simulated trials, on a scale of 0 to 57 with 21% of the patients at its floor and
16% at its ceiling: the table of docs/methods.md, which `python -m benchmarks.small_samples` makes.
"""

from collections.abc import Mapping
from typing import Final

SIZES: Final = (10, 25, 104)
"""Patients an arm."""
LEVELS: Final[Mapping[str, tuple[float | None, ...]]] = {
    "mann_whitney": (4.9, 5.0, 4.9),
    "mann_whitney, continuity correction": (4.5, 4.9, 4.9),
    "exact_mann_whitney": (5.7, 5.4, None),
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
    "win_statistic, win ratio": (3.1, 4.3, 4.8),
    "win_statistic, 12 sites": (0.1, 1.7, 4.1),
    "t_test": (5.1, 5.0, 4.8),
    "welch": (5.0, 5.0, 4.8),
    "ancova": (5.6, 5.3, 4.7),
    "ancova, by arm": (5.8, 5.3, 4.7),
    "mmrm, kenward-roger": (5.1, 4.9, 5.3),
    "mmrm, satterthwaite": (5.5, 5.1, 5.3),
    "weighted_mann_whitney": (4.0, 4.4, 4.8),
    "weighted_means": (3.2, 4.0, 4.7),
    "responders": (1.3, 3.1, 3.1),
    "responders, interval": (4.2, 6.2, 4.5),
    "proportional_odds": (5.4, 5.2, 4.9),
    "proportional_odds, interval": (5.7, 5.3, 4.9),
    "standardised_mann_whitney": (4.6, 4.7, 4.7),
    "responders, score test": (4.2, 6.2, 4.4),
    "responders, 12 sites": (6.2, 4.9, 4.5),
    "responders, standardised": (6.0, 5.7, 5.1),
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
    "margin, odds ratio, newcombe": (2.1, 2.2, 2.3),
    "margin, odds ratio, miettinen-nurminen": (2.1, 2.0, 2.3),
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
}
"""At a nominal 5%, of margins 2.5% on one side; None where it was not measured."""
