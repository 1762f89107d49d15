"""The Mann-Whitney effect adjusted for covariates."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from trialsim.scenario.plan.choices import Plan
from trialsim.scenario.plan.methods.base import listed
from trialsim.scenario.plan.methods.ranks import PLACEMENTS, RankMethod, stratified
from trialsim.scenario.validation.refusal import Name


class AdjustedRank(RankMethod):
    """The Mann-Whitney effect, adjusted for the chance imbalance of covariates."""

    takes_strata: ClassVar[bool] = True
    pools_imputations: ClassVar[bool] = True
    can_be_monitored: ClassVar[bool] = True
    reckons_information: ClassVar[bool] = True
    has_blinded_size: ClassVar[bool] = True

    method: Literal["adjusted_rank"]
    covariates: Annotated[dict[Name, Literal["rank", "mean"]], Field(min_length=1)]
    """How the arms are compared in each: by its own ranks or by its means."""
    variance: Literal["placement", "u-statistic"] = "placement"
    """How the variance of the effect is estimated, usually placement."""

    def effect_in_words(self, plan: Plan) -> str:
        return f"{super().effect_in_words(plan)}, adjusted for covariates"

    def test_in_words(self, plan: Plan) -> str:
        by = {"rank": "by ranks", "mean": "by means"}
        named = [f"{name} ({by[how]})" for name, how in self.covariates.items()]
        return (
            "Nonparametric analysis of covariance (Koch 1998; Kawaguchi, Koch and Wang 2011), "
            "Student's t with a small-sample variance: the effect is adjusted for the imbalance of "
            f"{listed(named)}; {stratified(plan)}."
        )

    def level_row(self, plan: Plan) -> str | None:
        if plan.missing == "multiple_imputation":
            return None
        if plan.strata == "site":
            return "adjusted_rank, 1 covariate, 12 sites"
        if plan.strata != "none":
            return None
        several = min(len(self.covariates), 4)
        fitting = {1: "1 covariate", 2: "2 covariates"}.get(several, "4 covariates")
        return f"adjusted_rank, {fitting}"

    def small_samples_in_words(self, plan: Plan) -> str:
        told = super().small_samples_in_words(plan)
        if plan.strata == "site" and plan.claim == "superiority":
            return f"{told} Adjusted within many small sites, it is conservative."
        return told

    def variance_in_words(self, plan: Plan) -> str:
        if self.variance == "u-statistic":
            return "The test's variance is that of U-statistics, arms as random (Koch 1998)."
        return f"{PLACEMENTS}, less what the covariates explain, for slopes that were fitted."

    def effect_interval_in_words(self, plan: Plan) -> str:
        return "Student's t, with the test's variance"
