"""Effects of a study that are harms, which may be meant, or a value on another scale."""

from trialsim.scenario.outcomes.effects import effect_sizes, favours_control
from trialsim.scenario.programme import Study, trials_of


def harms(study: Study) -> tuple[str, ...]:
    """Return a warning for each trial whose primary outcome is worse with the drug than without.

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
    return tuple(found)
