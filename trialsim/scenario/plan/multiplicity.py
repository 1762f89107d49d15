"""Which analyses are tested together, and how the level is shared between them.

A word is a short form: `multiplicity: holm` tests the primary analysis first, at the full level,
and then the secondary ones by Holm's procedure. Otherwise it is a mapping that says `procedure`:
families in order, or a graph of weights and transitions.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from trialsim.distributions import FrozenModel
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Name,
    OpenProbability,
    Probability,
    Violation,
    named_once,
)

ANY: Final = "any"
ALL: Final = "all"
TOGETHER: Final = (ANY, ALL)
"""What is said of all analyses that are tested together, and so is no name of one."""
_ROUNDING: Final = 1e-9
_MOST: Final = {"bonferroni": 64, "simes": 12, "parametric": 6}
"""Analyses in a graph, by the test of its intersections, of which there are 2 to that power."""

NESTED: Final = ("spiessens_debois", "song_chi")
"""Procedures of the overall population and a subgroup of it."""
_WEIGHTED: Final = ("fallback", *NESTED)

Adjustment: TypeAlias = Literal["bonferroni", "holm", "hochberg", "hommel", "fixed_sequence"]
Word: TypeAlias = Literal["none", Adjustment]
Weights: TypeAlias = dict[Name, Probability]


def _each_once(analyses: tuple[str, ...]) -> Iterator[Violation]:
    yield from named_once("analyses", "analysis", analyses)


def _truncated(procedure: str, truncation: float) -> Iterator[Violation]:
    if truncation < 1 and procedure not in ("holm", "hochberg"):
        rule = f"must be 1 with {procedure}: only holm and hochberg are truncated"
        yield Violation("truncation", rule, truncation)


def _weighted(
    procedure: str, weights: Weights | None, analyses: tuple[str, ...]
) -> Iterator[Violation]:
    if procedure in NESTED:
        yield from _share_of_the_overall(procedure, weights, analyses)
        return
    if weights is None:
        return
    if procedure != "fallback":
        rule = f"must be left out with {procedure}: only {', '.join(_WEIGHTED)} have them"
        yield Violation("weights", rule)
        return
    for name in {**weights, **dict.fromkeys(analyses)}:
        if name not in weights or name not in analyses:
            yield Violation("weights", "must be those of the analyses of the family", name)
    yield from _at_most_one("weights", weights)


def _share_of_the_overall(
    procedure: str, weights: Weights | None, analyses: tuple[str, ...]
) -> Iterator[Violation]:
    if len(set(analyses)) != 2:
        rule = f"must be two with {procedure}: the overall population and then a subgroup"
        yield Violation("analyses", rule, ", ".join(analyses))
        return
    overall, subgroup = analyses
    share = (weights or {}).get(overall, 0.0)
    if set(weights or ()) != {overall} or not 0 < share < 1:
        rule = (
            f"must give the share of the overall population alone, such as {{{overall}: 0.8}}: "
            f"that of {subgroup} follows from the correlation"
        )
        yield Violation("weights", rule)


def _lenient(procedure: str, lenient: float | None) -> Iterator[Violation]:
    if procedure == "song_chi" and lenient is None:
        rule = "must be given with song_chi: the p-value of the overall population, such as 0.2"
        yield Violation("lenient", rule)
    elif procedure != "song_chi" and lenient is not None:
        rule = f"must be left out with {procedure}: only song_chi has a lenient level"
        yield Violation("lenient", rule, lenient)


def _at_most_one(path: str, shares: Mapping[str, float]) -> Iterator[Violation]:
    total = sum(shares.values())
    if total > 1 + _ROUNDING:
        yield Violation(path, "must be at most 1 together", total)


class Family(CheckedModel):
    """Analyses that are tested together, once the families before them leave any level."""

    rules = (_each_once, _truncated, _weighted, _lenient)
    omitted_defaults = ("truncation", "weights", "lenient")

    analyses: Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]
    """The analyses of the family, such as [primary, high_dose]; in order for fixed_sequence and
    fallback; of spiessens_debois and song_chi the overall population, then the subgroup."""
    procedure: Literal[
        Adjustment, "fallback", "dunnett", "step_down_dunnett", "spiessens_debois", "song_chi"
    ]
    """How their p-values are adjusted within the family, such as holm."""
    truncation: Probability = 1.0
    """How much of a truncated procedure is not Bonferroni's: below 1, such as 0.5, each rejection
    passes a part of the level on to the next family; 1 passes all on once all are rejected."""
    weights: Weights | None = None
    """Shares of the level by analysis, of fallback; null for equal ones. Of spiessens_debois and
    song_chi that of the overall population alone, such as {primary: 0.8}."""
    lenient: OpenProbability | None = None
    """The p-value of the overall population up to which song_chi tests the subgroup, such as
    0.2."""

    @property
    def shares(self) -> tuple[float, ...]:
        """The weights in the order of the analyses; of a subgroup within all that of all alone."""
        if self.procedure in NESTED:
            return tuple((self.weights or {}).values())
        equal = dict.fromkeys(self.analyses, 1 / len(self.analyses))
        known = equal if self.weights is None else self.weights
        return tuple(known[name] for name in self.analyses)


class Serial(FrozenModel):
    """The primary analysis first at the full level, then the secondary ones by one procedure."""

    procedure: Word
    """How the p-values of the secondary analyses are adjusted; none leaves all as they are."""

    def families_of(self, secondary: Mapping[str, Any]) -> dict[str, Family]:
        """Return the families that the word stands for."""
        if self.procedure == "none" or not secondary:
            return {}
        names = tuple(secondary)
        return {
            PRIMARY: Family(analyses=(PRIMARY,), procedure="fixed_sequence"),
            "secondary": Family(analyses=names, procedure=self.procedure),
        }

    def named(self, secondary: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the analyses whose results count together: the secondary ones."""
        return tuple(secondary)


