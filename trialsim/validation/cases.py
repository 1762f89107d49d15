"""Reference values, computed by other software or published: one JSON file a topic, in `cases/`.

A case has `id`, `family`, `title`, `source` (package, version and call, or what was published),
`inputs`, `expected` and `tolerance`, absolute (`abs`) and relative (`rel`), for all of its values
or under the name of one. Where definitions differ, a value bears its package's name.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


def topics() -> list[str]:
    """Return the topics, in order of their names."""
    found = files("trialsim.validation").joinpath("cases").iterdir()
    return sorted(one.name.removesuffix(".json") for one in found if one.name.endswith(".json"))


def reference(topic: str) -> Any:
    """Return the reference values of a topic, as its file has them."""
    file = files("trialsim.validation").joinpath("cases", f"{topic}.json")
    return json.loads(file.read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Case:
    """Reference values of one set of inputs."""

    topic: str
    name: str
    title: str
    source: str
    """The software and its version, or the citation."""
    inputs: Mapping[str, Any]
    expected: Mapping[str, Any]
    tolerance: Mapping[str, Any]


def cases() -> Iterator[Case]:
    """Yield every case, topic by topic."""
    for topic in topics():
        for one in reference(topic)["cases"]:
            yield Case(
                topic,
                one["id"],
                one["title"],
                _in_words(one["source"]),
                one["inputs"],
                one["expected"],
                one["tolerance"],
            )


def _in_words(sources: Sequence[Mapping[str, str]]) -> str:
    """Return where values are from, in short.

    >>> _in_words([{"type": "package", "name": "rpact", "version": "4.3.0", "call": "f(x)"}])
    'rpact 4.3.0'
    """
    told = []
    for source in sources:
        match source["type"]:
            case "package":
                version = source["version"].removeprefix("R ")
                name = "R" if source["version"].startswith("R ") else source["name"]
                told.append(f"{name} {version}")
            case "published":
                told.append(source["citation"])
            case _:
                told.append("closed form")
    return "; ".join(dict.fromkeys(told))
