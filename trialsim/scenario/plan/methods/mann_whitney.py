"""The Wilcoxon-Mann-Whitney test: against the normal distribution, stratified or not, and exact."""

from collections.abc import Iterator
from typing import ClassVar, Final, Literal

from trialsim.scenario.plan.choices import STRATA, Plan
from trialsim.scenario.plan.methods.ranks import SampleRankMethod
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.validation.refusal import Violation

MOST_PATIENTS: Final = 500
"""Beyond, the exact distribution takes a gigabyte and minutes."""


class MannWhitney(SampleRankMethod):
    """Wilcoxon-Mann-Whitney, asymptotic, midranks, tie-corrected variance."""

    takes_strata: ClassVar[bool] = True
    corrects_continuity: ClassVar[bool] = True
    pools_imputations: ClassVar[bool] = True
    can_be_monitored: ClassVar[bool] = True
    monitored_by_counts: ClassVar[bool] = True
    statistic_is_z: ClassVar[bool] = True
    reckons_information: ClassVar[bool] = True
    has_blinded_size: ClassVar[bool] = True
    has_joint_law: ClassVar[bool] = True

    method: Literal["mann_whitney"]

    def test_in_words(self, plan: Plan) -> str:
        if plan.strata == "none":
            return "Wilcoxon-Mann-Whitney, asymptotic, not stratified."
        by = STRATA[plan.strata]
        if plan.stratum_weighting == "van-elteren":
            return f"Van Elteren's test: Wilcoxon-Mann-Whitney stratified by {by}, asymptotic."
        return f"Wilcoxon-Mann-Whitney stratified by {by}, with these weights, asymptotic."

    def level_row(self, plan: Plan) -> str | None:
        if plan.missing == "multiple_imputation":
            return "mann_whitney, a quarter imputed"
        if plan.strata == "site":
            known = ("van-elteren", "inverse-variance")
            weighting = plan.stratum_weighting
            return f"mann_whitney, 12 sites, {weighting}" if weighting in known else None
        if plan.strata != "none":
            return None
        corrected = ", continuity correction" if plan.continuity_correction else ""
        return f"mann_whitney{corrected}"

    def small_samples_in_words(self, plan: Plan) -> str:
        told = super().small_samples_in_words(plan)
        if plan.missing == "multiple_imputation":
            return f"{told} Imputed ranks are conservative: imputed means are not."
        return told

    def variance_in_words(self, plan: Plan) -> str:
        within = "" if plan.strata == "none" else f" in each {STRATA[plan.strata]}"
        return f"The test's variance is that of the null hypothesis, corrected for ties{within}."


class ExactMannWhitney(SampleRankMethod):
    """Wilcoxon-Mann-Whitney referred to all permutations of the treatment labels."""

    tests_margins: ClassVar[bool] = False

    method: Literal["exact_mann_whitney"]

    def test_in_words(self, plan: Plan) -> str:
        return (
            "Wilcoxon-Mann-Whitney, exact: referred to all permutations of the treatment labels, "
            "given the ties; two-sided extremes are the rank sums at least as far from their "
            "mean. Not stratified."
        )

    def level_row(self, plan: Plan) -> str | None:
        return "exact_mann_whitney"

    def variance_in_words(self, plan: Plan) -> str:
        return "The test's variance is that of the null hypothesis, corrected for ties."

    @property
    def is_slow(self) -> bool:
        return True

    def design_violations(self, design: Design, plan: Plan) -> Iterator[Violation]:
        if design.patients > MOST_PATIENTS:
            rule = f"must be mann_whitney with more than {MOST_PATIENTS} patients"
            yield Violation("test", rule, self.method)
