"""A patient's time line as a drawing: what happened when, and the scores in every arm.

Lengths are in the drawing's own units, of which it is 640 wide; time runs from left to right in
days since the midnight before randomisation.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import isnan
from typing import Final, NamedTuple

from trialsim.reporting.consort.text import text_width
from trialsim.reporting.tables.page import rendered
from trialsim.scenario.words.labels import in_words

SIZE: Final = 12.0
_WIDTH: Final = 640.0
_LEFT: Final = 84.0
_RIGHT: Final = 12.0
_BAND: Final = 26.0
_CHART: Final = 118.0
_SMALL_CHART: Final = 60.0
_MOST_LARGE: Final = 3
_LINE: Final = 18.0
_GAP: Final = 14.0
_WIDEST_MARK: Final = 8.0
_STEPS: Final = (1, 2, 5, 7, 10, 14, 20, 30, 50, 100, 200, 365, 500, 1000)
_MOST_TICKS: Final = 12


class TimelineEvent(NamedTuple):
    """Something that happened to the patient, or should have."""

    day: float
    kind: str
    """How it is marked: the status of an infusion or a visit, or the name of an event."""
    words: str


class Scores(NamedTuple):
    """The patient's scores of one outcome, in every arm."""

    label: str
    low: float
    high: float
    """The ends of the scale, or of what is drawn of it."""
    own: str
    """The patient's arm."""
    days: Sequence[float]
    """Of the visits."""
    by_arm: Mapping[str, Sequence[float]]
    """The score at each visit had the patient been in that arm, NaN where there is none."""
    measured: Sequence[bool]
    """At which visits the score was measured, in the own arm."""


@dataclass(frozen=True, slots=True)
class Days:
    """All that is drawn of a patient."""

    bands: Mapping[str, Sequence[TimelineEvent]]
    """What happened, in rows that have names."""
    scores: Sequence[Scores]


class Mark(NamedTuple):
    """A sign in a row, and what it says when it is pointed at."""

    kind: str
    x: float
    y: float
    half: float
    """Half its width."""
    words: str


class Curve(NamedTuple):
    """The scores in one arm: the own arm's is the first."""

    place: int
    points: tuple[tuple[float, float], ...]


class Chart(NamedTuple):
    """The curves of one outcome."""

    label: str
    top: float
    bottom: float
    low: float
    """The score at the bottom."""
    high: float
    curves: tuple[Curve, ...]

    def y(self, score: float) -> float:
        """Return where a score stands."""
        share = (score - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """The scores at the ends and in the middle."""
        scores = (self.low, (self.low + self.high) / 2, self.high)
        return tuple((self.y(score), f"{score:.4g}") for score in scores)


@dataclass(frozen=True, slots=True)
class Layout:
    """A time line ready to be drawn."""

    width: float
    height: float
    left: float
    right: float
    rows: tuple[tuple[float, str], ...]
    marks: tuple[Mark, ...]
    charts: tuple[Chart, ...]
    axis: float
    """The height of the axis of days."""
    days: tuple[tuple[float, str], ...]
    legend: tuple[Mark, ...]


def timeline_drawing(days: Days, title: str, description: str) -> str:
    """Return a patient's time line as an SVG document.

    Raises
    ------
    InputError
        If the extra `report` is not installed.
    """
    content = {"layout": layout(days), "title": title, "description": description, "size": SIZE}
    return rendered("patient_timeline.svg", content)


def layout(days: Days) -> Layout:
    """Return where everything stands: rows of marks, charts of scores, the axis, the legend."""
    span = _Span(_all_days(days))
    rows = [(_BAND * (place + 0.5), name) for place, name in enumerate(days.bands)]
    marks = [
        Mark(one.kind, span.x(one.day), y, span.half, one.words)
        for (y, _), row in zip(rows, days.bands.values(), strict=True)
        for one in row
    ]
    y = _BAND * len(rows)
    charts = []
    height = _CHART if len(days.scores) <= _MOST_LARGE else _SMALL_CHART
    for one in days.scores:
        charts.append(_chart(one, y + _LINE + _GAP, height, span))
        marks += _measured(one, charts[-1], span)
        y = charts[-1].bottom
    axis = y + _GAP
    legend = tuple(_legend(days, axis + 3 * _LINE))
    return Layout(
        width=_WIDTH,
        height=max(mark.y for mark in legend) + _LINE,
        left=_LEFT,
        right=_WIDTH - _RIGHT,
        rows=tuple(rows),
        marks=tuple(marks),
        charts=tuple(charts),
        axis=axis,
        days=tuple((span.x(day), f"{day:g}") for day in span.ticks()),
        legend=legend,
    )


class _Span:
    """The days that are drawn, that of randomisation among them, as a scale."""

    def __init__(self, days: Iterable[float]) -> None:
        known = [0.0, *days]
        self._first = min(known) - 0.5
        self._unit = (_WIDTH - _LEFT - _RIGHT) / (max(known) + 0.5 - self._first)
        self._last = max(known)
        self.half = min(max(0.38 * self._unit, 0.8), _WIDEST_MARK / 2)

    def x(self, day: float) -> float:
        """Return where a day stands."""
        return _LEFT + (day - self._first) * self._unit

    def ticks(self) -> Iterator[int]:
        """Yield round days, few enough to be read."""
        step = next(
            (one for one in _STEPS if (self._last - self._first) / one <= _MOST_TICKS), _STEPS[-1]
        )
        for day in count(0, step):
            if day > self._last + 0.5:
                break
            yield day


def _all_days(days: Days) -> Iterator[float]:
    for row in days.bands.values():
        yield from (one.day for one in row)
    for scores in days.scores:
        yield from scores.days


def _chart(scores: Scores, top: float, height: float, span: _Span) -> Chart:
    empty = Chart(scores.label, top, top + height, scores.low, scores.high, ())
    arms = sorted(scores.by_arm, key=lambda arm: arm != scores.own)
    curves = [
        Curve(
            place,
            tuple(
                (span.x(day), empty.y(score))
                for day, score in zip(scores.days, scores.by_arm[arm], strict=True)
                if not isnan(score)
            ),
        )
        for place, arm in enumerate(arms)
    ]
    return empty._replace(curves=tuple(curves))


def _measured(scores: Scores, chart: Chart, span: _Span) -> Iterator[Mark]:
    for day, score, seen in zip(
        scores.days, scores.by_arm[scores.own], scores.measured, strict=True
    ):
        if seen:
            words = f"measured {score:.6g}"
            yield Mark("measured", span.x(day), chart.y(score), _WIDEST_MARK / 2, words)


def _legend(days: Days, y: float) -> Iterator[Mark]:
    """Yield a mark for each kind that occurs, in lines that are no wider than the drawing."""
    kinds = dict.fromkeys(one.kind for row in days.bands.values() for one in row)
    told = [(kind, kind) for kind in kinds]
    if days.scores:
        own = days.scores[0].own
        arms = [own, *(arm for arm in days.scores[0].by_arm if arm != own)]
        told += [
            (
                f"curve-{place}",
                f"{in_words(arm)}, as allocated" if arm == own else f"if on {in_words(arm)}",
            )
            for place, arm in enumerate(arms)
        ]
        told.append(("measured", "score measured"))
    x = _LEFT
    for kind, words in told:
        half = 12.0 if kind.startswith("curve-") else _WIDEST_MARK / 2
        width = 2 * half + 6 + text_width(words, SIZE) + _GAP
        if x > _LEFT and x + width - _GAP > _WIDTH:
            x, y = _LEFT, y + _LINE
        yield Mark(kind, x + half, y, half, words)
        x += width
