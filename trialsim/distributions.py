"""Frozen distributions, each a map from one number in (0, 1) to one value.

A value is the inverse distribution function of its number, never a rejection sampler, so a small
change of a parameter moves every value a little and two scenarios stay paired.
"""

from collections.abc import Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, Self, TypeAlias, TypeVar

import numpy as np
import scipy  # its parts load when they are first used
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from trialsim.arrays import Floats
from trialsim.described import field_descriptions

Model = TypeVar("Model", bound="FrozenModel")

_SMALLEST, _LARGEST = 1e-12, 1e12


def _of_moderate_size(value: float) -> float:
    if value and not _SMALLEST <= abs(value) <= _LARGEST:
        raise ValueError(f"must be 0, or between {_SMALLEST:g} and {_LARGEST:g} in size")
    return value


Moderate = AfterValidator(_of_moderate_size)
"""Of a size whose squares, ratios and exponentials are numbers too."""
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), Moderate]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), Moderate]
Finite = Annotated[float, Field(allow_inf_nan=False), Moderate]
Probability = Annotated[float, Field(ge=0, le=1)]
OpenProbability = Annotated[float, Field(gt=0, lt=1)]

PROBABILITY_SUM_TOLERANCE: Final = 1e-9
LEAST_VARIATION: Final = 1e-6
"""Of a gamma: below, hardly a digit is left that differs between its values."""
_NARROWEST: Final = 1e-6
"""Of an interval: narrower, its distribution has no digits left that differ."""
_MOST_LEVELS: Final = 10_000
READ_AS_MISSING: Final = ("", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", ".")
"""What a cell of a CSV file says, in any letters, when there is no value."""
_MOST_WHOLE: Final = 100_000
_FARTHEST_SD: Final = 30.0
"""Beyond, a normal holds so little that truncating it is a mistake, and shares underflow."""


class MissingFieldError(Exception):
    """A field was needed that an incomplete part leaves out, as it is itself wrong."""


@cache
def _omitted(model: "type[FrozenModel]") -> Mapping[str, Any]:
    """Return the defaults at which JSON leaves out fields of a model, made once."""
    fields = model.model_fields
    return {
        name: fields[name].get_default(call_default_factory=True) for name in model.omitted_defaults
    }


class FrozenModel(BaseModel):
    """What a user writes in a scenario file: frozen, complete, and nothing unknown in it."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True
    )

    omitted_defaults: ClassVar[tuple[str, ...]] = ()
    """Fields that JSON leaves out at their defaults, so that digests outlive new ones."""

    assumed_defaults: ClassVar[tuple[str, ...]] = ()
    """Fields whose defaults are assumptions about a trial, and are reported as such."""

    @model_serializer(mode="wrap")
    def _serialise_without_defaults(
        self, dumped: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        content: dict[str, Any] = dumped(self)
        if info.mode == "json":
            for name, default in _omitted(type(self)).items():
                if vars(self).get(name) == default:
                    content.pop(name, None)
        return content

    @cached_property
    def _plain(self) -> Mapping[str, Any]:
        return self.model_dump(warnings=False)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed, of which nothing has been computed yet."""
        copied = super().model_copy(update=update, deep=deep)
        for name in vars(copied).keys() - type(self).model_fields.keys():
            del vars(copied)[name]
        return copied

    @classmethod
    def descriptions(cls) -> dict[str, str]:
        """Return what each field is, by name, with its unit and a usual value."""
        return field_descriptions(cls)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON Schema with a description and the default of each field."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in cls.descriptions().items():
            properties.get(name, {}).setdefault("description", text)
        for name, field in cls.model_fields.items():
            if field.default_factory and "default" not in properties.get(name, {}):
                made = field.get_default(call_default_factory=True)
                plain = made.model_dump(mode="json") if isinstance(made, BaseModel) else made
                properties.get(name, {})["default"] = plain
        return schema

    def __eq__(self, other: object) -> bool:
        """Compare what was written, not what has been computed from it since."""
        if type(self) is not type(other):
            return False
        ours, theirs = vars(self), vars(other)  # without what is left out of a wrong file
        return all(ours.get(name) == theirs.get(name) for name in type(self).model_fields)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Tell a field that was left out from one that there never is."""
            if name in type(self).model_fields:
                raise MissingFieldError(name)
            return super().__getattr__(name)

    @classmethod
    def incomplete(cls, fields: Mapping[str, Any]) -> Self:
        """Return what is known of a part: some of its fields, none of them judged again.

        To ask it for another field raises `MissingFieldError`.
        """
        part = cls.model_construct()
        vars(part).clear()
        vars(part).update(fields)
        return part

    @property
    def left_out(self) -> tuple[str, ...]:
        """The fields that an incomplete part lacks."""
        return tuple(name for name in type(self).model_fields if name not in vars(self))


def plain_of(part: Any) -> Any:
    """Return a part, or parts by name, as plain content, made once and never to be changed.

    What has not changed is the same object each time.
    """
    if isinstance(part, FrozenModel):
        return part._plain
    if isinstance(part, Mapping):
        return {name: plain_of(inner) for name, inner in part.items()}
    return part


class Constant(FrozenModel):
    """One value for everybody."""

    distribution: Literal["constant"]
    value: Finite
    """The value of everybody, in the unit of what is drawn, such as 0."""

    def at(self, u: Floats) -> Floats:
        """Return the value, whatever the number.

        >>> Constant(distribution="constant", value=2).at(np.array([0.1, 0.9]))
        array([2., 2.])
        """
        return np.full(u.shape, self.value)


class Uniform(FrozenModel):
    """Every value between low and high alike."""

    distribution: Literal["uniform"]
    low: Finite
    """The least value, in the unit of what is drawn, such as 1."""
    high: Finite
    """The greatest value, in the unit of what is drawn, such as 21."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        return _in_order(self, self.low, self.high)

    def at(self, u: Floats) -> Floats:
        """Return the quantile.

        >>> Uniform(distribution="uniform", low=2, high=4).at(np.array([0.5])).item()
        3.0
        """
        return self.low + (self.high - self.low) * u

    def below(self, value: Floats) -> Floats:
        """Return the distribution function."""
        return (value - self.low) / (self.high - self.low)


class Normal(FrozenModel):
    """A normal distribution, truncated where low or high are given.

    `mean` and `sd` are those of the normal before truncation.
    """

    distribution: Literal["normal"]
    mean: Finite
    """Mean before truncation, in the unit of what is drawn, such as 63 years."""
    sd: Positive
    """Standard deviation before truncation, in the same unit, such as 14 years."""
    low: Finite | None = None
    """The least value that can occur, such as 18 years; null for none."""
    high: Finite | None = None
    """The greatest value that can occur, such as 100 years; null for none."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low = -np.inf if self.low is None else self.low
        high = np.inf if self.high is None else self.high
        if max(low - self.mean, self.mean - high) > _FARTHEST_SD * self.sd:
            raise ValueError(f"low and high must not both lie {_FARTHEST_SD:g} sd from the mean")
        if 0 < high - low < _NARROWEST * self.sd:
            raise ValueError(f"low and high must lie {_NARROWEST:g} sd apart at least")
        return _in_order(self, low, high)

    def at(self, u: Floats) -> Floats:
        """Return the quantile.

        >>> Normal(distribution="normal", mean=1, sd=2).at(np.array([0.5])).item()
        1.0
        """
        if self.low is None and self.high is None:
            return self.at_score(scipy.special.ndtri(u))
        sign, below, above = self._ends
        share = below + (above - below) * (u if sign > 0 else 1 - u)
        value: Floats = self.mean + sign * self.sd * scipy.special.ndtri(share)
        least = -np.inf if self.low is None else self.low
        return value.clip(least, np.inf if self.high is None else self.high)

    def at_score(self, score: Floats) -> Floats:
        """Return the quantile at a standard normal score."""
        if self.low is None and self.high is None:
            return self.mean + self.sd * score
        return self.at(scipy.special.ndtr(score))

    def below(self, value: Floats) -> Floats:
        """Return the distribution function."""
        sign, below, above = self._ends
        share: Floats = scipy.special.ndtr(sign * (value - self.mean) / self.sd)
        share = (share - below) / (above - below)
        return share if sign > 0 else 1 - share

    @property
    def _ends(self) -> tuple[float, float, float]:
        """Sign of the tail that is looked from, and the shares at the bounds seen from there.

        Above the mean one looks from above, because shares near 1 have lost their digits.
        """
        sign, ends = 1.0, (self.low, self.high)
        if self.low is not None and self.low > self.mean:
            sign, ends = -1.0, (self.high, self.low)
        scores = (
            infinite if end is None else sign * (end - self.mean) / self.sd
            for end, infinite in zip(ends, (-np.inf, np.inf), strict=True)
        )
        below, above = map(float, map(scipy.special.ndtr, scores))
        return sign, below, above


class LogNormal(FrozenModel):
    """The exponential of a normal: `median`, and `log_sd`, the SD of the natural logarithm."""

    distribution: Literal["lognormal"]
    median: Positive
    """Median, in the unit of what is drawn, such as 10 hours."""
    log_sd: Annotated[Positive, Field(le=10)]
    """Standard deviation of the natural logarithm, without a unit, such as 0.6."""

    def at(self, u: Floats) -> Floats:
        """Return the quantile.

        >>> LogNormal(distribution="lognormal", median=6, log_sd=1).at(np.array([0.5])).item()
        6.0
        """
        return self.at_score(scipy.special.ndtri(u))

    def at_score(self, score: Floats) -> Floats:
        """Return the quantile at a standard normal score."""
        value: Floats = self.median * np.exp(self.log_sd * score)
        return value


class Exponential(FrozenModel):
    """Waiting times with a constant hazard."""

    distribution: Literal["exponential"]
    mean: Positive
    """Mean, in the unit of what is drawn, such as 15 days."""

    def at(self, u: Floats) -> Floats:
        """Return the quantile.

        >>> Exponential(distribution="exponential", mean=1).at(np.array([1 - np.exp(-2)])).round(9)
        array([2.])
        """
        return -self.mean * np.log1p(-u)


class Gamma(FrozenModel):
    """A gamma distribution by its mean and coefficient of variation (SD over mean)."""

    distribution: Literal["gamma"]
    mean: Positive
    """Mean, in the unit of what is drawn, such as 22 cm3."""
    coefficient_of_variation: Annotated[float, Field(ge=LEAST_VARIATION, le=100)]
    """Standard deviation divided by the mean, such as 0.8."""

    def at(self, u: Floats) -> Floats:
        """Return the quantile.

        >>> gamma = Gamma(distribution="gamma", mean=3, coefficient_of_variation=1)  # exponential
        >>> gamma.at(np.array([1 - np.exp(-2)])).round(9)
        array([6.])
        """
        shape = self.coefficient_of_variation**-2
        value: Floats = scipy.special.gammaincinv(shape, u) * (self.mean / shape)
        return value


class Beta(FrozenModel):
    """A beta distribution between low and high, by its mean and SD on that scale."""

    distribution: Literal["beta"]
    mean: Finite
    """Mean, in the unit of what is drawn, such as 10.4 points."""
    sd: Positive
    """Standard deviation, in the same unit, such as 16.2 points."""
    low: Finite = 0.0
    """The least value that can occur, such as 0 points."""
    high: Finite = 1.0
    """The greatest value that can occur, such as 57 points."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        _in_order(self, self.low, self.high)
        if not self.low < self.mean < self.high:
            raise ValueError(f"mean must lie between low and high, {self.low} and {self.high}")
        if self.sd < _NARROWEST * (self.high - self.low):
            raise ValueError(f"sd must be at least {_NARROWEST:g} of the way from low to high")
        if self.sd**2 >= (self.mean - self.low) * (self.high - self.mean):
            raise ValueError("sd must be below that of a two-point distribution on low and high")
        return self

    def at(self, u: Floats) -> Floats:
        """Return the quantile.

        >>> flat = Beta(distribution="beta", mean=5, sd=10 / 12**0.5, low=0, high=10)  # uniform
        >>> flat.at(np.array([0.25])).round(9)
        array([2.5])
        """
        part: Floats = scipy.special.betaincinv(*self._shapes, u)
        return self.low + (self.high - self.low) * part

    def below(self, value: Floats) -> Floats:
        """Return the distribution function."""
        share: Floats = scipy.special.betainc(
            *self._shapes, (value - self.low) / (self.high - self.low)
        )
        return share

    @property
    def _shapes(self) -> tuple[float, float]:
        width = self.high - self.low
        mean = (self.mean - self.low) / width
        concentration = mean * (1 - mean) * (width / self.sd) ** 2 - 1
        return mean * concentration, (1 - mean) * concentration


class LogitNormal(FrozenModel):
    """A share of the way from low to high whose logit is normal; by default a probability.

    `median` is on that scale, `logit_sd` the SD of the logit.
    """

    omitted_defaults = ("low", "high")

    distribution: Literal["logit_normal"]
    median: Finite
    """Median, between low and high, such as 0.01."""
    logit_sd: Positive
    """Standard deviation of the logit, without a unit, such as 1.2."""
    low: Finite = 0.0
    """The lower end of the values, usually 0."""
    high: Finite = 1.0
    """The upper end of the values, usually 1."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        _in_order(self, self.low, self.high)
        if not self.low < self.median < self.high:
            raise ValueError(
                f"median must lie between low and high, {self.low:g} and {self.high:g}"
            )
        return self

    def at(self, u: Floats) -> Floats:
        """Return the quantile.

        >>> LogitNormal(distribution="logit_normal", median=0.2, logit_sd=1).at(np.array([0.5]))
        array([0.2])
        """
        width = self.high - self.low
        middle = scipy.special.logit((self.median - self.low) / width)
        return self.low + width * scipy.special.expit(
            middle + self.logit_sd * scipy.special.ndtri(u)
        )


class Bernoulli(FrozenModel):
    """A flag that is raised with a probability; low numbers raise it."""

    distribution: Literal["bernoulli"]
    probability: Probability
    """Probability of true, such as 0.05."""

    def at(self, u: Floats) -> Floats:
        """Return 1 where the flag is raised, 0 elsewhere.

        >>> Bernoulli(distribution="bernoulli", probability=0.3).at(np.array([0.2, 0.4]))
        array([1., 0.])
        """
        return (u < self.probability).astype(np.float64)


class Categorical(FrozenModel):
    """Named levels with probabilities that add to one."""

    distribution: Literal["categorical"]
    levels: dict[str, Probability] = Field(min_length=1, max_length=_MOST_LEVELS)
    """The probability of each level by its name, such as {female: 0.36, male: 0.64}; they sum to
    1."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in self.levels if name.strip().lower() in READ_AS_MISSING]
        if missing:
            raise ValueError(f'no level may be called "{missing[0]}": tables read it as missing')
        return _adds_to_one(self, sum(self.levels.values()))

    def at(self, u: Floats) -> Floats:
        """Return the position of the level in the order in which the levels are written.

        >>> sex = Categorical(distribution="categorical", levels={"female": 0.4, "male": 0.6})
        >>> sex.at(np.array([0.1, 0.5]))
        array([0., 1.])
        """
        return _steps(u, np.cumsum(list(self.levels.values())))


class Discrete(FrozenModel):
    """Whole numbers with probabilities that add to one, such as the grades of a scale."""

    distribution: Literal["discrete"]
    values: dict[int, Probability] = Field(min_length=1, max_length=_MOST_LEVELS)
    """The probability of each whole number, such as {0: 0.75, 1: 0.25}; they sum to 1."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if list(self.values) != sorted(self.values):
            raise ValueError("values must be written in increasing order")
        return _adds_to_one(self, sum(self.values.values()))

    def at(self, u: Floats) -> Floats:
        """Return the quantile.

        >>> grade = Discrete(distribution="discrete", values={0: 0.7, 1: 0.2, 5: 0.1})
        >>> grade.at(np.array([0.5, 0.8, 0.95]))
        array([0., 1., 5.])
        """
        values = np.array(list(self.values), np.float64)
        return values[_steps(u, np.cumsum(list(self.values.values()))).astype(np.intp)]


def whole_cuts(distribution: Uniform | Normal | Beta) -> tuple[Floats, Floats]:
    """Return the whole numbers of a distribution with whole bounds, and the shares between them.

    >>> values, shares = whole_cuts(Uniform(distribution="uniform", low=0, high=2))
    >>> values, shares  # the ends have half a step
    (array([0., 1., 2.]), array([0.25, 0.75]))

    Raises
    ------
    ValueError
        If low and high are not given, or not whole.
    """
    low, high = distribution.low, distribution.high
    if low is None or high is None or low % 1 or high % 1:
        raise ValueError("whole numbers need a whole low and a whole high")
    if high - low > _MOST_WHOLE:
        raise ValueError(f"whole numbers must lie within {_MOST_WHOLE:,} of one another")
    values = np.arange(low, high + 1)
    return values, distribution.below(values[:-1] + 0.5)


_Continuous: TypeAlias = (
    Constant | Uniform | Normal | LogNormal | Exponential | Gamma | Beta | LogitNormal
)
Continuous: TypeAlias = Annotated[_Continuous, Field(discriminator="distribution")]
Distribution: TypeAlias = Annotated[
    _Continuous | Bernoulli | Categorical | Discrete, Field(discriminator="distribution")
]


def support(distribution: Distribution) -> tuple[float, float]:
    """Return the bounds of the values that a distribution gives; a level is its position.

    >>> support(Exponential(distribution="exponential", mean=3))
    (0.0, inf)
    """
    match distribution:
        case Constant(value=value):
            return value, value
        case Uniform() | Beta() | LogitNormal():
            return distribution.low, distribution.high
        case Normal(low=least, high=most):
            return -np.inf if least is None else least, np.inf if most is None else most
        case Bernoulli():
            return 0.0, 1.0
        case Categorical(levels=levels):
            return 0.0, len(levels) - 1.0
        case Discrete(values=values):
            return float(min(values)), float(max(values))
        case LogNormal() | Exponential() | Gamma():
            return 0.0, np.inf


def _steps(u: Floats, cumulative: Floats) -> Floats:
    """Return how many of the inner cumulative probabilities each number has passed."""
    place = np.zeros(u.shape, np.int16)
    for step in cumulative[:-1]:
        place += u > step
    return place.astype(np.float64)


def _in_order(model: Model, low: float, high: float) -> Model:
    if not low < high:
        raise ValueError(f"low must be below high ({low:g} and {high:g})")
    return model


def _adds_to_one(model: Model, total: float) -> Model:
    if abs(total - 1) > PROBABILITY_SUM_TOLERANCE:
        raise ValueError(f"probabilities must add to 1 (they add to {total:.12g})")
    return model
