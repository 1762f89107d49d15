"""Where each number comes from: published, derived from what is published, or assumed."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from trialsim.distributions import Described
from trialsim.scenario.refusal import Refusal, refuse

Status = Literal["published", "derived", "assumed"]


class Source(Described):
    """The status of a number or of every number below a path, and what it rests on."""

    status: Status
    reference: str | None = None
    """A key of the scenario's references."""
    note: str | None = Field(default=None, min_length=1)
    """How it was derived, or why it was assumed."""

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if self.status == "assumed" and self.note is None:
            refuse([Refusal("note", "must give the reason for an assumption")])
        if self.status != "assumed" and self.reference is None:
            refuse([Refusal("reference", f"must be given for what is {self.status}")])
        return self


UNSOURCED = Source(status="assumed", note="no source is given")


def source_of(path: str, sources: Mapping[str, Source]) -> Source:
    """Return the source written for a path or for the longest path above it.

    >>> sources = {"design": Source(status="assumed", note="a plan")}
    >>> source_of("design.patients", sources).note
    'a plan'
    >>> source_of("operations.infusion_minutes", sources).note
    'no source is given'
    """
    parts = path.split(".")
    above = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((sources[name] for name in above if name in sources), UNSOURCED)
