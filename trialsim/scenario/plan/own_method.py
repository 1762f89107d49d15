"""An analysis that a user wrote in Python, as a study file names it."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from trialsim.own.analyses import KNOWN_ANALYSES
from trialsim.scenario.plan.choices import Plan, Quantity
from trialsim.scenario.plan.methods.base import AnalysisMethod, measured
from trialsim.scenario.validation.refusal import Finite, Name
from trialsim.scenario.validation.registered import NamesCode, rules_of_code

WITH_TRUTH: Final = ("Mann-Whitney effect", "win odds", "net benefit", "mean difference")
"""What an own analysis may say that it estimates and has a true value, that of the two populations,
whatever the analysis does."""


class Own(NamesCode, AnalysisMethod):
    """A function registered by `trialsim.own_analysis`, here or by an installed package.

    It travels with the study to worker processes.
    """

    known = KNOWN_ANALYSES
    code = "analysis"
    rules = rules_of_code(KNOWN_ANALYSES, "analysis")
    omitted_defaults = ("parameters",)
    takes_missing_scores: ClassVar[bool] = True

    method: Literal["own"]
    analysis: Name
    """The name by which the analysis is registered, such as my_test."""
    parameters: dict[Name, Finite] = Field(default_factory=dict)
    """Numbers that the analysis is given by name, such as {threshold: 40}."""
    fingerprint: str | None = None
    """Of the code of the analysis; filled in as the study is loaded, and to be left out."""

    def why_no_population_effect(self, plan: Plan) -> str | None:
        known = self.registered.estimates in WITH_TRUTH
        return None if known else f"an own analysis of the {self.registered.estimates}"

    def quantity(self, plan: Plan) -> Quantity:
        return Quantity(self.registered.estimates, self.registered.null)

    def estimate_in_words(self, plan: Plan) -> str:
        what = self.registered.estimates
        return (
            f"{what[:1].upper()}{what[1:]}: {measured(plan)} on {plan.treated} against "
            f"{plan.control}, by the own analysis {self.named}."
        )

    def test_in_words(self, plan: Plan) -> str:
        return f"That of the own analysis {self.named}, written outside trialsim."

    def ties_in_words(self, plan: Plan) -> str:
        return f"As the own analysis {self.analysis} handles them."

    def variance_in_words(self, plan: Plan) -> str:
        return f"That of the own analysis {self.analysis}, which nothing here has checked."

    def interval_in_words(self, plan: Plan) -> str:
        return f"That of the own analysis {self.analysis}"
