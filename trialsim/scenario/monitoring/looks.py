"""When a look at the data falls, and how long the board takes to decide."""

from collections.abc import Iterator
from typing import Annotated, Final, Literal, TypeAlias, get_args

from pydantic import Field

from trialsim.scenario.validation.refusal import CheckedModel, OpenProbability, Violation

Day: TypeAlias = Annotated[int, Field(ge=1, le=100_000)]
Kind: TypeAlias = Literal[
    "known", "known_patients", "randomised", "day", "days_after_first_patient"
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

AT_THE_END: Final = "final"
"""How the last analysis is called beside the looks."""
CALLED_OTHERWISE: Final = {AT_THE_END: "the last analysis", "all": "all trials together"}
"""What results call by a name of its own beside those of the looks."""


def _one_moment(
    known: float | None,
    known_patients: int | None,
    randomised: float | None,
    day: int | None,
    days_after_first_patient: int | None,
) -> Iterator[Violation]:
    given = [known, known_patients, randomised, day, days_after_first_patient]
    if sum(one is not None for one in given) != 1:
        yield Violation("known", f"must be given in one way: {', '.join(KINDS)}", known)


class When(CheckedModel):
    """The moment at which the data of a look are cut, said in one of five ways."""

    rules = (_one_moment,)
    omitted_defaults = KINDS

    known: OpenProbability | None = Field(
        None, description="Share of the planned patients whose endpoint is known, such as 0.5."
    )
    known_patients: Annotated[int, Field(ge=2)] | None = Field(
        None, description="Patients whose endpoint is known, such as 100."
    )
    randomised: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Share of the planned patients who are randomised, such as 0.5."
    )
    day: Day | None = Field(
        None, description="Days after the first site could recruit, at midnight, such as 365."
    )
    days_after_first_patient: Day | None = Field(
        None, description="Days after the first patient was randomised, such as 365."
    )

    @property
    def kind(self) -> Kind:
        """Which of the ways is used."""
        return next(name for name in KINDS if getattr(self, name) is not None)

    @property
    def value(self) -> float:
        """What the way that is used says."""
        return float(getattr(self, self.kind))


def _share_is_said(when: When, planned_share: float | None) -> Iterator[Violation]:
    if not when.keeps_its_rules:
        return
    counted = when.kind in ("known", "known_patients")
    if counted and planned_share is not None:
        rule = f"must be left out with {when.kind}, which says the share of information itself"
        yield Violation("planned_share", rule, planned_share)
    if not counted and planned_share is None:
        rule = f"must be given with {when.kind}: the share of the information expected by then"
        yield Violation("planned_share", rule, planned_share)


class Look(CheckedModel):
    """One look: the data are cut, analysed, and a decision follows."""

    rules = (_share_is_said,)
    omitted_defaults = ("planned_share", "decided_after_days", "recruitment_meanwhile")

    when: When = Field(description="When the data are cut.")
    planned_share: OpenProbability | None = Field(
        None,
        description="Share of the planned information expected at a look that is not set by known "
        "patients, such as 0.5; classical bounds, weights and printed bounds are those of the "
        "plan.",
    )
    decided_after_days: Annotated[float, Field(ge=0, le=3650)] = Field(
        0.0, description="Days from the cut of the data to the decision, such as 14."
    )
    recruitment_meanwhile: Literal["goes_on", "pauses"] = Field(
        "goes_on", description="What recruitment does between the cut and the decision."
    )

    def planned_fraction(self, patients: int) -> float:
        """Return the share of the planned information that the plan expects at the look."""
        if self.planned_share is not None:
            return self.planned_share
        return self.when.value if self.when.kind == "known" else self.when.value / patients
