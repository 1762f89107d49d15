"""The exact Wilcoxon-Mann-Whitney test."""

from collections.abc import Iterator
from typing import ClassVar, Final, Literal

from trialsim.scenario.plan.choices import Plan
from trialsim.scenario.plan.methods.ranks import SampleRankMethod
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.validation.refusal import Violation

MOST_PATIENTS: Final = 500
"""Beyond, the exact distribution takes a gigabyte and minutes."""


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

    def design_violations(self, design: Design) -> Iterator[Violation]:
        if design.patients > MOST_PATIENTS:
            rule = f"must be mann_whitney with more than {MOST_PATIENTS} patients"
            yield Violation("test", rule, self.method)
