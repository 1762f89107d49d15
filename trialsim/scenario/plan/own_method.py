"""An analysis that a user wrote in Python, as a study file names it."""

from functools import cached_property
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from trialsim.own.analyses import KNOWN_ANALYSES, OwnAnalysis
from trialsim.scenario.plan.choices import Plan, Quantity
from trialsim.scenario.plan.methods.base import AnalysisMethod, measured
from trialsim.scenario.validation.refusal import Finite, Name
from trialsim.scenario.validation.registered import rules_of_code, with_fingerprint


class Own(AnalysisMethod):
    """A function registered by `trialsim.own_analysis`, here or by an installed package.

    It travels with the study to worker processes.
    """

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

    @model_validator(mode="before")
    @classmethod
    def _of_its_code(cls, written: Any) -> Any:
        return with_fingerprint(written, KNOWN_ANALYSES, "analysis")

    @model_validator(mode="after")
    def _keeps_its_code(self) -> Self:
        """Hold the function, so that a study runs the code of its digest whatever comes later."""
        _ = self.registered
        return self

    @cached_property
    def registered(self) -> OwnAnalysis:
        """The analysis itself."""
        found = KNOWN_ANALYSES.find(self.analysis)
        assert found is not None, "a study that names no registered analysis is refused"
        return found

    def __getstate__(self) -> dict[Any, Any]:
        """Take the function along to another process."""
        _ = self.registered
        return super().__getstate__()

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Register the function where it arrives."""
        super().__setstate__(state)
        KNOWN_ANALYSES.add(self.registered)

    def quantity(self, plan: Plan) -> Quantity:
        return Quantity(self.registered.estimates, self.registered.null)

    def estimate_in_words(self, plan: Plan) -> str:
        what = self.registered.estimates
        return (
            f"{what[:1].upper()}{what[1:]}: {measured(plan)} on {plan.treated} against "
            f"{plan.control}, by the own analysis {self._named}."
        )

    def test_in_words(self, plan: Plan) -> str:
        return f"That of the own analysis {self._named}, written outside trialsim."

    def ties_in_words(self, plan: Plan) -> str:
        return f"As the own analysis {self.analysis} handles them."

    def variance_in_words(self, plan: Plan) -> str:
        return f"That of the own analysis {self.analysis}, which nothing here has checked."

    def interval_in_words(self, plan: Plan) -> str:
        return f"That of the own analysis {self.analysis}"

    @property
    def _named(self) -> str:
        given = ", ".join(f"{name} {value:g}" for name, value in self.parameters.items())
        return f"{self.analysis} ({given})" if given else self.analysis
