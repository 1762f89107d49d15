"""The randomised comparison: arms, size, allocation and visits."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from trialsim.distributions import FrozenModel, MissingFieldError, NotNegative, Positive
from trialsim.scenario.protocol.randomisation import ARM, SITE, Cap, Factor, Procedure
from trialsim.scenario.validation.refusal import CheckedModel, Name, Violation, until_missing

Millilitres = NotNegative
BASELINE = "baseline"
MOST_PATIENTS: Final = 1_000_000
MOST_CONTACTS: Final = 30_000_000
"""Infusions and visits of all patients: more than any trial has, and room for all in memory."""


_Several = Annotated[tuple[Millilitres, ...], Field(strict=False, min_length=2)]
Doses: TypeAlias = Annotated[
    Annotated[Millilitres, Tag("one")] | Annotated[_Several, Tag("several")],
    Discriminator(lambda written: "several" if isinstance(written, list | tuple) else "one"),
]
"""Study drug in one infusion, the same in every phase of the course or one for each."""
DoseUnit: TypeAlias = Literal["mL", "mL/kg", "mg/kg"]
_UNITS: Final[Mapping[str, DoseUnit]] = {
    "dose_ml": "mL",
    "dose_ml_per_kg": "mL/kg",
    "dose_mg_per_kg": "mg/kg",
}


def _one_dose(
    dose_ml: Doses | None, dose_ml_per_kg: Doses | None, dose_mg_per_kg: Doses | None
) -> Iterator[Violation]:
    given = [one for one in (dose_ml, dose_ml_per_kg, dose_mg_per_kg) if one is not None]
    if len(given) != 1:
        rule = "must be given in one unit: dose_ml, dose_ml_per_kg or dose_mg_per_kg"
        yield Violation("dose_ml", rule, dose_ml)


def _dose_fits(dose_ml: Doses | None, volume_ml: float) -> Iterator[Violation]:
    if dose_ml is not None and max(_each(dose_ml)) > volume_ml:
        yield Violation("dose_ml", "must not exceed volume_ml", dose_ml)


def _each(dose: Doses) -> tuple[float, ...]:
    return dose if isinstance(dose, tuple) else (dose,)


class Arm(CheckedModel):
    """What a patient of one arm is given at each infusion."""

    rules = (_one_dose, _dose_fits)

    assumed_defaults = ("volume_ml",)
    omitted_defaults = ("dose_ml", "dose_ml_per_kg", "dose_mg_per_kg")

    label: str = Field(min_length=1)
    """What the arm is called in tables and figures, such as Placebo."""
    dose_ml: Doses | None = None
    """Study drug in one infusion; 0 for placebo. A list gives one for each phase of the course."""
    dose_ml_per_kg: Doses | None = None
    """The same by body weight."""
    dose_mg_per_kg: Doses | None = None
    """The same in milligrams per kilogram of body weight, such as 0.25."""
    volume_ml: Positive = 100.0
    """The whole infusion, drug and saline, in mL, such as 100."""
    ratio: Annotated[int, Field(ge=1, le=20)] = 1
    """Share in the allocation relative to the other arms, usually 1."""

    @property
    def dose_unit(self) -> DoseUnit:
        """The unit of the doses."""
        return self._given[0]

    @property
    def doses(self) -> tuple[float, ...]:
        """The dose of each phase of the course, or one for all of them."""
        return _each(self._given[1])

    @property
    def _given(self) -> tuple[DoseUnit, Doses]:
        """The unit and the doses; missing of an arm that is refused as it gives none."""
        for name, unit in _UNITS.items():
            if (doses := getattr(self, name)) is not None:
                return unit, doses
        raise MissingFieldError("dose_ml")


class Visit(FrozenModel):
    """When the outcome is measured.

    The patient comes on the planned day or up to `window_days` before or after it, every day of
    the window being equally likely.
    """

    day: Annotated[int, Field(ge=0, le=3650)]
    """The planned day, counted from `after`, such as 90."""
    after: Literal["randomisation", "onset"] = "randomisation"
    """What the day is counted from, usually randomisation."""
    window_days: Annotated[int, Field(ge=0, le=60)] = 0
    """Days before or after the planned day on which the patient may come, such as 5."""


def _one_for_each_arm(patients: int, arms: Mapping[str, Arm]) -> Iterator[Violation]:
    if patients < len(arms):
        yield Violation("patients", f"must be at least {len(arms)}, one for each arm", patients)


def _whole_blocks(
    block_size: int, arms: Mapping[str, Arm], randomisation: Procedure | None
) -> Iterator[Violation]:
    if randomisation is not None:  # then there are no blocks of this size
        return
    total = sum(arm.ratio for arm in arms.values())
    if total and block_size % total:
        rule = f"must be a multiple of the sum of the arms' ratios, {total}"
        yield Violation("block_size", rule, block_size)


def _procedure_fits(
    randomisation: Procedure | None,
    arms: Mapping[str, Arm],
    stratify_by: str,
    strata: Mapping[str, Factor],
) -> Iterator[Violation]:
    if randomisation is not None:
        ratios = tuple(arm.ratio for arm in arms.values())
        factors = _factors(stratify_by, strata)
        for refusal in randomisation.design_violations(ratios, factors):
            yield refusal._replace(path=f"randomisation.{refusal.path}")


def _factors(stratify_by: str, strata: Mapping[str, Factor]) -> tuple[str, ...]:
    return (*((SITE,) if stratify_by == SITE else ()), *strata)


def _caps_leave_places(caps: Mapping[str, Cap], patients: int) -> Iterator[Violation]:
    for name, cap in caps.items():
        if cap.places(patients) < 1:
            rule = f"must leave a place for one of {patients} patients"
            yield Violation(f"caps.{name}.share", rule, cap.share)


def _factors_are_named(strata: Mapping[str, Factor]) -> Iterator[Violation]:
    for name in (SITE, ARM):
        if name in strata:
            yield Violation(f"strata.{name}", "must not bear this name, which is taken", name)


def _one_unit(arms: Mapping[str, Arm]) -> Iterator[Violation]:
    units = {name: arm.dose_unit for name, arm in arms.items() if arm.keeps_its_rules}
    first = next(iter(units.values()), None)
    for name, unit in units.items():
        if unit != first:
            yield Violation(
                f"arms.{name}", f"must be dosed in the unit of the first arm, {first}", unit
            )


def _begins_with_baseline(visits: Mapping[str, Visit]) -> Iterator[Violation]:
    first = next(iter(visits), BASELINE)
    if first != BASELINE or visits.get(first, Visit(day=0)) != Visit(day=0):
        rule = "must begin with baseline, on day 0 after randomisation, without a window"
        yield Violation("visits", rule, first)


def _in_order(visits: Mapping[str, Visit]) -> Iterator[Violation]:
    for (_, before), (name, visit) in pairwise(visits.items()):
        yield from until_missing(_after(name, visit, before))


def _after(name: str, visit: Visit, before: Visit) -> Iterator[Violation]:
    overlap = visit.day - visit.window_days <= before.day + before.window_days
    if overlap and visit.after == before.after:
        rule = "must lie after the visit before it, windows included"
        yield Violation(f"visits.{name}.day", rule, visit.day)


class Design(CheckedModel):
    """Arms, patients to randomise, how they are, and visits in order; the first is baseline."""

    rules = (
        _one_for_each_arm,
        _whole_blocks,
        _procedure_fits,
        _factors_are_named,
        _caps_leave_places,
        _one_unit,
        _begins_with_baseline,
        _in_order,
    )

    assumed_defaults = ("block_size", "stratify_by")
    omitted_defaults = ("strata", "randomisation", "caps")

    arms: dict[Name, Arm] = Field(min_length=2)
    """The arms by name, such as drug and placebo."""
    patients: Annotated[int, Field(ge=2, le=MOST_PATIENTS)]
    """Patients to randomise, all arms together, such as 208."""
    block_size: Annotated[int, Field(ge=2, le=64)] = 4
    """Patients in a permuted block, a multiple of the sum of the ratios, such as 4; of no meaning
    where `randomisation` says another procedure."""
    stratify_by: Literal["site", "nothing"] = "site"
    """Whether the site is a factor by which patients are stratified, usually site."""
    strata: dict[Name, Factor] = Field(default_factory=dict, max_length=10)
    """Further factors by which patients are stratified, by name, such as severity; each combination
    of classes, and of site where that is a factor, is a stratum."""
    randomisation: Procedure | None = None
    """The procedure of randomisation, in each stratum by itself (minimisation: over all factors);
    null for permuted blocks of `block_size`."""
    caps: dict[Name, Cap] = Field(default_factory=dict, max_length=10)
    """The most patients of some kinds, by name, such as severe; a candidate beyond is not
    randomised, for that reason."""
    visits: dict[Name, Visit] = Field(min_length=2)
    """When outcomes are measured, by name in order of time; the first is baseline, on day 0."""

    def most_patients(self, infusions: int) -> int:
        """Return how many patients a trial can have who are given so many infusions each."""
        return min(MOST_PATIENTS, MOST_CONTACTS // (infusions + len(self.visits)))

    @property
    def last_visit_day(self) -> int:
        """The last day from randomisation, or onset, on which any visit may take place."""
        return max(visit.day + visit.window_days for visit in self.visits.values())

    @property
    def ratios(self) -> tuple[int, ...]:
        """The allocation ratio of each arm, in order."""
        return tuple(arm.ratio for arm in self.arms.values())

    @property
    def factors(self) -> tuple[str, ...]:
        """The names of the factors by which patients are stratified, the site first."""
        return _factors(self.stratify_by, self.strata)

    @property
    def names_randomisation(self) -> bool:
        """Whether the study says more of its randomisation than the block and the site."""
        return self.randomisation is not None or bool(self.strata)

    @property
    def keeps_balance(self) -> bool:
        """Whether the procedure keeps the arms in balance, however many patients there are."""
        return self.randomisation is None or self.randomisation.keeps_balance

    @property
    def blocks(self) -> tuple[int, ...]:
        """The sizes that a permuted block may have; none where the procedure has no blocks."""
        if self.randomisation is None:
            return (self.block_size,)
        return getattr(self.randomisation, "sizes", ())

    @property
    def dose_unit(self) -> DoseUnit:
        """The unit of every arm's doses."""
        return next(iter(self.arms.values())).dose_unit
