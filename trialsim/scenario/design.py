"""The randomised comparison: arms, size, allocation and visits."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from trialsim.distributions import Described
from trialsim.scenario.refusal import Name, Refusal, refuse

Millilitres = Annotated[float, Field(ge=0, allow_inf_nan=False)]
BASELINE = "baseline"


class Arm(Described):
    """What a patient of one arm is given at each infusion."""

    label: str = Field(min_length=1)
    dose_ml: Millilitres
    """Study drug in one infusion; 0 for placebo."""
    volume_ml: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """The whole infusion, drug and saline."""
    ratio: Annotated[int, Field(ge=1, le=20)] = 1
    """Share in the allocation, relative to the other arms."""

    @model_validator(mode="after")
    def _dose_fits(self) -> Self:
        if self.dose_ml > self.volume_ml:
            refuse([Refusal("dose_ml", "must not exceed volume_ml", self.dose_ml)])
        return self


class Visit(Described):
    """When the outcome is measured.

    The patient comes on the planned day or up to `window_days` before or after it, every day of
    the window being equally likely.
    """

    day: Annotated[int, Field(ge=0, le=3650)]
    after: Literal["randomisation", "onset"] = "randomisation"
    window_days: Annotated[int, Field(ge=0, le=60)] = 0


class Design(Described):
    """Arms, patients to randomise, permuted blocks, and visits in order; the first is baseline."""

    arms: dict[Name, Arm] = Field(min_length=2)
    patients: Annotated[int, Field(ge=2, le=1_000_000)]
    block_size: Annotated[int, Field(ge=2, le=64)]
    stratify_by: Literal["site", "nothing"]
    visits: dict[Name, Visit] = Field(min_length=2)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refusals = []
        if self.patients < len(self.arms):
            rule = f"must be at least {len(self.arms)}, one for each arm"
            refusals.append(Refusal("patients", rule, self.patients))
        if self.block_size % sum(self.ratios):
            rule = f"must be a multiple of the sum of the arms' ratios, {sum(self.ratios)}"
            refusals.append(Refusal("block_size", rule, self.block_size))
        first, *_ = self.visits.items()
        if first != (BASELINE, Visit(day=0)):
            rule = "must begin with baseline, on day 0 after randomisation, without a window"
            refusals.append(Refusal("visits", rule, first[0]))
        for (_, before), (name, visit) in pairwise(self.visits.items()):
            if visit.day - visit.window_days <= before.day + before.window_days:
                rule = "must lie after the visit before it, windows included"
                refusals.append(Refusal(f"visits.{name}.day", rule, visit.day))
        refuse(refusals)
        return self

    @property
    def ratios(self) -> tuple[int, ...]:
        """The allocation ratio of each arm, in order."""
        return tuple(arm.ratio for arm in self.arms.values())