def _in_one_family(families: Mapping[str, Family]) -> Iterator[Violation]:
    seen: dict[str, str] = {}
    for name, family in families.items():
        for analysis in family.analyses:
            if seen.setdefault(analysis, name) != name:
                rule = f"must not be in two families (it is in {seen[analysis]} too)"
                yield Violation(f"families.{name}.analyses", rule, analysis)


class Families(CheckedModel):
    """Families of analyses, tested in order (gatekeeping)."""

    rules = (_in_one_family,)

    procedure: Literal["families"]
    families: Annotated[dict[Name, Family], Field(min_length=1)]
    """Families by name, in the order in which they are tested; a family has what those before it
    leave of the level."""

    def families_of(self, secondary: Mapping[str, Any]) -> dict[str, Family]:
        """Return the families."""
        return self.families

    def named(self, secondary: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the analyses of all families."""
        return tuple(one for family in self.families.values() for one in family.analyses)


def _shares_of_the_level(
    weights: Weights, transitions: Mapping[str, Weights | None]
) -> Iterator[Violation]:
    yield from _at_most_one("weights", weights)
    for name, row in transitions.items():
        shares = row or {}
        yield from _at_most_one(f"transitions.{name}", shares)
        if name in shares:
            yield Violation(f"transitions.{name}.{name}", "must be another analysis", name)


def _all_are_reached(
    weights: Weights, transitions: Mapping[str, Weights | None]
) -> Iterator[Violation]:
    named = _of_graph(weights, transitions)
    reached = [name for name, share in weights.items() if share > 0]
    for name in reached:
        after = transitions.get(name) or {}
        reached += [one for one, share in after.items() if share > 0 and one not in reached]
    for name in named:
        if name not in reached:
            rule = "must have a weight, or a transition from what has one: no level ever reaches it"
            yield Violation("transitions", rule, name)


def _not_too_many(
    intersections: str, weights: Weights, transitions: Mapping[str, Weights | None]
) -> Iterator[Violation]:
    count, most = len(_of_graph(weights, transitions)), _MOST[intersections]
    if count > most:
        rule = f"must be bonferroni for more than {most} analyses (here {count})"
        yield Violation("intersections", rule, intersections)


def _of_graph(weights: Weights, transitions: Mapping[str, Weights | None]) -> tuple[str, ...]:
    inside = (one for row in transitions.values() for one in row or {})
    return tuple(dict.fromkeys([*weights, *transitions, *inside]))


class GraphPlan(CheckedModel):
    """A graph: a rejected analysis passes its share of the level on (Bretz et al. 2009)."""

    rules = (_shares_of_the_level, _all_are_reached, _not_too_many)
    omitted_defaults = ("intersections",)

    procedure: Literal["graph"]
    weights: Annotated[Weights, Field(min_length=1)]
    """Shares of the level before anything is rejected, by analysis, such as {primary: 1}."""
    transitions: dict[Name, Weights] = Field(default_factory=dict)
    """Which share of its level a rejected analysis passes to which other, such as
    {primary: {nihss: 0.5, mrs: 0.5}}."""
    intersections: Literal["bonferroni", "simes", "parametric"] = "bonferroni"
    """The test of several analyses together: bonferroni, valid always; simes, for independent or
    positively dependent tests; parametric, for doses against one control, by their correlation."""

    def families_of(self, secondary: Mapping[str, Any]) -> dict[str, Family]:
        """Return no families: the graph says it all."""
        return {}

    def named(self, secondary: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the analyses of the graph."""
        return _of_graph(self.weights, self.transitions)


AnyMultiplicity: TypeAlias = Serial | Families | GraphPlan


def _from_a_word(written: Any) -> Any:
    return {"procedure": written} if isinstance(written, str) else written


def _shortest(multiplicity: AnyMultiplicity) -> Any:
    """Return the word of a short form, else all that is said."""
    if isinstance(multiplicity, Serial):
        return multiplicity.procedure
    return multiplicity.model_dump(mode="json")


_Mapping = Annotated[AnyMultiplicity, Field(discriminator="procedure")]
_Word = Annotated[str, WithJsonSchema({"type": "string", "enum": ["none", *get_args(Adjustment)]})]

Multiplicity = Annotated[
    _Mapping,
    BeforeValidator(_from_a_word, json_schema_input_type=_Word | _Mapping),
    PlainSerializer(_shortest),
]
"""How p-values are adjusted, as a scenario writes it: a word, or a mapping."""
NONE: Final = Serial(procedure="none")
