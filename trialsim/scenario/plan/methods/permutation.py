"""Rank statistics against random permutations."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from trialsim.scenario.plan.choices import Plan
from trialsim.scenario.plan.methods.ranks import PLACEMENTS, SampleRankMethod
from trialsim.scenario.validation.refusal import Rules, Violation

Permutations = Annotated[int, Field(ge=19, le=100_000)]


def _can_reject(test: "Permutation", alpha: float) -> Iterator[Violation]:
    if 1 / (1 + test.permutations) > alpha:
        rule = f"must be at least {-(-1 // alpha) - 1:.0f}: with fewer no p-value reaches alpha"
        yield Violation("test.permutations", rule, test.permutations)


class Permutation(SampleRankMethod):
    """A rank statistic referred to random permutations of the treatment labels."""

    conflicts: ClassVar[Rules] = ((("test", "alpha"), _can_reject),)

    method: Literal["permutation"]
    statistic: Literal["mann_whitney", "brunner_munzel"]
    """What is computed of each permuted data set, such as brunner_munzel."""
    permutations: Permutations
    """How many are drawn, such as 999; the observed one counts as one more."""

    def test_in_words(self, plan: Plan) -> str:
        name = {"mann_whitney": "Wilcoxon-Mann-Whitney", "brunner_munzel": "Brunner-Munzel"}
        return (
            f"{name[self.statistic]} statistic referred to {self.permutations:,} random "
            "permutations of the treatment labels, the observed one counted as one more. Not "
            "stratified."
        )

    def small_samples_in_words(self, plan: Plan) -> str:
        return (
            "The test keeps its level at any size, since without an effect all permutations of the "
            "treatment labels are equally likely; for its interval see that of mann_whitney."
        )

    def variance_in_words(self, plan: Plan) -> str:
        if self.statistic == "brunner_munzel":
            return f"{PLACEMENTS} (Brunner and Munzel 2000)."
        return "The test's variance is that of the null hypothesis, corrected for ties."

    @property
    def is_slow(self) -> bool:
        return True
