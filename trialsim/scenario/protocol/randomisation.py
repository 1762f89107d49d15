"""How patients are randomised: the procedure, what it is stratified by, and caps on who may enter.

A procedure says what is its own alone; arms and their ratios, the number of patients and the
factors are those of the design.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias, get_args

import numpy as np
from pydantic import BeforeValidator, Field, WithJsonSchema

from trialsim.arrays import Floats, Integers
from trialsim.distributions import FrozenModel, Positive
from trialsim.scenario.patients.columns import Cells, is_read
from trialsim.scenario.patients.eligibility import Rule
from trialsim.scenario.patients.population import Covariate
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Finite,
    Name,
    Rules,
    Violation,
    unknown,
)

SITE: Final = "site"
"""The name of the factor that every study has."""
ARM: Final = "arm"
"""The column of a list that has the arms."""
MOST_STRATA: Final = 4096
_MOST_IN_A_BLOCK: Final = 1000


def _rising(cuts: tuple[float, ...] | None) -> Iterator[Violation]:
    if any(after <= before for before, after in pairwise(cuts or ())):
        yield Violation("cuts", "must rise from one to the next", list(cuts or ()))


class Factor(CheckedModel):
    """A covariate by whose classes patients are stratified."""

    rules = (_rising,)
    omitted_defaults = ("cuts",)

    covariate: Name
    """The name of the covariate, such as nihss."""
    cuts: Annotated[tuple[Finite, ...], Field(strict=False, min_length=1, max_length=20)] | None = (
        None
    )
    """Where a number is cut into classes, such as [8, 14]: below 8, from 8 to below 14, and from 14
    on. Null where the covariate has levels, or is true or false, each of them a class."""

    def refusals(self, covariates: Mapping[str, Covariate]) -> Iterator[Violation]:
        """Yield what the population cannot answer."""
        covariate = covariates.get(self.covariate)
        if covariate is None:
            rule = unknown("covariate", self.covariate, covariates)
            yield Violation("covariate", rule, self.covariate)
        elif covariate.levels is None and not covariate.is_flag and self.cuts is None:
            yield Violation("cuts", f"must be given: {self.covariate} is a number", None)
        elif self.cuts is not None and (covariate.levels is not None or covariate.is_flag):
            rule = f"must not be given: each level of {self.covariate} is a class"
            yield Violation("cuts", rule, list(self.cuts))

    def classes(self, covariates: Mapping[str, Covariate]) -> tuple[str, ...]:
        """Return the names of the classes in order."""
        if self.cuts is not None:
            inner = (f"{low:g} to below {high:g}" for low, high in pairwise(self.cuts))
            return (f"below {self.cuts[0]:g}", *inner, f"{self.cuts[-1]:g} and above")
        return covariates[self.covariate].levels or ("false", "true")

    def class_of(self, values: Floats) -> Integers:
        """Return the place of each value's class."""
        if self.cuts is None:
            return values.astype(np.int64)
        return np.searchsorted(np.array(self.cuts), values, side="right").astype(np.int64)


class Cap(FrozenModel):
    """The most patients of one kind, such as those with a severe stroke."""

    who: Rule
    """Which candidates are counted, a rule like those of eligibility."""
    share: Annotated[float, Field(gt=0, lt=1)]
    """The most of them among the patients of the design, rounded down, such as 0.4; a candidate
    beyond is not randomised."""

    def places(self, patients: int) -> int:
        """Return the most that are randomised of so many patients.

        >>> severe = Rule(label="Severe", covariate="nihss", at_least=15)
        >>> Cap(who=severe, share=0.3).places(10)
        3
        """
        return int(self.share * patients + 1e-9)

    def in_words(self) -> str:
        """Return it as the reason for which a candidate beyond is not randomised."""
        return f"Enough patients randomised: {self.who.label}"


class Randomisation(CheckedModel):
    """What every procedure answers about itself."""

    two_arms: ClassVar[bool] = False
    """Whether it is defined for two arms alone."""
    equal_ratio: ClassVar[bool] = False
    """Whether it is defined for arms of equal ratio alone."""
    can_be_repeated: ClassVar[bool] = True
    """Whether chance decides, so that a re-randomisation test can let it decide again."""
    balances_margins: ClassVar[bool] = False
    """Whether it balances the classes of each factor, rather than each stratum by itself."""
    method: str

    @property
    def keeps_balance(self) -> bool:
        """Whether arms differ by no more, however many patients there are."""
        return False

    def design_violations(
        self, ratios: tuple[int, ...], factors: tuple[str, ...]
    ) -> Iterator[Violation]:
        """Yield what it cannot do with the arms' ratios and the factors; paths begin at itself."""
        if self.two_arms and len(ratios) != 2:
            rule = f"cannot be {self.method}, which is defined for two arms"
            yield Violation("method", rule, f"{len(ratios)} arms")
        elif self.equal_ratio and len(set(ratios)) > 1:
            rule = f"cannot be {self.method}, which is defined for arms of equal ratio"
            yield Violation("method", rule, ":".join(map(str, ratios)))

    @abstractmethod
    def in_words(self) -> str:
        """Return the procedure as a phrase that follows `patients are randomised`."""


