"""An analysis that a user wrote in Python, as a study file names it."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from trialsim.own.analyses import KNOWN_ANALYSES, OwnAnalysis
from trialsim.scenario.plan.choices import Plan, Quantity
from trialsim.scenario.plan.methods.base import AnalysisMethod, measured
from trialsim.scenario.validation.refusal import Finite, Name, Violation, unknown

_INSTALLED = (
    "register it in Python with trialsim.own_analysis, or install the package that offers it"
)


def _is_registered(analysis: str) -> Iterator[Violation]:
    if KNOWN_ANALYSES.find(analysis) is None:
        rule = unknown("registered analysis", analysis, KNOWN_ANALYSES.names())
        yield Violation("analysis", f"{rule}; {_INSTALLED}", analysis)


def _is_what_it_was(analysis: str, fingerprint: str | None) -> Iterator[Violation]:
    known = KNOWN_ANALYSES.find(analysis)
    if known is not None and fingerprint not in (None, known.fingerprint):
        rule = (
            f"must be that of the code of {analysis}, {known.fingerprint}: it was another when the "
            "study was kept"
        )
        yield Violation("fingerprint", rule, fingerprint)


class Own(AnalysisMethod):
    """A function registered by `trialsim.own_analysis`, here or by an installed package.

    It travels with the study to worker processes.
    """

    rules = (
        (("analysis",), _is_registered),
        (("analysis", "fingerprint"), _is_what_it_was),
    )
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
        if not isinstance(written, dict) or written.get("fingerprint") is not None:
            return written
        name = written.get("analysis")
        known = KNOWN_ANALYSES.find(name) if isinstance(name, str) else None
        return written if known is None else {**written, "fingerprint": known.fingerprint}

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
