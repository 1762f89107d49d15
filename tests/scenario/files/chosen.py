"""Built-in studies that have among them every kind of part that any built-in study has."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from trialsim.distributions import FrozenModel
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.scenario import Scenario

CHOSEN: Final = (
    "cars1_mechanism",  # the drug's level acts
    "cars1_natural",  # a natural course, and rates by level
    "cars_sequential",  # looks, a credibility plan
    "dose_finding",  # doses, some weekdays, several comparisons
    "cars1_estimands",  # intercurrent events
    "casta",  # a subgroup's effect
    "alvarez2011_mcp_mod",  # an Emax course of doses
    "rat_mtbi",  # doses by weight, means by day
    "guekht2011",  # findings of several conditions
    "cars1_hierarchy",  # wins
    "cars1_recovery",  # times to an event
    "alvarez2011",  # families of analyses
    "cars1_graph",  # a graph of analyses
    "casta_severe",  # an analysis of a subgroup
    "vad_cognition",  # a t test
)


@cache
def trial_of(name: str) -> Scenario:
    """Return a built-in trial, loaded once."""
    study = load_study(name)
    assert isinstance(study, Scenario)
    return study


def kinds_in(part: Any) -> Iterator[tuple[type, str]]:
    """Yield the kind and the field of every value in a part of a study."""
    if isinstance(part, FrozenModel):
        for name in part.model_fields_set:
            yield type(part), name
            yield from kinds_in(getattr(part, name))
    elif isinstance(part, Mapping | tuple):
        for inner in part.values() if isinstance(part, Mapping) else part:
            yield from kinds_in(inner)