class SimpleRandomisation(Randomisation):
    """Each patient by a toss of its own, whatever came before."""

    method: Literal["simple"]

    def in_words(self) -> str:
        return "by simple randomisation, a toss for each patient"


class PermutedBlockSizes(Randomisation):
    """Permuted blocks, each of a size that is drawn as it begins."""

    method: Literal["blocks"]
    sizes: Annotated[
        tuple[Annotated[int, Field(ge=2, le=_MOST_IN_A_BLOCK)], ...],
        Field(strict=False, min_length=1, max_length=20),
    ]
    """The sizes that a block may have, each equally likely, such as [2, 4, 6]; multiples of the sum
    of the arms' ratios."""

    @property
    def keeps_balance(self) -> bool:
        return True

    def design_violations(
        self, ratios: tuple[int, ...], factors: tuple[str, ...]
    ) -> Iterator[Violation]:
        total = sum(ratios)
        for place, size in enumerate(self.sizes):
            if size % total:
                rule = f"must be a multiple of the sum of the arms' ratios, {total}"
                yield Violation(f"sizes.{place}", rule, size)

    def in_words(self) -> str:
        *first, last = map(str, self.sizes)
        if not first:
            return f"in permuted blocks of {last}"
        return f"in permuted blocks of {', '.join(first)} or {last}, each size equally likely"


class BigStick(Randomisation):
    """A fair toss until the arms differ by the tolerance; then the arm that is behind.

    Soares and Wu 1983, Communications in Statistics 12:2017.
    """

    two_arms: ClassVar[bool] = True
    equal_ratio: ClassVar[bool] = True
    method: Literal["big_stick"]
    tolerance: Annotated[int, Field(ge=1, le=1000)]
    """The most patients by which the arms may differ, such as 3."""

    @property
    def keeps_balance(self) -> bool:
        return True

    def in_words(self) -> str:
        return (
            f"by the big stick design: a fair toss until the arms differ by {self.tolerance}, then "
            "the arm that is behind"
        )


class BiasedCoin(Randomisation):
    """A coin that favours the arm that is behind, and is fair while the arms are equal.

    Efron 1971, Biometrika 58:403.
    """

    two_arms: ClassVar[bool] = True
    equal_ratio: ClassVar[bool] = True
    method: Literal["biased_coin"]
    probability: Annotated[float, Field(ge=0.5, le=1)]
    """The chance of the arm that is behind, such as 0.667."""

    @property
    def keeps_balance(self) -> bool:
        return self.probability > 0.5

    def in_words(self) -> str:
        return (
            f"by Efron's biased coin, which gives the arm that is behind with probability "
            f"{self.probability:g}"
        )


class Urn(Randomisation):
    """Each patient draws from an urn to which balls of the other arms are added.

    Wei's UD(balls, added) for any number of arms; Wei 1978, Annals of Statistics 6:92.
    """

    equal_ratio: ClassVar[bool] = True
    method: Literal["urn"]
    balls: Annotated[int, Field(ge=0, le=1000)] = 1
    """Balls of each arm to begin with, usually 1; with 0 the first patient has a fair toss."""
    added: Annotated[int, Field(ge=1, le=1000)] = 1
    """Balls of each other arm that are added after each patient, usually 1."""

    def in_words(self) -> str:
        return (
            f"by Wei's urn: balls of each arm to begin with: {self.balls}; of each other arm added "
            f"after each patient: {self.added}"
        )


class Chen(Randomisation):
    """A biased coin until the arms differ by the tolerance; then the arm that is behind.

    The biased coin design with imbalance tolerance; Chen 1999, Biometrics 55:1151.
    """

    two_arms: ClassVar[bool] = True
    equal_ratio: ClassVar[bool] = True
    method: Literal["chen"]
    tolerance: Annotated[int, Field(ge=1, le=1000)]
    """The most patients by which the arms may differ, such as 3."""
    probability: Annotated[float, Field(ge=0.5, le=1)]
    """The chance of the arm that is behind, while they differ by less, such as 0.667."""

    @property
    def keeps_balance(self) -> bool:
        return True

    def in_words(self) -> str:
        return (
            "by Chen's biased coin with imbalance tolerance: the arm that is behind with "
            f"probability {self.probability:g}, and for certain once the arms differ by "
            f"{self.tolerance}"
        )


class TruncatedBinomial(Randomisation):
    """A fair toss until an arm has half of the patients; then the other.

    Blackwell and Hodges 1957, Annals of Mathematical Statistics 28:449.
    """

    two_arms: ClassVar[bool] = True
    equal_ratio: ClassVar[bool] = True
    method: Literal["truncated_binomial"]

    def design_violations(
        self, ratios: tuple[int, ...], factors: tuple[str, ...]
    ) -> Iterator[Violation]:
        yield from super().design_violations(ratios, factors)
        if factors:
            rule = (
                "cannot be truncated_binomial with strata, whose numbers of patients are not known "
                "beforehand; say stratify_by: nothing"
            )
            yield Violation("method", rule, ", ".join(factors))

    def in_words(self) -> str:
        return (
            "by the truncated binomial design: a fair toss until an arm has half of the patients, "
            "then the other"
        )


