"""The items behind a total score, and how few of them an examiner must give (Lyle 1981).

The items of a subscale are written in the order in which they are given: the first is the hardest,
the second the easiest. Who does the first perfectly is credited with all; who cannot do the second
at all is credited with nothing; only to others is the rest given.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from trialsim.arrays import Floats
from trialsim.distributions import FrozenModel, NotNegative
from trialsim.scenario.outcomes.scales import Grid
from trialsim.scenario.validation.refusal import CheckedModel, Finite, Name, Positive, Violation


class Item(FrozenModel):
    """One task, scored from 0 to the highest points."""

    label: str = Field(min_length=1)
    """What the item is called, such as Block, 10 cm."""
    difficulty: Finite
    """Where the item stands among the others, from easy to hard, such as 0.5; patients gain the
    points of easy items first."""


def _hardest_then_easiest(items: Mapping[str, Item]) -> Iterator[Violation]:
    first, second, *_ = items
    by_difficulty = sorted(items, key=lambda name: items[name].difficulty)
    if items[first].difficulty < items[by_difficulty[-1]].difficulty:
        yield Violation("items", f"must begin with the hardest, {by_difficulty[-1]}", first)
    if items[second].difficulty > items[by_difficulty[0]].difficulty:
        yield Violation("items", f"must have the easiest second, {by_difficulty[0]}", second)


class Subscale(CheckedModel):
    """Items that are given together."""

    rules = (_hardest_then_easiest,)

    label: str = Field(min_length=1)
    """What the part of the scale is called, such as Grasp."""
    items: dict[Name, Item] = Field(min_length=2)
    """In the order in which they are given."""


def _names_are_single(subscales: Mapping[str, Subscale]) -> Iterator[Violation]:
    seen: set[str] = set()
    for name, subscale in subscales.items():
        for item in subscale.items:
            if item in seen:
                rule = "must not have the name of an item of another subscale"
                yield Violation(f"subscales.{name}.items.{item}", rule, item)
        seen.update(subscale.items)


class Items(CheckedModel):
    """The items of a scale, whose points add to the total score.

    A patient gains the points one by one, from easy to hard; in what order is the patient's own.
    """

    rules = (_names_are_single,)

    highest: Annotated[int, Field(ge=1, le=10)]
    """The points for an item that is done perfectly, such as 3."""
    point_difficulty: Positive
    """How much harder each further point of an item is than the one before, such as 0.5."""
    noise_sd: NotNegative
    """SD over patients of how much harder an item is for one than for another, such as 0.5."""
    minutes_per_item: Positive
    """Minutes that the examiner takes for an item that is given, such as 1."""
    subscales: dict[Name, Subscale] = Field(min_length=1)
    """The parts of the scale by name, each with its items."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every item, subscale by subscale."""
        return tuple(item for subscale in self.subscales.values() for item in subscale.items)

    @property
    def places(self) -> tuple[range, ...]:
        """The places of each subscale's items among the names."""
        ends = np.cumsum([len(subscale.items) for subscale in self.subscales.values()]).tolist()
        return tuple(map(range, [0, *ends[:-1]], ends))

    @property
    def difficulties(self) -> Floats:
        """How hard each point of each item is, shape (item, point)."""
        items = [item for subscale in self.subscales.values() for item in subscale.items.values()]
        of_item = np.array([item.difficulty for item in items])
        hard: Floats = of_item[:, None] + self.point_difficulty * np.arange(self.highest)
        return hard

    def violations(self, grid: Grid) -> Iterator[Violation]:
        """Yield why the items' points do not add to the scores of a scale."""
        most = self.highest * len(self.names)
        if (grid.low, grid.step, grid.high) != (0, 1, most):
            rule = f"must add to the scale: {len(self.names)} items give 0 to {most} points"
            yield Violation("subscales", rule, f"{grid.low:g} to {grid.high:g} by {grid.step:g}")
