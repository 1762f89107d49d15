"""The mixed model for repeated measures: all visits together, and no score filled in."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.choices import Missing, Plan
from trialsim.scenario.plan.methods.base import listed, measured
from trialsim.scenario.plan.methods.means import MeanMethod
from trialsim.scenario.protocol.design import BASELINE, Design
from trialsim.scenario.validation.refusal import Name, Violation

MOST_VISITS: Final = 8
"""After baseline: 36 variances and covariances."""


class Mmrm(MeanMethod):
    """A mixed model of the scores at every visit after baseline, compared at one of them."""

    omitted_defaults = ("baseline", "covariates", "degrees_of_freedom")
    own_missing: ClassVar[Missing | None] = "likelihood"
    pools_imputations: ClassVar[bool] = False
    can_be_monitored: ClassVar[bool] = False
    why_not_monitored: ClassVar[str] = (
        "its looks would need the earlier visits of patients who are still followed up"
    )
    has_blinded_size: ClassVar[bool] = False

    method: Literal["mmrm"]
    baseline: Literal["by_visit", "one_slope", "none"] = "by_visit"
    """Whether the baseline score has a slope at each visit, usually so, one for all, or no part."""
    covariates: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    """Other covariates in the model, each with one slope for all visits."""
    degrees_of_freedom: Literal["kenward-roger", "satterthwaite"] = "kenward-roger"
    """Kenward and Roger also enlarge the standard error, which small arms need."""

    @property
    def adjusts_for_baseline(self) -> bool:
        return self.baseline != "none"

    def estimate_in_words(self, plan: Plan) -> str:
        return (
            f"Mean difference: {measured(plan)} on {plan.treated} less that on {plan.control}, in "
            "points towards the better end of the scale, in a model of all visits after baseline."
        )

    def test_in_words(self, plan: Plan) -> str:
        freedom = {
            "kenward-roger": "Kenward and Roger's degrees of freedom",
            "satterthwaite": "Satterthwaite's degrees of freedom",
        }[self.degrees_of_freedom]
        return (
            "Mixed model for repeated measures by restricted maximum likelihood: arm by visit"
            f"{_BASELINES[self.baseline]}{self._given}; Student's t with {freedom}. Where the "
            "likelihood has no maximum there is no estimate, and the trial does not reject."
        )

    def variance_in_words(self, plan: Plan) -> str:
        enlarged = {
            "kenward-roger": "enlarged as by Kenward and Roger (1997) for S being estimated",
            "satterthwaite": "S taken as known",
        }[self.degrees_of_freedom]
        return (
            "Any covariance matrix S over the visits (unstructured), one for both arms; the "
            f"difference's variance is {enlarged}."
        )

    def interval_in_words(self, plan: Plan) -> str:
        return "Student's t, with the test's variance and degrees of freedom"

    def level_row(self, plan: Plan) -> str | None:
        told = self.baseline == "by_visit" and not self.covariates
        return f"mmrm, {self.degrees_of_freedom}" if told else None

    def design_violations(self, design: Design, plan: Plan) -> Iterator[Violation]:
        visits = sum(name != BASELINE for name in design.visits)
        if visits > MOST_VISITS:
            rule = f"cannot be mmrm with more than {MOST_VISITS} visits after baseline ({visits})"
            yield Violation("test", rule, self.method)

    def outcome_violations(
        self, outcomes: Mapping[str, Outcome], plan: Plan
    ) -> Iterator[Violation]:
        unmeasured = plan.endpoint in outcomes and outcomes[plan.endpoint].baseline is None
        if unmeasured and self.baseline != "none":
            rule = f"must be none: {plan.endpoint} is not measured at baseline"
            yield Violation("test.baseline", rule, self.baseline)

    @property
    def _given(self) -> str:
        return f", and {listed(self.covariates)}" if self.covariates else ""


_BASELINES: Final = {
    "by_visit": ", baseline score by visit",
    "one_slope": ", baseline score with one slope",
    "none": ", no baseline score",
}
