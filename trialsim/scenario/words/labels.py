"""Names as a reader sees them: no underscores, and an outcome by its label."""

from collections.abc import Mapping

from trialsim.scenario.outcomes.outcome import Outcome


def in_words(name: str) -> str:
    """Return a name without underscores.

    >>> in_words("day_90")
    'day 90'
    """
    return name.replace("_", " ")


def outcome_in_words(name: str, outcomes: Mapping[str, Outcome]) -> str:
    """Return the label of an outcome; a name that has none stands without underscores."""
    return outcomes[name].label if name in outcomes else in_words(name)
