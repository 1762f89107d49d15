"""What the author of a study says for its report: words and scenarios that change nothing in it."""

from typing import Annotated, Any, Literal

from pydantic import Field

from trialsim.scenario.validation.refusal import CheckedModel, Name

_Words = Annotated[str, Field(min_length=1)]


class NamedScenario(CheckedModel):
    """A study with other values, and why it is looked at."""

    kind: Literal["effect", "no_effect"]
    """`effect` gives power, `no_effect` the type I error: no arm then has any effect, or of a plan
    that tests a margin the effect is at it."""
    because: _Words
    """Why it is among the scenarios, as the report prints it."""
    changes: dict[str, Any] = Field(default_factory=dict)
    """Path and value of what differs from the study, such as `design.patients: 240`."""


class Credibility(CheckedModel):
    """What ICH M15 asks of whoever relies on a model, in the words of the study's author."""

    question: _Words | None = None
    """The question of interest that the simulation helps to answer."""
    context_of_use: _Words | None = None
    """What the simulation is used for, and what it is not used for."""
    influence: _Words | None = None
    """How much the decision depends on the simulation rather than on other evidence."""
    consequence: _Words | None = None
    """What follows for patients and for the programme if the decision is wrong."""


class ReportPlan(CheckedModel):
    """What the report of a study has from its author."""

    scenarios: Annotated[dict[Name, NamedScenario], Field(max_length=50)] = Field(
        default_factory=dict
    )
    """The study with other values, by name, in the order of the report."""
    credibility: Credibility = Field(default_factory=Credibility)
    """What the simulation is relied on for, and how much."""
