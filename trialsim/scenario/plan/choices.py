"""The choices of a comparison, and the plan as a method of analysis sees it."""

import math
from collections.abc import Mapping
from typing import Annotated, Final, Literal, NamedTuple, Protocol, TypeAlias

from pydantic import Field

PRIMARY: Final = "primary"
"""What the primary analysis is called beside the secondary ones."""

Interval: TypeAlias = Literal["null_variance", "delong", "brunner-munzel", "logit", "newcombe"]
Measure: TypeAlias = Literal["score", "change"]
AnalysisSet: TypeAlias = Literal["all_randomised", "full_analysis_set"]
Missing: TypeAlias = Literal[
    "locf",
    "bocf",
    "worst_rank",
    "complete_case",
    "multiple_imputation",
    "likelihood",
    "censored",
]
Death: TypeAlias = Literal["worst_rank", "as_missing"]
Alternative: TypeAlias = Literal["two-sided", "greater", "less"]
SIDES: Final[Mapping[Alternative, str]] = {
    "two-sided": "Two-sided: a difference in either direction can reject.",
    "greater": "One-sided: only a difference in favour of the treated can reject.",
    "less": "One-sided: only a difference in favour of the control can reject.",
}
"""What an alternative is, as a sentence."""
Strata: TypeAlias = Literal["none", "site", "design"]
STRATA: Final[Mapping[Strata, str]] = {"site": "site", "design": "stratum of the design"}
"""What a stratum is, in words."""
StratumWeighting: TypeAlias = Literal[
    "van-elteren", "mantel-haenszel", "pairs", "patients", "equal", "inverse-variance"
]
Effect: TypeAlias = Literal["mann_whitney", "win_odds", "win_ratio", "net_benefit"]
Claim: TypeAlias = Literal["superiority", "superiority_by_margin", "non_inferiority", "equivalence"]
Level: TypeAlias = Annotated[float, Field(gt=0, lt=0.5)]
Imputations: TypeAlias = Annotated[int, Field(ge=2, le=1000)]


class Quantity(NamedTuple):
    """What an analysis estimates; above its null value the treated are better."""

    name: str
    null: float

    @property
    def is_ratio(self) -> bool:
        """Whether it is a ratio, symmetric on the log scale."""
        return self.null == 1

    @property
    def one(self) -> str:
        """Its name with an article.

        >>> Quantity("odds ratio", 1.0).one
        'an odds ratio'
        """
        return f"{'an' if self.name[0] in 'aeiou' else 'a'} {self.name}"

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the most that it can be.

        >>> Quantity("Mann-Whitney effect", 0.5).ends
        (0.0, 1.0)
        """
        match self.name:
            case "Mann-Whitney effect":
                return 0.0, 1.0
            case "net benefit" | "risk difference":
                return -1.0, 1.0
        return 0.0 if self.is_ratio else -math.inf, math.inf


QUANTITIES: Final[Mapping[str, Quantity]] = {
    "mann_whitney": Quantity("Mann-Whitney effect", 0.5),
    "win_odds": Quantity("win odds", 1.0),
    "win_ratio": Quantity("win ratio", 1.0),
    "net_benefit": Quantity("net benefit", 0.0),
    "mean_difference": Quantity("mean difference", 0.0),
    "standardised_difference": Quantity("standardised difference", 0.0),
    "risk_difference": Quantity("risk difference", 0.0),
    "risk_ratio": Quantity("risk ratio", 1.0),
    "odds_ratio": Quantity("odds ratio", 1.0),
}
"""What is estimated, by the name that study files have for it."""


class Plan(Protocol):
    """What a method may read of the plan in which it stands."""

    endpoint: str
    visit: str
    measure: Measure
    treated: str
    control: str
    missing: Missing
    death: Death
    effect: Effect
    interval: Interval
    continuity_correction: bool
    strata: Strata
    stratum_weighting: StratumWeighting
    alpha: float
    claim: Claim
    margin: float | None
    upper_margin: float | None
