"""Comparisons of those who were seen, weighted so that they stand for all who are like them."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from trialsim.scenario.plan.choices import Missing, Plan
from trialsim.scenario.plan.methods.base import listed
from trialsim.scenario.plan.methods.means import MeanMethod
from trialsim.scenario.plan.methods.ranks import RankMethod
from trialsim.scenario.validation.refusal import Name

_WHY_NOT_MONITORED: Final = (
    "its weights are estimated anew at every look, which gives z at two looks no known law"
)
Covariates = Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]


class WeightedMannWhitney(RankMethod):
    """The Mann-Whitney effect, patients weighted by the inverse probability to be seen."""

    own_missing: ClassVar[Missing | None] = "complete_case"
    why_not_monitored: ClassVar[str] = _WHY_NOT_MONITORED

    method: Literal["weighted_mann_whitney"]
    covariates: Covariates
    """By which it is told who is seen, such as [arat, age_years]; the same in each arm."""

    def effect_in_words(self, plan: Plan) -> str:
        return f"{super().effect_in_words(plan)}, {weights_in_words(self.covariates)}"

    def test_in_words(self, plan: Plan) -> str:
        return "Student's t test of the weighted effect, not stratified."

    def variance_in_words(self, plan: Plan) -> str:
        return f"{_INFLUENCES} on the placements, under any hypothesis."

    def effect_interval_in_words(self, plan: Plan) -> str:
        return "Student's t on the logit scale, with the test's variance"

    def level_row(self, plan: Plan) -> str | None:
        return self.method if len(self.covariates) == 1 else None


class WeightedMeans(MeanMethod):
    """The difference of means, patients weighted by the inverse probability to be seen."""

    own_missing: ClassVar[Missing | None] = "complete_case"
    pools_imputations: ClassVar[bool] = False
    can_be_monitored: ClassVar[bool] = False
    why_not_monitored: ClassVar[str] = _WHY_NOT_MONITORED
    has_blinded_size: ClassVar[bool] = False

    method: Literal["weighted_means"]
    covariates: Covariates
    """By which it is told who is seen, such as [arat, age_years]; the same in each arm."""

    def test_in_words(self, plan: Plan) -> str:
        return f"Student's t test of the weighted means: {weights_in_words(self.covariates)}."

    def variance_in_words(self, plan: Plan) -> str:
        return f"{_INFLUENCES} on the weighted means, a variance for each arm."

    def level_row(self, plan: Plan) -> str | None:
        return self.method if len(self.covariates) == 1 else None


def weights_in_words(covariates: tuple[str, ...]) -> str:
    """Return how patients are weighted."""
    return (
        "those with a score weighted by the inverse of the probability to have one, by logistic "
        f"regression on {listed(covariates)} in each arm (missing at random given these)"
    )


_INFLUENCES = "That of the patients' influences, those through the estimated weights among them,"
