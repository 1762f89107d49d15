"""Where everything stands in a flow diagram: boxes grow with their text, so nothing overlaps.

Lengths are in the drawing's own units, of which a line of text takes 16 and a diagram of two or
three arms 640. Enrolment runs down the middle with the excluded beside it; below, each arm has a
column, and the boxes of a stage begin at one height.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from trialsim.reporting.consort.flow import Count, Entry, Flow
from trialsim.reporting.consort.text import wrapped

SIZE: Final = 12.0
"""Of the text."""
_LINE: Final = 16.0
_PADDING: Final = 9.0
_INDENT: Final = 12.0
_GAP: Final = 22.0
"""Between stages, where an arrow goes."""
_BETWEEN: Final = 14.0
"""Between arms."""
STAGE_WIDTH: Final = 24.0
_NARROWEST: Final = 640.0
_NARROWEST_ARM: Final = 184.0
_MOST_PARTS: Final = 8
"""Reasons of one kind that are listed one by one; the rarest are counted together."""
_SPACE: Final = "\N{NO-BREAK SPACE}"


class Text(NamedTuple):
    """A line of text; y is its baseline."""

    x: float
    y: float
    words: str
    bold: bool


class Box(NamedTuple):
    """A rectangle with its lines."""

    x: float
    y: float
    width: float
    height: float
    lines: tuple[Text, ...]

    @property
    def middle(self) -> float:
        """Where arrows enter and leave."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height


class Stage(NamedTuple):
    """A stage of the trial, told along the left edge."""

    name: str
    y: float
    height: float


Path = tuple[tuple[float, float], ...]
"""The corners of a line, the last one an arrow's head."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A diagram ready to be drawn."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[Path, ...]
    stages: tuple[Stage, ...]
    notes: tuple[Text, ...]


def layout(flow: Flow, note: str) -> Layout:
    """Return a diagram of a flow with a note below; with four arms or more it is wider than 640."""
    left = STAGE_WIDTH + _BETWEEN
    width = max(_NARROWEST, left + len(flow.arms) * (_NARROWEST_ARM + _BETWEEN) - _BETWEEN)
    assessed, excluded, randomised = _enrolment(flow, left, width - left)
    stages = {
        "Enrolment": (assessed, excluded, randomised),
        **_by_arm(flow, left, randomised.bottom + 2 * _GAP, width - left),
    }
    columns = list(stages.values())[1:]
    below = columns[-1][0].bottom + _GAP
    notes = wrapped(note, width - left, SIZE)
    return Layout(
        width=width,
        height=below + len(notes) * _LINE,
        boxes=tuple(box for boxes in stages.values() for box in boxes),
        arrows=(
            ((assessed.middle, assessed.bottom), (randomised.middle, randomised.y)),
            ((assessed.middle, _centre(excluded)), (excluded.x, _centre(excluded))),
            *_branches(randomised, columns[0]),
            *(arrow for one, other in pairwise(columns) for arrow in _down(one, other)),
        ),
        stages=tuple(_stage(name, boxes) for name, boxes in stages.items()),
        notes=tuple(
            Text(left, below + line * _LINE, words, False) for line, words in enumerate(notes)
        ),
    )


def _enrolment(flow: Flow, left: float, room: float) -> tuple[Box, Box, Box]:
    """Return the boxes of those assessed, of those excluded, beside the middle, and randomised."""
    middle, width = left + room / 2, min(room / 2, 300.0)
    waiting = () if flow.in_screening is None else (flow.in_screening,)
    assessed = _box(middle - width / 2, 1, width, (flow.assessed, *waiting))
    x = middle + _GAP
    excluded = _box(x, assessed.bottom + _BETWEEN, left + room - x - 1, (flow.excluded,))
    below = excluded.bottom + _BETWEEN
    return assessed, excluded, _box(middle - width / 2, below, width, (flow.randomised,))


def _by_arm(flow: Flow, left: float, y: float, room: float) -> dict[str, tuple[Box, ...]]:
    """Return the boxes of each stage after randomisation, one a column, of one height."""
    arms = len(flow.arms)
    width = (room - (arms - 1) * _BETWEEN) / arms
    entries: dict[str, list[tuple[Entry, ...]]] = {
        "Allocation": [(one.allocation,) for one in flow.arms],
        "Follow-up": [one.follow_up for one in flow.arms],
        "Analysis": [one.analysis for one in flow.arms],
    }
    stages = {}
    for name, of_arms in entries.items():
        places = [left + place * (width + _BETWEEN) for place in range(arms)]
        row = [_box(x, y, width, one) for x, one in zip(places, of_arms, strict=True)]
        height = max(box.height for box in row)
        stages[name] = tuple(box._replace(height=height) for box in row)
        y += height + _GAP
    return stages


def _box(x: float, y: float, width: float, entries: Sequence[Entry]) -> Box:
    room = width - 2 * _PADDING
    lines: list[Text] = []
    for entry in entries:
        for level, one in _levels(entry, 0):
            indent, bold = level * _INDENT, level == 0
            for words in wrapped(_told(one), room - indent, SIZE, bold):
                baseline = y + _PADDING + len(lines) * _LINE + SIZE
                lines.append(Text(x + _PADDING + indent, baseline, words, bold))
    return Box(x, y, width, 2 * _PADDING + len(lines) * _LINE, tuple(lines))


def _levels(entry: Entry, level: int) -> Iterator[tuple[int, Entry]]:
    """Yield an entry and all below it, the rarest of a long list together."""
    yield level, entry
    parts = entry.parts
    if len(parts) > _MOST_PARTS:
        kept = _MOST_PARTS - 1
        parts = (*parts[:kept], _together(parts[kept:]))
    for part in parts:
        yield from _levels(part, level + 1)


def _together(parts: Sequence[Entry]) -> Entry:
    """Return entries as one; there is no range of a sum of ranges, so it has none."""
    mean = sum((part.people.mean for part in parts if part.people), 0.0)
    return Entry(f"{len(parts)} rarer reasons", Count(mean, mean, mean))


def _told(entry: Entry) -> str:
    """Return a line of a box: of one trial (n = 12), of many the mean and the range."""
    if entry.people is None:
        return entry.label
    mean, low, high = entry.people
    one = low == mean == high
    number = f"{mean:,.0f}" if one and mean == round(mean) else f"{mean:,.1f}"
    span = "" if one else f";{_SPACE}{low:,.0f}{_SPACE}to{_SPACE}{high:,.0f}"
    return f"{entry.label} (n{_SPACE}={_SPACE}{number}{span})"


def _stage(name: str, boxes: Sequence[Box]) -> Stage:
    top = min(box.y for box in boxes)
    return Stage(name, top, max(box.bottom for box in boxes) - top)


def _centre(box: Box) -> float:
    return box.y + box.height / 2


def _branches(above: Box, below: Sequence[Box]) -> Iterator[Path]:
    """Yield an arrow from one box to each of several, by way of a line between."""
    fork = (above.middle, above.bottom + _GAP)
    for place, box in enumerate(below):
        stem = ((above.middle, above.bottom),) if place == 0 else ()
        yield *stem, fork, (box.middle, fork[1]), (box.middle, box.y)


def _down(above: Sequence[Box], below: Sequence[Box]) -> Iterator[Path]:
    for one, other in zip(above, below, strict=True):
        yield (one.middle, one.bottom), (other.middle, other.y)
