"""Deaths that a scale may count and that are events of their own beside it."""

from trialsim.scenario.outcomes.courses import Proportions
from trialsim.scenario.programme import Study, trials_of


def counted_twice(study: Study) -> tuple[str, ...]:
    """Return a warning for each trial whose primary scale has a worst grade, and deaths beside it.

    Grade 6 of the modified Rankin Scale is death. With a probability of its own, and with deaths as
    events that rank below all grades, more die than either says, in two ranks.

    >>> import trialsim as ts
    >>> counted_twice(ts.load("cars1"))
    ()
    """
    found = []
    for name, trial in trials_of(study).items():
        endpoint, death = trial.analysis.endpoint, trial.operations.death.probability
        outcome = trial.outcomes[endpoint]
        if not isinstance(outcome.course, Proportions) or not death:
            continue
        place, worst = (0, outcome.low) if outcome.better == "higher" else (-1, outcome.high)
        if share := outcome.course.end[place]:
            found.append(
                f"{name}: outcomes.{endpoint}.course.end gives the worst grade, {worst:g}, a "
                f"proportion of {share:g}, and operations.death has a probability of {death:g}: if "
                "that grade is death, the dead count twice; set one of the two to 0"
            )
    return tuple(found)