class Minimisation(Randomisation):
    """The arm that leaves the factors' classes most alike, with a high probability.

    Pocock and Simon 1975, Biometrics 31:103. What would be the imbalance of a factor is that of the
    arms' numbers in the patient's class, if the patient were given an arm; the arm with the least
    weighted sum over factors is preferred, of several all equally.
    """

    equal_ratio: ClassVar[bool] = True
    balances_margins: ClassVar[bool] = True
    omitted_defaults = ("weights",)
    method: Literal["minimisation"]
    measure: Literal["range", "variance", "standard_deviation"] = "range"
    """How the imbalance of a factor is measured over the arms, usually range."""
    probability: Annotated[float, Field(gt=0, le=1)] = 0.8
    """The chance of the preferred arm, such as 0.8; the others share the rest."""
    weights: dict[Name, Positive] = Field(default_factory=dict)
    """How much a factor counts, by its name, site among them; 1 unless given."""

    @property
    def keeps_balance(self) -> bool:
        return self.probability > 0.5

    def design_violations(
        self, ratios: tuple[int, ...], factors: tuple[str, ...]
    ) -> Iterator[Violation]:
        yield from super().design_violations(ratios, factors)
        if not factors:
            rule = "cannot be minimisation without a factor: give strata, or stratify_by: site"
            yield Violation("method", rule)
        if self.probability * len(ratios) < 1:
            rule = f"must be at least 1 of {len(ratios)} arms"
            yield Violation("probability", rule, self.probability)
        for name, weight in self.weights.items():
            if name not in factors:
                yield Violation(f"weights.{name}", unknown("factor", name, factors), weight)

    def in_words(self) -> str:
        weighted = [f"{name} {weight:g}" for name, weight in self.weights.items()]
        weights = f", factors weighted {', '.join(weighted)}" if weighted else ""
        measure = self.measure.replace("_", " ")
        return (
            f"by Pocock and Simon's minimisation of the {measure} over arms in the classes of each "
            f"factor{weights}, the preferred arm with probability {self.probability:g}"
        )


def _one_length(columns: Mapping[str, tuple[str, ...]]) -> Iterator[Violation]:
    lengths = {name: len(cells) for name, cells in columns.items()}
    if ARM not in columns:
        rule = f"must be given: those of a file, with a column {ARM}"
        yield Violation("columns", rule, ", ".join(columns) or None)
    elif len(set(lengths.values())) > 1:
        yield Violation("columns", "must have as many cells in each column", lengths)


def numbered(names: Iterable[str]) -> dict[str, int]:
    """Return the place of each name, which a list may also give by its number from 1.

    >>> numbered(["mild", "severe"])
    {'1': 0, '2': 1, 'mild': 0, 'severe': 1}
    """
    places = {name: place for place, name in enumerate(names)}
    return {str(place + 1): place for place in places.values()} | places


class AllocationList(Randomisation):
    """Complete lists, drawn up beforehand: the next arm of the patient's own stratum."""

    rules: ClassVar[Rules] = (is_read, _one_length)
    omitted_defaults = ("file",)
    can_be_repeated: ClassVar[bool] = False
    method: Literal["list"]
    file: str | None = None
    """The path of a table, relative to the study file, ending in .csv or .parquet, which is read as
    the study is loaded: a column `arm`, one for each factor of the design by its name (the site by
    its name, a class by its level or by its number from 1), and a row for each place in order."""
    columns: dict[Name, Cells] = Field(default_factory=dict)
    """The cells of the table by column, each column as one text, such as "drug,placebo". A stratum
    whose list is used up begins it again."""

    def design_violations(
        self, ratios: tuple[int, ...], factors: tuple[str, ...]
    ) -> Iterator[Violation]:
        for name in self.columns:
            if name not in (*factors, ARM):
                rule = unknown("column", name, (ARM, *factors))
                yield Violation(f"columns.{name}", rule)
        for name in factors:
            if name not in self.columns:
                rule = f"must have a column {name}, by which the design is stratified"
                yield Violation("columns", rule, ", ".join(self.columns))

    def in_words(self) -> str:
        return f"by complete lists of {len(self.columns[ARM])} places"


AnyProcedure: TypeAlias = (
    SimpleRandomisation
    | PermutedBlockSizes
    | BigStick
    | BiasedCoin
    | Urn
    | Chen
    | TruncatedBinomial
    | Minimisation
    | AllocationList
)


def _from_its_name(written: Any) -> Any:
    return {"method": written} if isinstance(written, str) else written


_Mapping = Annotated[AnyProcedure, Field(discriminator="method")]
_NAMES: Final = [
    get_args(one.model_fields["method"].annotation)[0] for one in get_args(AnyProcedure)
]
_Name = Annotated[str, WithJsonSchema({"type": "string", "enum": _NAMES})]

Procedure: TypeAlias = Annotated[
    _Mapping, BeforeValidator(_from_its_name, json_schema_input_type=_Name | _Mapping)
]
"""A procedure as a study file writes it: a mapping that says `method`, or its name alone."""
