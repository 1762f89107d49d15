"""Wrong studies, made from right ones: what stands in them is changed, taken away, or moved."""

import copy
import datetime
import math
import random
from collections.abc import Callable, Iterator
from typing import Any, Final

VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 2, 7, 0.5, -0.0, 1e-12, 1e-300, 5e-324, 1e12, 1e300, 1e308),
    *(-1e308, 3e9, 2**31, 2**63, 2**64, 10**40, math.inf, -math.inf, math.nan),
    *("", " ", "x", "null", "nan", "1e3", "a.b", "\x1b[2J", "\x00", "$x$", "=1+1", "w" * 5_000),
    *([], {}, [[]], [None], [1, 2], [0.5, 0.5], {"x": None}, {5: 1}, {None: 1}, {1.5: {}}),
    *({"distribution": "constant"}, {"distribution": None}, {"distribution": []}),
    {"distribution": "constant", "value": 1e308},
    {"distribution": "normal", "mean": 0, "sd": 1e-300, "low": -1e300, "high": 1e300},
    {"distribution": "uniform", "low": 0, "high": 3_000_000_000},
    {"distribution": "gamma", "mean": 1e-300, "coefficient_of_variation": 1e-200},
    {"distribution": "discrete", "values": {0: 0.5, 1: 0.5}},
    {"distribution": "categorical", "levels": {"a": 0.5, "b": 0.5}},
    datetime.date(2016, 11, 25),
)
KEYS: Final[tuple[Any, ...]] = (
    *(None, True, 0, 5, -1, 1.5, 1e308, math.nan, "", " ", "a.b", ".", "[key]", "model", "kind"),
    *("distribution", "method", "extends", "trials", "A", "\x1b", "\x85", "k" * 5_000, "baseline"),
    datetime.date(2016, 11, 25),
)


def mutated(content: Any, dice: random.Random) -> Any:
    """Return a copy of plain content with one to four things in it wrong."""
    content = copy.deepcopy(content)
    for _ in range(dice.choice((1, 1, 1, 1, 2, 3, 4))):
        places = list(_places(content))
        if places:
            dice.choice(_CHANGES)(*dice.choice(places), content, dice)
    return content


def mutated_text(text: str, dice: random.Random) -> str:
    """Return the text of a file with a line or some letters of it wrong."""
    lines = text.split("\n")
    for _ in range(dice.choice((1, 1, 2, 3))):
        place = dice.randrange(len(lines))
        line = lines[place]
        match dice.randrange(7):
            case 0:
                del lines[place : place + dice.randint(1, 5)]
            case 1:
                lines.insert(dice.randrange(len(lines) + 1), line)
            case 2:
                lines[place] = line[dice.randint(0, 4) :]
            case 3:
                lines[place] = "  " + line
            case 4:
                at = dice.randint(0, len(line))
                mess = dice.choice(
                    ("&a ", "*a", "!!x ", "{", "]", "\t", ":", "- ", "'", "\x01", "#")
                )
                lines[place] = line[:at] + mess + line[at:]
            case 5:
                key, colon, _ = line.partition(":")
                lines[place] = (
                    f"{key}{colon} {dice.choice(('', '~', '.nan', '1_000', '0o17', '<<'))}"
                )
            case _:
                other = dice.randrange(len(lines))
                lines[place], lines[other] = lines[other], line
        lines = lines or [""]
    return "\n".join(lines)


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every mapping or list with each of its keys or numbers."""
    keys: Any = content if isinstance(content, dict) else range(len(content))
    for key in keys:
        yield content, key
        if isinstance(content[key], dict | list):
            yield from _places(content[key])


def _replace(part: Any, key: Any, _whole: Any, dice: random.Random) -> None:
    part[key] = copy.deepcopy(dice.choice(VALUES))


def _scale(part: Any, key: Any, whole: Any, dice: random.Random) -> None:
    part, key = dice.choice(
        [place for place in _places(whole) if _is_number(*place)] or [(part, key)]
    )
    if _is_number(part, key):
        part[key] *= dice.choice((-1, 0, 2, 10, 1e6, 1e12, 1e200, 1e-9, 1e-200, 1 + 1e-12))
        part[key] = int(part[key]) if dice.random() < 0.5 and _is_whole(part[key]) else part[key]


def _is_number(part: Any, key: Any) -> bool:
    return isinstance(part[key], int | float) and not isinstance(part[key], bool)


def _is_whole(number: float) -> bool:
    return math.isfinite(number) and number == int(number)


def _remove(part: Any, key: Any, _whole: Any, _dice: random.Random) -> None:
    del part[key]


def _empty(part: Any, key: Any, _whole: Any, dice: random.Random) -> None:
    part[key] = dice.choice((None, {}, []))


def _rename(part: Any, key: Any, _whole: Any, dice: random.Random) -> None:
    if isinstance(part, dict):
        name = str(key)
        near = name[:-1] + dice.choice(("", "x", name[-1:] * 2))
        renamed = dice.choice((near, near, near, dice.choice(KEYS)))
        entries = [(renamed if one == key else one, value) for one, value in part.items()]
        part.clear()
        part.update(entries)


def _add(part: Any, _key: Any, _whole: Any, dice: random.Random) -> None:
    value = copy.deepcopy(dice.choice(VALUES))
    if isinstance(part, dict):
        part[dice.choice(KEYS)] = value
    else:
        part.append(value)


def _move(part: Any, key: Any, whole: Any, dice: random.Random) -> None:
    """Put what stands elsewhere in the place, or beside it."""
    there, other = dice.choice(list(_places(whole)))
    moved = copy.deepcopy(there[other])
    if isinstance(part, dict) and dice.random() < 0.5:
        part[other] = moved
    else:
        part[key] = moved


def _turn(part: Any, key: Any, _whole: Any, _dice: random.Random) -> None:
    """Write a mapping as a list or by its first value, and anything else as a list of itself."""
    value = part[key]
    part[key] = list(value) if isinstance(value, dict) else [value]


def _shuffle(part: Any, key: Any, _whole: Any, dice: random.Random) -> None:
    value = part[key]
    if isinstance(value, dict):
        entries = list(value.items())
        dice.shuffle(entries)
        part[key] = dict(entries)


_CHANGES: Final[tuple[Callable[..., None], ...]] = (
    *(_replace, _replace, _replace, _scale, _scale, _scale, _remove, _empty),
    *(_rename, _rename, _add, _move, _turn, _shuffle),
)
