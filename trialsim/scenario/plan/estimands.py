"""Which effect is meant: what becomes of a patient's outcome after each intercurrent event.

The words are those of ICH E9(R1) (2019), A.3.2. Treatment, variable and summary are those of an
analysis; an estimand adds what is done about each kind of event, and so whose effect it is.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias, get_args

from pydantic import Field

from trialsim.scenario.protocol.intercurrent import Event, TreatmentEvent
from trialsim.scenario.validation.refusal import CheckedModel, Violation

Strategy: TypeAlias = Literal[
    "treatment_policy", "hypothetical", "composite", "while_on_treatment", "principal_stratum"
]
EVENTS: Final[tuple[Event, ...]] = get_args(Event)
STRATEGIES: Final[tuple[Strategy, ...]] = get_args(Strategy)
TREATMENT_EVENTS: Final[tuple[TreatmentEvent, ...]] = get_args(TreatmentEvent)


def strategy_named(intercurrent: Mapping[Any, Strategy], kind: Event) -> Strategy | None:
    """Return the strategy that is named for a kind of event, None where none is.

    A discontinuation because of the drug is one like any other, unless it is named.

    >>> strategy_named({"discontinuation": "composite"}, "drug_related_discontinuation")
    'composite'
    """
    usual = None
    if kind == "drug_related_discontinuation":
        usual = intercurrent.get("discontinuation")
    return intercurrent.get(kind, usual)


def _the_dead_have_no_treatment_policy(intercurrent: Mapping[str, str]) -> Iterator[Violation]:
    if intercurrent.get("death") == "treatment_policy":
        rule = (
            "cannot be treatment_policy: no score follows a death; use composite, hypothetical, "
            "while_on_treatment or principal_stratum"
        )
        yield Violation("intercurrent.death", rule, "treatment_policy")


def _the_stratum_is_used(intercurrent: Mapping[str, str], stratum: str) -> Iterator[Violation]:
    if stratum != "neither_arm" and "principal_stratum" not in intercurrent.values():
        rule = "must be left at neither_arm where no event has the strategy principal_stratum"
        yield Violation("stratum", rule, stratum)


class Estimand(CheckedModel):
    """The effect that is to be estimated, by what is done about each kind of intercurrent event."""

    rules = (_the_dead_have_no_treatment_policy, _the_stratum_is_used)
    omitted_defaults = ("stratum",)

    intercurrent: dict[Event, Strategy] = Field(default_factory=dict)
    """By kind of event, such as discontinuation, the strategy for it: treatment_policy, the score
    whatever happened; hypothetical, the score had the event not happened; composite, the event
    ranks below every score; while_on_treatment, the score at the last visit before the event; or
    principal_stratum, patients without the event alone. What is left out is treatment_policy, a
    death composite, a drug_related_discontinuation as a discontinuation."""
    stratum: Literal["neither_arm", "treated_arm"] = "neither_arm"
    """Who is in the principal stratum: those without the event whichever arm they were in, usually,
    or those without it on the treated arm."""

    def strategy_of(self, kind: Event) -> Strategy:
        """Return what is done about a kind of event.

        >>> Estimand(intercurrent={"discontinuation": "hypothetical"}).strategy_of("death")
        'composite'
        """
        usual: Strategy = "composite" if kind == "death" else "treatment_policy"
        return strategy_named(self.intercurrent, kind) or usual

    def kinds_under(self, strategy: Strategy) -> tuple[Event, ...]:
        """Return the kinds of event that have a strategy.

        >>> Estimand().kinds_under("composite")
        ('death',)
        """
        return tuple(kind for kind in EVENTS if self.strategy_of(kind) == strategy)


def standard_estimands(death: Strategy) -> dict[str, Estimand]:
    """Return an estimand for each strategy towards what ends treatment, by the strategy's name.

    >>> standard_estimands("composite")["hypothetical"].kinds_under("treatment_policy")
    ('withdrawal',)
    """
    return {
        strategy: Estimand(
            intercurrent={**dict.fromkeys(TREATMENT_EVENTS, strategy), "death": death}
        )
        for strategy in STRATEGIES
    }
