"""What an analysis does with what comes after an event, and so for which estimand it can be.

The mapping is that of ICH E9(R1) (2019), A.5: an analysis is aligned with an estimand if what it
does about each kind of intercurrent event is the estimand's strategy. Scores that are missing, as a
visit was missed or the trial was left, are not such an event (A.5.1): under treatment policy they
would have counted, and imputing them is an assumption, not another estimand. Only a rule that makes
an outcome of missingness itself is one for another.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.estimands import EVENTS, Estimand, Strategy
from trialsim.scenario.plan.imputation import AT_RANDOM
from trialsim.scenario.protocol.intercurrent import (
    DISCONTINUATIONS,
    ENDS_OF_INFUSIONS,
    Event,
    Happening,
)

PER_PROTOCOL: Final = "patients with few infusions are left out (per protocol)"


class Handling(NamedTuple):
    """What an analysis does about a kind of event."""

    strategies: tuple[Strategy, ...]
    """The strategies for which it can be."""
    words: str
    """What it does, such as `a missing score counts as the worst outcome (composite)`."""


class Departure(NamedTuple):
    """A kind of event, or None for all, about which an analysis is not for an estimand."""

    event: Event | None
    why: str


def departures(
    plan: AnalysisPlan, estimand: Estimand, happening: Collection[Happening]
) -> Iterator[Departure]:
    """Yield what in a plan makes its analysis one for another estimand.

    Where visits are missed whether or not patients withdraw, a rule by which a missing score is the
    worst outcome is held to the strategy for withdrawal.

    Parameters
    ----------
    happening
        What can happen: kinds of event, and `visit_missed`.
    """
    ranked = plan.missing == "worst_rank" and "visit_missed" in happening
    held = {*happening, "withdrawal"} if ranked else happening
    for event in EVENTS:
        found = handling(plan, event)
        if event in held and estimand.strategy_of(event) not in found.strategies:
            yield Departure(event, found.words)
    if plan.minimum_infusion_share > 0 and not estimand.kinds_under("principal_stratum"):
        yield Departure(None, PER_PROTOCOL)


def handling(plan: AnalysisPlan, event: Event) -> Handling:
    """Return what a plan does about a kind of event."""
    if event in plan.test.counted_events:
        return Handling(("composite",), f"{event.replace('_', ' ')} is an event that counts")
    if event == "withdrawal":
        return _LEFT[_rule(plan, event)]
    if event == "death":
        return _dead(plan)
    if plan.minimum_infusion_share > 0 and event in DISCONTINUATIONS:
        return Handling(("principal_stratum",), PER_PROTOCOL)
    strategy, what = plan.strategy_of(event), event.replace("_", " ")
    if strategy == "hypothetical":
        rule = _rule(plan, event)
        return Handling(_GONE[rule], f"scores after {what} do not count: {_LEFT[rule].words}")
    return Handling((strategy,), _DONE[strategy].format(what=what))


_DONE: Final[Mapping[Strategy, str]] = {
    "treatment_policy": "scores after {what} count as they are (treatment policy)",
    "composite": "{what} counts as the worst outcome (composite)",
    "while_on_treatment": "the last score before {what} counts (while on treatment)",
    "principal_stratum": "patients with {what} are left out (principal stratum)",
}
"""What is done about an event after which a patient is in the trial, unless scores are missing."""


def _dead(plan: AnalysisPlan) -> Handling:
    if plan.death == "worst_rank":
        return Handling(("composite",), "a death counts as the worst outcome (composite)")
    words = "a death makes later scores missing, as leaving the trial does"
    return Handling(_GONE[_rule(plan, "death")], words)


def _rule(plan: AnalysisPlan, event: Event) -> str:
    """Return the rule for scores missing after an event, of an imputation its model.

    An imputation by reference that begins with another event is at random until then.
    """
    if plan.missing != "multiple_imputation":
        return plan.missing
    imputation = plan.imputation or AT_RANDOM
    begins = {
        "last_score": EVENTS,
        "discontinuation": ENDS_OF_INFUSIONS,
        "withdrawal": ("withdrawal", "death"),
    }
    return imputation.model if event in begins[imputation.after] else AT_RANDOM.model


def _by_reference(model: str) -> Handling:
    words = f"missing scores are imputed by {model} (treatment policy, under an assumption)"
    return Handling(("treatment_policy",), words)


_REFERENCES: Final = {
    "jump_to_reference": "jump to reference",
    "copy_reference": "copy reference",
    "copy_increments": "copy increments in reference",
}
_LEFT: Final = {
    "locf": Handling(
        ("treatment_policy", "while_on_treatment"), "the last score seen is carried forward"
    ),
    "bocf": Handling(("treatment_policy",), "the baseline score is carried forward"),
    "complete_case": Handling(
        ("treatment_policy", "hypothetical", "principal_stratum"), "missing scores are left out"
    ),
    "worst_rank": Handling(
        ("composite",), "a missing score counts as the worst outcome (composite)"
    ),
    "at_random": Handling(
        ("treatment_policy", "hypothetical"), "missing scores are imputed as missing at random"
    ),
    "likelihood": Handling(
        ("treatment_policy", "hypothetical"), "missing scores are taken as missing at random"
    ),
    "censored": Handling(
        ("treatment_policy", "hypothetical"), "patients are censored when they were last seen"
    ),
    **{model: _by_reference(words) for model, words in _REFERENCES.items()},
}
"""What each rule does about patients who leave the trial, and for which strategies it can be."""
_GONE: Final[Mapping[str, tuple[Strategy, ...]]] = {
    "locf": ("while_on_treatment",),
    "bocf": (),
    "complete_case": ("hypothetical", "principal_stratum"),
    "worst_rank": ("composite",),
    "at_random": ("hypothetical",),
    "likelihood": ("hypothetical",),
    "censored": ("hypothetical",),
    **dict.fromkeys(_REFERENCES, ("treatment_policy",)),
}
"""The strategies that each rule can be for where scores after an event do not count."""
