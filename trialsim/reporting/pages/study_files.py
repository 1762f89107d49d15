"""Every field that a study, a programme or a prior file can have, as a page in Markdown."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from trialsim.questions.assurance.prior import Prior
from trialsim.scenario.programme import Programme
from trialsim.scenario.scenario import Scenario

_DEFINITIONS: Final = "#/$defs/"
_OPENING: Final = """# What stands in a study file

Written from the models by `trialsim schema --markdown`; do not edit it. A field whose default
is empty must be given. A file that says `extends: NAME` gives only what differs from that study.

- [A study](#scenario)
- [A programme of several trials](#programme)
- [A prior, for `trialsim assurance --prior FILE`](#prior)
"""


def study_files_page() -> str:
    """Return the page: a section for each part of a file, in the order in which they are met."""
    told: set[str] = set()
    sections = [_OPENING]
    for model in (Scenario, Programme, Prior):
        schema = model.model_json_schema()
        parts = {**schema.get("$defs", {}), model.__name__: schema}
        sections += _sections(model.__name__, parts, told)
    return "\n".join(sections)


def _sections(name: str, parts: Mapping[str, Any], told: set[str]) -> Iterator[str]:
    """Yield the section of a part that has fields, and of the parts that it is made of."""
    if name in told:
        return
    told.add(name)
    part = parts[name]
    fields = part.get("properties", {})
    if fields:
        yield _section(name, part, fields)
    for inner in _named(part):
        yield from _sections(inner, parts, told)


def _section(name: str, part: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    said = " ".join(part.get("description", "").partition("\n\n")[0].split())
    required = part.get("required", [])
    rows = [
        " ".join(
            f"| `{field}` | {_cell(one['description'])} | {_takes(one)} | "
            f"{_default(one, field in required)} |".split()
        )
        for field, one in fields.items()
    ]
    head = ["| Field | What it is | Takes | Default |", "|---|---|---|---|"]
    return "\n".join([f"## {_title(name)}", "", said, "", *head, *rows, ""])


def _title(name: str) -> str:
    """Return the name of a part, without the place that distinguishes two of one name.

    >>> _title("trialsim__scenario__outcomes__courses__Exponential")
    'Exponential (courses)'
    """
    *above, last = name.split("__")
    return f"{last} ({above[-1]})" if above else last


def _anchor(name: str) -> str:
    return _title(name).lower().replace(" ", "-").replace("(", "").replace(")", "")


def _named(node: Any) -> Iterator[str]:
    """Yield the parts that a piece of schema names."""
    if isinstance(node, Mapping):
        if "$ref" in node:
            yield node["$ref"].removeprefix(_DEFINITIONS)
        for key, inner in node.items():
            if key not in ("$defs", "discriminator"):
                yield from _named(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _named(inner)


def _takes(node: Mapping[str, Any]) -> str:
    """Return what a field takes, in a few words."""
    for several in ("anyOf", "oneOf"):
        if several in node:
            return " or ".join(dict.fromkeys(_takes(one) for one in node[several]))
    if "$ref" in node:
        name = node["$ref"].removeprefix(_DEFINITIONS)
        return f"[{_title(name)}](#{_anchor(name)})"
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return ", ".join(f"`{one}`" for one in node["enum"])
    match node.get("type"):
        case "object":
            inner: Any = node.get("additionalProperties") or next(
                iter(node.get("patternProperties", {}).values()), {}
            )
            return f"by name: {_takes(inner)}" if isinstance(inner, Mapping) else "a mapping"
        case "array":
            return f"list of {_takes(node['items'])}" if "items" in node else "a list"
        case "number" | "integer":
            kind = {"number": "number", "integer": "whole number"}[node["type"]]
            return f"{kind}{_bounds(node)}"
        case "string":
            return "a name" if "pattern" in node else "text"
        case "boolean":
            return "true or false"
        case other:
            return str(other or "anything")


def _bounds(node: Mapping[str, Any]) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    told = [f"{said} {node[key]:g}" for key, said in words.items() if key in node]
    return f", {' and '.join(told)}" if told else ""


def _default(node: Mapping[str, Any], required: bool) -> str:
    if required:
        return ""
    return f"`{json.dumps(node['default'])}`" if "default" in node else "none"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
