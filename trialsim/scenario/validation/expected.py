"""What a field takes, in a few words: its type, its choices, its unit and what it means."""

from collections.abc import Mapping
from typing import Any, Final

from trialsim.described import first_sentence

_Schema = Mapping[str, Any]
_KINDS: Final = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "a text",
    "object": "a mapping",
    "array": "a list",
    "null": "null",
}
_MOST_CHOICES: Final = 14


def expected(location: tuple[int | str, ...], schema: _Schema) -> str:
    """Return what the field at a location is, or takes; "" where its JSON Schema says nothing.

    >>> day = {"type": "integer", "description": "Days after onset, such as 90. Once."}
    >>> expected(("day",), {"properties": {"day": day}})
    'days after onset, such as 90'
    >>> expected(("day",), {"properties": {"day": {"type": "integer"}}})
    'a whole number'
    """
    *above, last = location
    part = _resolved(_at(tuple(above), schema), schema)
    field = part.get("properties", {}).get(last)
    if field is None:
        return ""
    described = field.get("description")
    return first_sentence(described) if described else _kind(field, schema)


def known_keys(location: tuple[int | str, ...], schema: _Schema) -> list[str]:
    """Return the field names that a model has at a location, by its JSON Schema."""
    return list(_resolved(_at(location, schema), schema).get("properties", {}))


def mapping_of(location: tuple[int | str, ...], schema: _Schema) -> str:
    """Return what kind of mapping stands at a location.

    >>> mapping_of((), {"type": "object", "properties": {"day": {}, "window_days": {}}})
    'a mapping of day, window_days'
    """
    return _kind(_at(location, schema), schema)


def holds_entries(location: tuple[int | str, ...], schema: _Schema) -> bool:
    """Return whether a location is a field that holds entries by names of the file's own."""
    *above, last = location
    fields = _resolved(_at(tuple(above), schema), schema).get("properties", {})
    node = fields.get(last, {})
    named = node.get("additionalProperties") or node.get("patternProperties")
    return node.get("type") == "object" and bool(named)


def alternatives(location: tuple[int | str, ...], schema: _Schema) -> list[str]:
    """Return the kinds of which a mapping at a location names one."""
    node = _resolved(_at(location, schema), schema)
    return list(node.get("discriminator", {}).get("mapping", {}))


def _at(location: tuple[int | str, ...], schema: _Schema) -> _Schema:
    node: _Schema = schema
    for key in location:
        node = _resolved(node, schema)
        if key in node.get("properties", {}):
            node = node["properties"][key]
        elif key in node.get("discriminator", {}).get("mapping", {}):
            node = {"$ref": node["discriminator"]["mapping"][key]}
        elif isinstance(node.get("additionalProperties"), Mapping):
            node = node["additionalProperties"]
        elif "patternProperties" in node:
            node = next(iter(node["patternProperties"].values()))
        elif "items" in node:
            node = node["items"]
    return node


def _resolved(node: _Schema, schema: _Schema) -> _Schema:
    if "anyOf" in node:
        node = next((one for one in node["anyOf"] if "$ref" in one or "oneOf" in one), node)
    if "$ref" in node:
        return schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]  # type: ignore[no-any-return]
    return node


def _kind(node: _Schema, schema: _Schema) -> str:
    """Return in words what a part of the schema takes."""
    if "$ref" in node:
        node = _resolved(node, schema)
    if "anyOf" in node:
        kinds = dict.fromkeys(_kind(one, schema) for one in node["anyOf"])
        return " or ".join(kinds)
    choices = [node["const"]] if "const" in node else node.get("enum")
    if choices:
        return f"one of {', '.join(map(str, choices))}" if len(choices) > 1 else str(choices[0])
    tags = node.get("discriminator")
    if tags:
        name, first = tags["propertyName"], next(iter(tags["mapping"]))
        if name == "distribution":
            return "a distribution, such as {distribution: constant, value: 0}"
        return f"a mapping with its {name}, such as {{{name}: {first}}}"
    if node.get("type") == "object" and node.get("properties"):
        names = list(node["properties"])
        more = ", ..." if len(names) > _MOST_CHOICES else ""
        return f"a mapping of {', '.join(names[:_MOST_CHOICES])}{more}"
    if node.get("pattern") and node.get("type") == "string":
        return "a name"
    return _KINDS.get(str(node.get("type")), "a value")
