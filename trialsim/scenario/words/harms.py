"""Effects of a study that are harms, which may be meant, or a value on another scale."""

from trialsim.scenario.outcomes.effects import effect_sizes, favours_control
from trialsim.scenario.outcomes.outcome import NO_EFFECT
from trialsim.scenario.programme import Study, trials_of
from trialsim.scenario.scenario import Scenario


def harms(study: Study) -> tuple[str, ...]:
    """Return a warning for each effect that makes patients worse.

    Of the drug those on primary outcomes, of rescue treatments those on any.

    >>> import trialsim as ts
    >>> harms(ts.load("cars1"))
    ()
    """
    found = []
    for name, trial in trials_of(study).items():
        endpoint = trial.analysis.endpoint
        outcome = trial.outcomes[endpoint]
        if favours_control(outcome):
            effect = outcome.effect
            found.append(
                f"{name}: outcomes.{endpoint}.effect: {effect.anchor} {effect.value:g} favours the "
                f"control (Mann-Whitney effect {effect_sizes(outcome).theta:.4f}); power counts "
                "only rejections in favour of the treated"
            )
        found += [f"{name}: {warning}" for warning in _of_rescue(trial)]
    return tuple(found)


def _of_rescue(trial: Scenario) -> list[str]:
    rescue = trial.operations.rescue
    return [
        f"operations.rescue.effects.{outcome}: {effect.anchor} {effect.value:g} makes the patients "
        "worse who are rescued"
        for outcome, effect in rescue.effects.items()
        if rescue.probability > 0 and effect.value < NO_EFFECT[effect.anchor]
    ]
