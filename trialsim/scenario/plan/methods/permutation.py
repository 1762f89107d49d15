"""Statistics against random permutations, or other randomisations, of the treatment labels."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from trialsim.scenario.plan.choices import Plan, Quantity
from trialsim.scenario.plan.methods.base import AnalysisMethod
from trialsim.scenario.plan.methods.mann_whitney import MannWhitney
from trialsim.scenario.plan.methods.means import TTest
from trialsim.scenario.plan.methods.ranks import PLACEMENTS, SampleRankMethod
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.validation.refusal import Rules, Violation

Permutations = Annotated[int, Field(ge=19, le=100_000)]


def _can_reject(test: "Permutation | ReRandomisation", alpha: float) -> Iterator[Violation]:
    field = "permutations" if isinstance(test, Permutation) else "draws"
    number = getattr(test, field)
    if 1 / (1 + number) > alpha:
        rule = f"must be at least {-(-1 // alpha) - 1:.0f}: with fewer no p-value reaches alpha"
        yield Violation(f"test.{field}", rule, number)


class Permutation(SampleRankMethod):
    """A rank statistic referred to random permutations of the treatment labels."""

    tests_margins: ClassVar[bool] = False
    conflicts: ClassVar[Rules] = (_can_reject,)

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


class ReRandomisation(AnalysisMethod):
    """A statistic referred to what the study's own procedure of randomisation could have given.

    The estimate and its interval are those of the statistic's own method, Mann-Whitney's or
    Student's.
    """

    conflicts: ClassVar[Rules] = (_can_reject,)
    repeats_randomisation: ClassVar[bool] = True

    method: Literal["re_randomisation"]
    statistic: Literal["mann_whitney", "mean_difference"]
    """What is computed in each allocation, such as mann_whitney."""
    draws: Permutations = 999
    """How often the procedure is run again, such as 999; the observed allocation counts as one
    more. Where it has no more sequences of arms than that, all are enumerated."""

    @property
    def of(self) -> MannWhitney | TTest:
        """The method that gives the estimate and its interval."""
        if self.statistic == "mann_whitney":
            return MannWhitney(method="mann_whitney")
        return TTest(method="t_test")

    @property
    def needs_numbers(self) -> bool:  # type: ignore[override]
        return self.of.needs_numbers

    @property
    def has_effect_scales(self) -> bool:  # type: ignore[override]
        return self.of.has_effect_scales

    @property
    def has_win_ratio(self) -> bool:  # type: ignore[override]
        return self.of.has_win_ratio

    def quantity(self, plan: Plan) -> Quantity:
        return self.of.quantity(plan)

    def estimate_in_words(self, plan: Plan) -> str:
        return self.of.estimate_in_words(plan)

    def test_in_words(self, plan: Plan) -> str:
        name = {
            "mann_whitney": "the Mann-Whitney effect",
            "mean_difference": "the difference of means",
        }
        return (
            f"Re-randomisation test of {name[self.statistic]}: the procedure of randomisation is "
            f"run again {self.draws:,} times with the patients in their order, the observed "
            "allocation counted as one more; all its sequences are enumerated where there are no "
            "more. The strata of the design enter through the procedure."
        )

    def ties_in_words(self, plan: Plan) -> str:
        return self.of.ties_in_words(plan)

    def variance_in_words(self, plan: Plan) -> str:
        return "The test needs no variance; that of the interval is of its own method."

    def interval_in_words(self, plan: Plan) -> str:
        return self.of.interval_in_words(plan)

    def interval_row(self, plan: Plan) -> str | None:
        return self.of.interval_row(plan)

    def small_samples_in_words(self, plan: Plan) -> str:
        return (
            "The test keeps its level at any size and under any calendar trend, since without an "
            "effect on anybody the arms alone are left to chance; for its interval see that of "
            f"{self.of.method}."
        )

    @property
    def is_slow(self) -> bool:
        return True

    def design_violations(self, design: Design, plan: Plan) -> Iterator[Violation]:
        if len(design.arms) != 2:
            rule = "cannot be re_randomisation, which is defined for two arms"
            yield Violation("test", rule, f"{len(design.arms)} arms")
        if design.randomisation is not None and not design.randomisation.can_be_repeated:
            rule = (
                f"cannot be re_randomisation with a {design.randomisation.method}, in which "
                "nothing is left to chance"
            )
            yield Violation("test", rule, self.method)
