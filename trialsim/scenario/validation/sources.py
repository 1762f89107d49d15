"""Where each number comes from: published, derived from what is published, or assumed."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from trialsim.scenario.validation.paths import and_above
from trialsim.scenario.validation.refusal import CheckedModel, Violation

Status = Literal["published", "derived", "assumed"]


def _assumed_for_a_reason(status: Status, note: str | None) -> Iterator[Violation]:
    if status == "assumed" and note is None:
        yield Violation("note", "must give the reason for an assumption")


def _known_from_somewhere(status: Status, reference: str | None) -> Iterator[Violation]:
    if status != "assumed" and reference is None:
        yield Violation("reference", f"must be given for what is {status}")


class Source(CheckedModel):
    """The status of a number or of every number below a path, and its source."""

    rules = (_assumed_for_a_reason, _known_from_somewhere)

    status: Status
    """Whether a number is published, derived from what is published, or assumed."""
    reference: str | None = None
    """A key of the scenario's references."""
    note: str | None = Field(default=None, min_length=1)
    """How it was derived, or why it was assumed."""


UNSOURCED = Source(status="assumed", note="no source is given")


def source_of(path: str, sources: Mapping[str, Source]) -> Source:
    """Return the source written for a path or for the longest path above it.

    >>> sources = {"design": Source(status="assumed", note="a plan")}
    >>> source_of("design.patients", sources).note
    'a plan'
    >>> source_of("operations.infusion_minutes", sources).note
    'no source is given'
    """
    return sources.get(_nearest_source(path, sources), UNSOURCED)


def sources_after(
    changed: Collection[str],
    standing: Collection[str],
    old: Mapping[str, Any],
    brought: Mapping[str, Any],
    note: str,
) -> dict[str, Any]:
    """Return the sources of a study some of whose values were changed.

    A source speaks for the value it was written for, so no changed value keeps its old one: it
    takes the one that the change brings, or is assumed, with a note. `changed` are the paths of
    all changes, `standing` those paths that are still there.

    >>> old = {"design": {"status": "published", "reference": "protocol"}}
    >>> path = ["design.patients"]
    >>> sources_after(path, path, old, {}, "a what-if")["design.patients"]
    {'status': 'assumed', 'note': 'a what-if'}
    """
    kept = {
        path: source
        for path, source in old.items()
        if not any(above in changed for above in and_above(path))
    }
    marked = {}
    for path in changed:
        stale, fresh = _nearest_source(path, kept), _nearest_source(path, brought)
        if path in standing and not fresh:
            marked[path] = {"status": "assumed", "note": note}
        elif path in standing and len(stale) > len(fresh):
            marked[path] = brought[fresh]
    return {**kept, **marked, **brought}


def _nearest_source(path: str, sources: Mapping[str, Any]) -> str:
    """Return the longest path, from the given one up, that has a source, or ""."""
    return next((name for name in and_above(path) if name in sources), "")
