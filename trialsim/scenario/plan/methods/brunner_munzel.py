"""The Brunner-Munzel test."""

from typing import ClassVar, Literal

from trialsim.scenario.plan.choices import Plan
from trialsim.scenario.plan.methods.ranks import PLACEMENTS, SampleRankMethod


class BrunnerMunzel(SampleRankMethod):
    """A test of the effect alone: the arms may differ in spread."""

    pools_imputations: ClassVar[bool] = True
    can_be_monitored: ClassVar[bool] = True
    monitored_by_counts: ClassVar[bool] = True
    reckons_information: ClassVar[bool] = True
    has_blinded_size: ClassVar[bool] = True

    method: Literal["brunner_munzel"]
    reference: Literal["t", "normal"] = "t"
    """The distribution that p-value and interval are taken from, t where arms are small."""

    def test_in_words(self, plan: Plan) -> str:
        against = {
            "t": "Student's t with Satterthwaite's degrees of freedom",
            "normal": "the normal distribution",
        }
        return f"Brunner-Munzel, against {against[self.reference]}, not stratified."

    def level_row(self, plan: Plan) -> str | None:
        if plan.missing == "multiple_imputation":
            return "mann_whitney, a quarter imputed"  # the pooled effects are the same
        return f"brunner_munzel, {self.reference}"

    def variance_in_words(self, plan: Plan) -> str:
        return f"{PLACEMENTS} (Brunner and Munzel 2000)."
