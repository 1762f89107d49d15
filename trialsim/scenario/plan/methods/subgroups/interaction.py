"""The interaction of treatment and subgroup: whether members have another effect."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.patients.eligibility import Rule
from trialsim.scenario.patients.population import Population
from trialsim.scenario.plan.choices import Plan, Quantity
from trialsim.scenario.plan.methods.base import AnalysisMethod
from trialsim.scenario.plan.methods.mann_whitney import MannWhitney
from trialsim.scenario.plan.methods.means import Ancova, TTest, Welch
from trialsim.scenario.plan.methods.proportional_odds import ProportionalOdds
from trialsim.scenario.plan.methods.responders import Responders
from trialsim.scenario.validation.refusal import Rules, Violation, within

_COMPARED: Final = ("mann_whitney", "t_test", "welch", "ancova", "responders", "proportional_odds")

_PLAIN: Final = ("responders, score test", *_COMPARED)
"""The rows of `LEVELS` of their usual tests, without strata or further covariates."""
OTHERS: Final = "All others"
"""Who is not in the subgroup."""


def _from_its_name(written: Any) -> Any:
    return {"method": written} if isinstance(written, str) else written


def _shortest(method: AnalysisMethod) -> Any:
    content = method.model_dump()
    return content if len(content) > 1 else content["method"]


_Mapping = Annotated[
    MannWhitney | TTest | Welch | Ancova | Responders | ProportionalOdds,
    Field(discriminator="method"),
]
_Name = Annotated[str, WithJsonSchema({"type": "string", "enum": list(_COMPARED)})]
Compared = Annotated[
    _Mapping,
    BeforeValidator(_from_its_name, json_schema_input_type=_Name | _Mapping),
    PlainSerializer(_shortest),
]
"""The method whose effect is compared, as a scenario writes it."""


def _of_a_difference(test: "Interaction") -> Iterator[Violation]:
    if isinstance(test.of, Responders) and test.of.effect != "risk_difference":
        rule = "must be left at risk_difference in an interaction, which subtracts"
        yield Violation("test.of.effect", rule, test.of.effect)
    if isinstance(test.of, Responders) and test.of.covariates:
        yield Violation("test.of.covariates", "must be left out in an interaction")


class Interaction(AnalysisMethod):
    """The effect in a subgroup less that in all others, or their ratio, by a method's own scale."""

    conflicts: ClassVar[Rules] = (_of_a_difference,)

    why_not_monitored: ClassVar[str] = "a trial is not stopped for a difference between subgroups"

    method: Literal["interaction"]
    subgroup: Rule
    """Whose effect is compared with that of all others, such as NIHSS above 8."""
    of: Compared
    """The method whose effect is compared, such as mann_whitney."""

    @property
    def needs_numbers(self) -> bool:  # type: ignore[override]
        return self.of.needs_numbers

    @property
    def adjusts_for_baseline(self) -> bool:
        return self.of.adjusts_for_baseline

    def why_no_population_effect(self, plan: Plan) -> str | None:
        return "two subgroups of patients"

    def quantity(self, plan: Plan) -> Quantity:
        own = self.of.quantity(plan)
        named = {
            "odds ratio": Quantity("ratio of odds ratios", 1.0),
            "mean difference": Quantity("difference of mean differences", 0.0),
        }
        return named.get(own.name, Quantity(f"difference of {own.name}s", 0.0))

    def mean_in_words(self, plan: Plan) -> str:
        return self.of.mean_in_words(plan)

    def estimate_in_words(self, plan: Plan) -> str:
        name = self.quantity(plan).name
        return (
            f"Interaction of treatment and subgroup, {name}: that of the subgroup "
            f"{self.subgroup.label} {'over' if self.quantity(plan).is_ratio else 'less'} that of "
            f"all others. In each: {self.of.estimate_in_words(plan)}"
        )

    def test_in_words(self, plan: Plan) -> str:
        return (
            "Student's t test of the interaction, with the variances of both subgroups. Its power "
            "is low: between halves of the patients its standard error is about twice that of the "
            "effect in all, so that no evidence of an interaction is no evidence of none."
        )

    def ties_in_words(self, plan: Plan) -> str:
        return self.of.ties_in_words(plan)

    def variance_in_words(self, plan: Plan) -> str:
        own = {
            "mann_whitney": "of the placements",
            "responders": "of the two shares",
            "proportional_odds": "of the logarithm of the odds ratio",
        }
        return (
            f"The sum of the variances in the two subgroups, each that "
            f"{own.get(self.of.method, 'of the method')}, under any effect."
        )

    def interval_in_words(self, plan: Plan) -> str:
        scale = " on the log scale" if self.quantity(plan).is_ratio else ""
        return f"Student's t{scale}, with the degrees of freedom of Satterthwaite (1946)"

    def level_row(self, plan: Plan) -> str | None:
        return f"interaction, {self.of.method}" if self.of.level_row(plan) in _PLAIN else None

    def outcome_violations(
        self, outcomes: Mapping[str, Outcome], plan: Plan
    ) -> Iterator[Violation]:
        yield from self.of.outcome_violations(outcomes, plan)

    def population_violations(self, population: Population) -> Iterator[Violation]:
        yield from within("test.subgroup", self.subgroup.refusals(population.covariates))
        for refusal in self.of.population_violations(population):
            yield refusal._replace(path=refusal.path.replace("test.", "test.of.", 1))
