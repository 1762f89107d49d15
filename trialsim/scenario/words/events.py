"""What the events of a study depend on, and what comes of them, in sentences."""

from collections.abc import Iterator, Mapping
from typing import Final

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.protocol.intercurrent import Event, LastingEvent, Rescue, ScoreRisk
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.values import counted

EVENTS: Final[Mapping[Event, str]] = {
    "discontinuation": "discontinuation of the infusions",
    "drug_related_discontinuation": "discontinuation because of the drug",
    "rescue": "a rescue treatment",
    "switching": "switching",
    "withdrawal": "withdrawal",
    "death": "death",
}
"""The kinds of event in the middle of a sentence."""
_SEEN: Final = {
    "last_observed": "the last score observed before (missing at random)",
    "unseen": "the score at that visit, had nothing that depends on scores happened since the "
    "visit before (missing not at random, which no data can show)",
}
_SEEN_OF_VISIT: Final = {
    "last_observed": "the last score observed before (missing at random)",
    "unseen": "the score at that visit itself (missing not at random, which no data can show)",
}


def events_in_words(scenario: Scenario) -> Iterator[str]:
    """Yield a sentence for each thing that events depend on or do, beyond their probabilities."""
    operations, outcomes = scenario.operations, scenario.outcomes
    for kind, event in operations.events.items():
        if event.probability == 0:
            continue
        what = f"The odds of {EVENTS[kind]} between two visits"
        yield from _by_scores(what, event.scores, outcomes, _SEEN)
        if isinstance(event, LastingEvent):
            yield from _fading(kind, event.drug_effect_half_life_days)
        if isinstance(event, Rescue):
            yield from _effects(event, outcomes)
    switching = operations.switching
    if switching.probability > 0 and switching.to is not None:
        label = scenario.design.arms[switching.to].label
        yield (
            f"After switching, infusions contain the study drug of {label}, whose own patients "
            "never switch."
        )
    if operations.visit_missed_probability > 0:
        scores = operations.visit_missed_odds.scores
        yield from _by_scores("The odds that a visit is missed", scores, outcomes, _SEEN_OF_VISIT)


def _by_scores(
    what: str,
    scores: Mapping[str, ScoreRisk],
    outcomes: Mapping[str, Outcome],
    seen: Mapping[str, str],
) -> Iterator[str]:
    for name, risk in scores.items():
        if risk.log_odds_per_unit:
            outcome = outcomes[name]
            yield (
                f"{what} change by {risk.log_odds_per_unit:+g} on the logarithm for one more on "
                f"{outcome.label} (reference {risk.reference:g} {outcome.unit}): by "
                f"{seen[risk.seen]}."
            )


def _fading(kind: Event, half_life: float | None) -> Iterator[str]:
    if half_life is not None:
        lost = "lost at once" if half_life == 0 else f"halved in every {counted(half_life, 'days')}"
        yield f"What effect the drug has at {EVENTS[kind]} is {lost} from then on."


def _effects(rescue: Rescue, outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    for name, effect in rescue.effects.items():
        scale = effect.anchor.replace("_", " ").replace("theta", "Mann-Whitney effect")
        days = effect.full_after_days
        full = f", in full after {counted(days, 'days')}" if days else ""
        yield (
            f"A rescue treatment has an effect of its own on {outcomes[name].label}, in any arm: "
            f"a {scale} of {effect.value:g}{full}."
        )
