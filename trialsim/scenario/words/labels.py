"""Names as a reader sees them: no underscores, an outcome by its label, a path as a phrase."""

from collections.abc import Mapping
from typing import Final

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.programme import SIZE, Study
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.values import unit_of

_PATHS: Final = {"design.patients": "patients", SIZE: "size of every trial"}
_ANCHORS: Final = {"theta": "Mann-Whitney"}
_UNITS: Final = ("days", "hours", "minutes", "years", "mL", "mmHg", "cm3", "kg")
_UNSAID: Final = ("design", "operations", "covariates", "population", "value", "margin")
"""Parts of a path that say where a value stands, not what it is."""


def in_words(name: str) -> str:
    """Return a name without underscores, and SD in capitals.

    >>> in_words("day_90"), in_words("end_sd")
    ('day 90', 'end SD')
    """
    return " ".join("SD" if word == "sd" else word for word in name.split("_"))


def spoken(name: str) -> str:
    """Return a name without underscores that begins with a capital letter.

    >>> spoken("day_90")
    'Day 90'
    """
    return name[:1].upper() + in_words(name[1:])


def outcome_in_words(name: str, outcomes: Mapping[str, Outcome]) -> str:
    """Return the label of an outcome; a name that has none stands without underscores."""
    return outcomes[name].label if name in outcomes else in_words(name)


def path_in_words(path: str, study: Study | None) -> str:
    """Return what stands at a path of a study, as an axis or a title says it.

    Without a study, and in a programme, outcomes are called by their names.

    >>> from trialsim.scenario.files.studies import load_study
    >>> cars1 = load_study("cars1")
    >>> path_in_words("outcomes.arat.effect.value", cars1)
    'effect (Mann-Whitney)'
    >>> path_in_words("operations.withdrawal.probability", cars1)
    'withdrawal, probability'
    >>> path_in_words("operations.infusion_minutes", cars1)
    'infusion (minutes)'
    >>> path_in_words("outcomes", cars1)
    'outcomes'
    """
    if path in _PATHS:
        return _PATHS[path]
    trial = study if isinstance(study, Scenario) else None
    outcomes = {} if trial is None else trial.outcomes
    section, *parts = path.split(".")
    if trial is not None and section == "outcomes" and parts and parts[0] in outcomes:
        name, *inner = parts
        if inner == ["effect", "value"]:
            return _effect(name, trial)
        parts = [outcomes[name].label, *inner]
    elif section not in _UNSAID:
        parts = [section, *parts]
    named = [_with_unit(part) for part in parts if part not in _UNSAID] or [in_words(path)]
    return ", ".join(named)


def label_of(path: str, study: Study | None) -> str:
    """Return what stands at a path of a study as the first cell of a row says it.

    >>> label_of("operations.withdrawal.probability", None)
    'Withdrawal, probability'
    """
    words = path_in_words(path, study)
    return words[:1].upper() + words[1:]


def _with_unit(name: str) -> str:
    """Return a name in words, the unit in which it ends in parentheses."""
    stem = name.rpartition("_")[0]
    unit = unit_of(name)
    if not stem or "per" in name.split("_") or unit not in _UNITS:
        return in_words(name)
    return f"{in_words(stem)} ({unit})"


def _effect(name: str, trial: Scenario) -> str:
    """Return the effect on an outcome, which is named unless it is the primary endpoint."""
    outcome = trial.outcomes[name]
    scale = _ANCHORS.get(outcome.effect.anchor, in_words(outcome.effect.anchor))
    on = "" if name == trial.analysis.endpoint else f" on {outcome.label}"
    return f"effect{on} ({scale})"
