"""What may happen to a patient besides the disease: how likely, when, and what comes of it.

An intercurrent event occurs at most once in a patient. Its risk may depend on covariates, on the
arm, and on scores: between two visits it then has the hazard that follows from its probability and
its days, the odds of which the score multiplies. What was seen last makes data missing at random,
what is not seen makes them missing not at random.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final, Literal, Self, TypeAlias

from pydantic import Field

from trialsim.distributions import Continuous, Exponential, FrozenModel, NotNegative
from trialsim.scenario.outcomes.outcome import Anchor, is_possible
from trialsim.scenario.patients.eligibility import Rule
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Finite,
    Name,
    Positive,
    Probability,
    Rules,
    Violation,
    negative,
)

TreatmentEvent: TypeAlias = Literal[
    "discontinuation", "drug_related_discontinuation", "rescue", "switching"
]
"""The kinds of intercurrent events after which a patient is still in the trial."""
Event: TypeAlias = Literal[TreatmentEvent, "withdrawal", "death"]
"""The kinds of intercurrent events, by their names in `Operations`."""
Happening: TypeAlias = Literal[Event, "refusal", "visit_missed"]
"""What may happen to a patient, or be switched off: the events, and what may happen repeatedly."""
DISCONTINUATIONS: Final[tuple[TreatmentEvent, ...]] = (
    "discontinuation",
    "drug_related_discontinuation",
)
"""The events that end the infusions and leave the patient in the trial."""
ENDS_OF_INFUSIONS: Final[tuple[Event, ...]] = (*DISCONTINUATIONS, "withdrawal", "death")
"""The events after which a patient takes no chair."""


class RiskFactor(FrozenModel):
    """How a covariate changes the odds that something happens."""

    log_odds_per_unit: Finite
    """Change of the log odds for one unit more of the covariate, such as 0.1."""
    reference: Finite
    """The covariate's value at which the probability is the one given, such as 65 years."""


class ArmRisk(FrozenModel):
    """How an arm changes the odds that something happens."""

    odds_ratio: Positive
    """The odds in this arm relative to those without it, such as 0.9."""
    subgroup: Rule | None = None
    """Those in whom it does; null for everybody."""


class ScoreRisk(FrozenModel):
    """How the score of an outcome changes the odds that something happens between two visits."""

    seen: Literal["last_observed", "unseen"]
    """Which score: the last one observed before (missing at random; before the first there is no
    change), or the one that the patient would have at the next visit had no event that depends on
    scores happened since the last (not at random); for a missed visit the score at that visit.
    What ends infusions takes last_observed alone where patients wait for one another for chairs."""
    log_odds_per_unit: Finite
    """Change of the log odds for one point more of the score, such as -0.05."""
    reference: Finite
    """The score at which the odds are not changed, such as 30 points."""


class Odds(FrozenModel):
    """What changes the odds that something happens."""

    omitted_defaults = ("covariates", "arms", "scores")

    covariates: dict[Name, RiskFactor] = Field(default_factory=dict)
    """How covariates change its odds, by the covariate's name."""
    arms: dict[Name, ArmRisk] = Field(default_factory=dict)
    """How arms change its odds, by the arm's name."""
    scores: dict[Name, ScoreRisk] = Field(default_factory=dict)
    """How scores change its odds, by the outcome's name."""

    @property
    def are_changed(self) -> bool:
        """Whether anything changes the odds."""
        return bool(self.covariates or self.arms or self.scores)


def _after_randomisation(days: Continuous) -> Iterator[Violation]:
    yield from negative("days", days)


class IntercurrentEvent(CheckedModel):
    """An event that occurs at most once in a patient, at a time from randomisation.

    `probability` is that of it ever happening; `days` is the distribution of when, if it does.
    Covariates and the arm may change the odds of it happening, scores those of it happening
    between one visit and the next.
    """

    rules: ClassVar[Rules] = (_after_randomisation,)

    omitted_defaults: ClassVar[tuple[str, ...]] = ("covariates", "arms", "scores")
    assumed_defaults = ("days",)

    probability: Probability
    """Probability, from 0 to 1, that it ever happens, at the reference values of the covariates,
    such as 0.05."""
    days: Continuous = Field(
        default_factory=lambda: Exponential(distribution="exponential", mean=30)
    )
    """Days from randomisation to it, where it happens, such as an exponential with mean 30."""
    covariates: dict[Name, RiskFactor] = Field(default_factory=dict)
    """How covariates change its odds, by the covariate's name."""
    arms: dict[Name, ArmRisk] = Field(default_factory=dict)
    """How arms change its odds, by the arm's name."""
    scores: dict[Name, ScoreRisk] = Field(default_factory=dict)
    """How scores change the odds of it happening between two visits, by the outcome's name."""

    @property
    def depends_on_scores(self) -> bool:
        """Whether scores change a risk that there is."""
        return bool(self.scores) and self.probability > 0

    @classmethod
    def never(cls) -> Self:
        """Return an event that does not happen."""
        return cls(probability=0.0)


class LastingEvent(IntercurrentEvent):
    """An event after which the drug's effect may fade."""

    omitted_defaults = (*IntercurrentEvent.omitted_defaults, "drug_effect_half_life_days")

    drug_effect_half_life_days: NotNegative | None = None
    """Days from the event in which half of what effect the drug then has is lost, such as 14; 0
    where all is lost at once, null where it stays (what fewer infusions do, exposure says)."""


class RescueEffect(CheckedModel):
    """What a rescue treatment does to an outcome, on the scale of the anchor as a drug's effect."""

    rules = (is_possible,)

    omitted_defaults = ("full_after_days",)

    anchor: Anchor
    """The scale on which `value` stands, such as mean_difference."""
    value: Finite
    """The effect in reference patients on the end day, such as a mean_difference of 3 points;
    above no effect (theta 0.5, odds ratio 1, else 0) it favours the patient."""
    full_after_days: NotNegative = 0.0
    """Days from the start of the treatment until it is full, rising in proportion, such as 14."""


class Rescue(LastingEvent):
    """A treatment that starts after randomisation and has an effect of its own."""

    omitted_defaults = (*LastingEvent.omitted_defaults, "effects")

    effects: dict[Name, RescueEffect] = Field(default_factory=dict)
    """What it does to outcomes, by the outcome's name; beside the drug's effect."""


def _switches_to_an_arm(
    probability: float, to: str | None, arms: Mapping[str, ArmRisk | None]
) -> Iterator[Violation]:
    if to is None and probability > 0:
        yield Violation("to", "must name the arm whose study drug is given from then on")
    if to is not None and to in arms:
        rule = "must not be the arm that patients switch to, who have its study drug already"
        yield Violation(f"arms.{to}", rule)


class Switching(IntercurrentEvent):
    """A change of the study drug; patients of the arm that others switch to never switch."""

    rules = (*IntercurrentEvent.rules, _switches_to_an_arm)

    omitted_defaults = (*IntercurrentEvent.omitted_defaults, "to")

    to: Name | None = None
    """The arm whose study drug infusions contain from then on, such as placebo."""
