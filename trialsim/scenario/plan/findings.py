"""What was published of a study: figures to hold its simulation against; they change nothing in it.

A study may also say which of its numbers were calibrated: solved for, so that it gives a finding.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from trialsim.distributions import FrozenModel
from trialsim.scenario.patients.eligibility import Level, Rule
from trialsim.scenario.plan.choices import Measure
from trialsim.scenario.validation.refusal import CheckedModel, Finite, Name, Positive, Violation

Summary: TypeAlias = Literal["mean", "sd", "median", "share"]
What: TypeAlias = Literal[
    "randomised", "analysed", "completed", "discontinued", "withdrawn", "died", "left"
]


def _share_says_whom(
    figure: str, at_least: float | None, at_most: float | None, fields: Mapping[str, Any]
) -> Iterator[Violation]:
    told = any(one is not None for one in (at_least, at_most, fields.get("equals")))
    if figure == "share" and not told:
        yield Violation("figure", "must say of whom: at_least, at_most or, of a covariate, equals")
    if figure != "share" and told:
        yield Violation("figure", "must be share with at_least, at_most or equals", figure)


class AnalysisFigure(CheckedModel):
    """A figure of an analysis: the mean of its simulated estimates or limits, or its power."""

    kind: Literal["analysis"]
    analysis: Name
    """`primary`, or the name of a secondary analysis."""
    figure: Literal["estimate", "low", "high", "power"]
    """The figure of the analysis, such as estimate."""


class OfCovariate(CheckedModel):
    """A figure of a covariate of the randomised."""

    rules = (_share_says_whom,)

    kind: Literal["covariate"]
    covariate: Name
    """The name of the covariate, such as age_years."""
    arm: Name | None = None
    """Null for all arms together."""
    figure: Summary
    """What is said of it, such as mean."""
    at_least: Finite | None = None
    """The least value that a share counts, such as 65 years."""
    at_most: Finite | None = None
    """The greatest value that a share counts, such as 80 years."""
    equals: Level | None = None
    """The level, flag or number that a share counts, such as female."""
    subgroup: Rule | None = None
    """Those of whom it is a figure; null for everybody."""

    @property
    def share_rule(self) -> Rule:
        """The condition that the share counts."""
        bounds = {"at_least": self.at_least, "at_most": self.at_most, "equals": self.equals}
        return Rule(label="share", covariate=self.covariate, **bounds)  # type: ignore[arg-type]


class JointCondition(FrozenModel):
    """A condition on a score of another outcome at the same visit."""

    outcome: Name
    """The name of the other outcome, such as nihss."""
    measure: Measure = "score"
    """The score at the visit or its change from baseline, usually score."""
    at_least: Finite | None = None
    """The least score that meets it, such as 3 points."""
    at_most: Finite | None = None
    """The greatest score that meets it, such as 2 points."""


def _besides_a_share(figure: str, besides: JointCondition | None) -> Iterator[Violation]:
    if besides is not None and figure != "share":
        yield Violation("besides", "must go with a share", figure)


class OfOutcome(CheckedModel):
    """A figure of a score, or of its change from baseline, at a visit."""

    rules = (_share_says_whom, _besides_a_share)

    kind: Literal["outcome"]
    outcome: Name
    """The name of the outcome, such as mrs."""
    visit: Name
    """The name of the visit, such as day_90."""
    arm: Name | None = None
    """Null for all arms together."""
    measure: Measure = "score"
    """The score at the visit or its change from baseline, usually score."""
    scores: Literal["measured", "analysed"] = "measured"
    """Of those who came, or with missing scores filled in as the primary analysis does."""
    figure: Summary
    """What is said of it, such as mean."""
    at_least: Finite | None = None
    """The least score that a share counts, such as 3 points."""
    at_most: Finite | None = None
    """The greatest score that a share counts, such as 2 points."""
    besides: JointCondition | None = None
    """What those of a share must meet too; who lacks either score is not counted."""
    subgroup: Rule | None = None
    """Those of whom it is a figure; null for everybody."""


class OfPatients(CheckedModel):
    """How many patients something happened to, or their share of the randomised."""

    kind: Literal["patients"]
    what: What
    """Analysed: in the primary analysis. Completed: seen at the last visit.

    Discontinued the infusions, withdrew from the trial, died; left: any of these three.
    """
    arm: Name | None = None
    """Null for all arms together."""
    figure: Literal["count", "share"]
    """Whether it is a count of patients or their share of the randomised."""
    subgroup: Rule | None = None
    """Those of whom it is a figure; null for everybody."""


Of: TypeAlias = Annotated[
    AnalysisFigure | OfCovariate | OfOutcome | OfPatients, Field(discriminator="kind")
]


class Finding(CheckedModel):
    """A figure that was published of a study, and what it is a figure of."""

    label: str = Field(min_length=1)
    """What the figure is called in tables, such as Age, years."""
    of: Of
    """What it is a figure of: an analysis, a covariate, an outcome or patients."""
    value: Finite
    """The published figure, in the unit of what it is of, such as 0.62."""
    decimals: Annotated[int, Field(ge=0, le=9)] | None = None
    """Published decimals; null where the value shows them, or two below 1 and one above."""
    explanation: str | None = Field(default=None, min_length=1)
    """Why the simulation does not give it, where it does not."""

    @property
    def published_decimals(self) -> int:
        """The decimals of the published figure, none of a count."""
        if self.decimals is not None:
            return self.decimals
        if isinstance(self.of, OfPatients) and self.of.figure == "count":
            return 0
        shown = f"{self.value:.9f}".rstrip("0").partition(".")[2]
        return max(len(shown), 2 if abs(self.value) < 1 else 1)


def _one_target(
    finding: str | None, quantity: str | None, value: float | None
) -> Iterator[Violation]:
    if (finding is None) == (quantity is None):
        yield Violation("finding", "must be given, or else quantity and value", finding)
    elif (quantity is None) != (value is None):
        yield Violation("value", "must be given with quantity, and only with it", value)


class Calibration(CheckedModel):
    """What a number was solved for: the study as conducted and analysed gives a figure."""

    rules = (_one_target,)

    finding: Name | None = None
    """The name of the finding that the study is made to give; null where it is a quantity."""
    quantity: Name | None = None
    """A mean over trials, such as `power` or `estimate`, where it is no finding's."""
    value: Finite | None = None
    """The value of the quantity, such as a power of 0.9."""
    error: Positive | None = None
    """Monte Carlo standard error of the number that was solved for, such as 0.003."""
