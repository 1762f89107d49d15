"""Items are correlated with their scale and with the order in which they are given."""

from typing import Any

import pytest

from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load

NATURAL = load("cars1_natural")
ITEMS = "outcomes.arat.items"


def test_the_arat_has_its_19_items_in_four_subscales() -> None:
    items = NATURAL.outcomes["arat"].items
    assert items is not None
    sizes = {name: len(one.items) for name, one in items.subscales.items()}
    assert sizes == {"grasp": 6, "grip": 4, "pinch": 6, "gross": 3}
    assert [list(places) for places in items.places][1] == [6, 7, 8, 9]
    assert [items.names[places[0]] for places in items.places] == [
        "block_10_cm",
        "pour_water",
        "ball_bearing_third_finger",
        "hand_behind_head",
    ]


def test_items_that_are_left_out_leave_the_digest_as_it_was() -> None:
    """A study without items is the study that it was before there were any."""
    without = NATURAL.replace({ITEMS: None})
    content = without.model_dump(mode="json")
    assert "items" not in content["outcomes"]["arat"]
    assert without.digest != NATURAL.digest


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "too few points": (
        {f"{ITEMS}.subscales.gross": None},
        f"{ITEMS}.subscales: must add to the scale: 16 items give 0 to 48 points",
    ),
    "a first item that is not the hardest": (
        {f"{ITEMS}.subscales.grip.items.washer.difficulty": 9},
        f"{ITEMS}.subscales.grip.items: must begin with the hardest, washer",
    ),
    "a second item that is not the easiest": (
        {f"{ITEMS}.subscales.grip.items.washer.difficulty": 1},
        f"{ITEMS}.subscales.grip.items: must have the easiest second, washer",
    ),
    "no patience": (
        {f"{ITEMS}.minutes_per_item": 0},
        f"{ITEMS}.minutes_per_item: must be greater than 0",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_items_that_do_not_fit_are_refused_with_their_path(name: str) -> None:
    changes, told = WRONG[name]
    with pytest.raises(InputError) as caught:
        NATURAL.replace(changes)
    assert told in str(caught.value)


def test_an_item_stands_in_one_subscale() -> None:
    content = NATURAL.model_dump()["outcomes"]["arat"]["items"]
    gross = content["subscales"]["gross"]["items"]
    gross["stone"] = gross.pop("hand_to_mouth")
    with pytest.raises(InputError, match=r"subscales\.gross\.items\.stone: must not have the name"):
        NATURAL.replace({ITEMS: content})
