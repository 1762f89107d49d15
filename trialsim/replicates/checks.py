"""What must hold of a study, one trial or a programme of several, before any replicate is run."""

from dataclasses import replace
from typing import Final, Literal

from trialsim.errors import InputError, Problem, RecruitmentError
from trialsim.scenario.programme import Programme, Study
from trialsim.trial import trial
from trialsim.trial.trial import Engine, candidates_needed

MOST_REPLICATES: Final = 100_000_000
"""Of one study: their Monte Carlo standard error of a power is at most 0.00005."""


def check_count(replicates: int) -> None:
    """Refuse more replicates than anybody could wait for.

    Raises
    ------
    InputError
        If there are too many.
    """
    if replicates > MOST_REPLICATES:
        rule = f"must be at most {MOST_REPLICATES:,}"
        raise InputError([Problem("replicates", rule, str(replicates))])


def chosen_engine(study: Study, engine: Engine) -> Literal["events", "vector"]:
    """Return the engine that runs a study; a programme runs by events if one of its trials must.

    Raises
    ------
    InputError
        If the engine is unknown, or the vector engine is asked to run what couples patients.
    """
    if not isinstance(study, Programme):
        return trial.chosen_engine(study, engine)
    used = set()
    for name, scenario in study.scaled_trials.items():
        try:
            used.add(trial.chosen_engine(scenario, engine))
        except InputError as error:
            told = [replace(one, rule=f"{one.rule}, in {name}") for one in error.problems]
            raise InputError(told) from None
    return "events" if "events" in used else "vector"


def check_recruitment(study: Study) -> None:
    """Refuse a study that can never recruit, before each of its replicates does.

    Raises
    ------
    RecruitmentError
        If none of the pilot candidates of a trial could be randomised.
    """
    if not isinstance(study, Programme):
        candidates_needed(study)
        return
    reasons = []
    for name, scenario in study.scaled_trials.items():
        try:
            candidates_needed(scenario)
        except RecruitmentError as error:
            reasons.append(f"{name}: {error}")
    if reasons:
        raise RecruitmentError("\n".join(reasons))
