"""The choices of a comparison, and the plan as a method of analysis sees it."""

from typing import Annotated, Final, Literal, NamedTuple, Protocol, TypeAlias

from pydantic import Field

PRIMARY: Final = "primary"
"""What the primary analysis is called beside the secondary ones."""

Interval: TypeAlias = Literal["null_variance", "delong", "brunner-munzel", "logit", "newcombe"]
Measure: TypeAlias = Literal["score", "change"]
AnalysisSet: TypeAlias = Literal["all_randomised", "full_analysis_set"]
Missing: TypeAlias = Literal[
    "locf", "bocf", "worst_rank", "complete_case", "multiple_imputation", "likelihood"
]
Death: TypeAlias = Literal["worst_rank", "as_missing"]
Alternative: TypeAlias = Literal["two-sided", "greater", "less"]
Strata: TypeAlias = Literal["none", "site"]
StratumWeighting: TypeAlias = Literal[
    "van-elteren", "mantel-haenszel", "pairs", "patients", "equal", "inverse-variance"
]
Effect: TypeAlias = Literal["mann_whitney", "win_odds", "win_ratio", "net_benefit"]
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


class Plan(Protocol):
    """What a method may read of the plan in which it stands."""

    endpoint: str
    visit: str
    measure: Measure
    treated: str
    control: str
    missing: Missing
    effect: Effect
    interval: Interval
    continuity_correction: bool
    strata: Strata
    stratum_weighting: StratumWeighting
    alpha: float
