"""The methods that can compare the arms, each with the choices that are its own.

One without choices is written by its name alone, `test: welch`; so is any whose choices are all
left at their defaults. Otherwise it is a mapping: `test: {method: responders, threshold: 40}`.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from trialsim.distributions import FrozenModel
from trialsim.scenario.validation.refusal import CheckedModel, Finite, Name, Violation

Permutations = Annotated[int, Field(ge=19, le=100_000)]


class MannWhitney(FrozenModel):
    """Wilcoxon-Mann-Whitney, asymptotic, midranks, tie-corrected variance."""

    method: Literal["mann_whitney"]


class ExactMannWhitney(FrozenModel):
    """Wilcoxon-Mann-Whitney against every way of dealing the patients to the arms again."""

    method: Literal["exact_mann_whitney"]


class Permutation(FrozenModel):
    """A rank statistic against random ways of dealing the patients to the arms again."""

    method: Literal["permutation"]
    statistic: Literal["mann_whitney", "brunner_munzel"]
    permutations: Permutations
    """How many are drawn; the observed one counts as one more."""


class BrunnerMunzel(FrozenModel):
    """A test of the effect alone: the arms may differ in spread."""

    method: Literal["brunner_munzel"]
    reference: Literal["t", "normal"] = "t"


class AdjustedRank(FrozenModel):
    """The Mann-Whitney effect, adjusted for the chance imbalance of covariates."""

    method: Literal["adjusted_rank"]
    covariates: Annotated[dict[Name, Literal["rank", "mean"]], Field(min_length=1)]
    """How the arms are compared in each: by its own ranks or by its means."""
    variance: Literal["placement", "u-statistic"] = "placement"


def _named_once(outcomes: tuple[str, ...]) -> Iterator[Violation]:
    for name in {name: None for name in outcomes if outcomes.count(name) > 1}:
        yield Violation("outcomes", "must name each outcome once", name)


Outcomes = Annotated[tuple[Name, ...], Field(strict=False, min_length=2)]


class WeiLachin(CheckedModel):
    """The multivariate directional test: the mean of the effects on several outcomes."""

    rules = ((("outcomes",), _named_once),)

    method: Literal["wei_lachin"]
    outcomes: Outcomes
    weighting: Literal["equal", "standardised", "least-squares"] = "equal"
    variance: Literal["placement", "null"] = "placement"


class OBrien(CheckedModel):
    """Each patient's ranks over several outcomes are added, and the sums compared."""

    rules = ((("outcomes",), _named_once),)

    method: Literal["obrien"]
    outcomes: Outcomes


class TTest(FrozenModel):
    """Student's t test."""

    method: Literal["t_test"]


class Welch(FrozenModel):
    """Welch's t test."""

    method: Literal["welch"]


class Ancova(FrozenModel):
    """Least squares of the score on arm and baseline score."""

    method: Literal["ancova"]


class Responders(FrozenModel):
    """Shares of patients at or beyond a threshold."""

    method: Literal["responders"]
    threshold: Finite
    """Points of the score, or of its change; who has it exactly responds."""


class ProportionalOdds(FrozenModel):
    """One odds ratio for all cells of the scale; too slow for many thousand trials."""

    method: Literal["proportional_odds"]


RANK_METHODS = (MannWhitney, ExactMannWhitney, Permutation, BrunnerMunzel)
"""They test the Mann-Whitney effect of two unadjusted samples."""
MEAN_METHODS = (TTest, Welch, Ancova)
"""They need a number from every patient: a rank below all others is none."""

AnyMethod: TypeAlias = (
    MannWhitney
    | ExactMannWhitney
    | Permutation
    | BrunnerMunzel
    | AdjustedRank
    | WeiLachin
    | OBrien
    | TTest
    | Welch
    | Ancova
    | Responders
    | ProportionalOdds
)


def _from_its_name(written: Any) -> Any:
    return {"method": written} if isinstance(written, str) else written


def _shortest(method: AnyMethod) -> Any:
    """Return the name alone of a method that has no choices, else all that it says."""
    content = method.model_dump()
    return content if len(content) > 1 else method.method


_NAMES = tuple(
    name for one in get_args(AnyMethod) for name in get_args(one.model_fields["method"].annotation)
)
_Mapping = Annotated[AnyMethod, Field(discriminator="method")]
_Name = Annotated[str, WithJsonSchema({"type": "string", "enum": list(_NAMES)})]

Method = Annotated[
    _Mapping,
    BeforeValidator(_from_its_name, json_schema_input_type=_Name | _Mapping),
    PlainSerializer(_shortest),
]
"""A method as a scenario writes it: a name, or a mapping that says `method`."""
