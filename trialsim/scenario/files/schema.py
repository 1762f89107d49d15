"""What editors must know of scenario files: a JSON Schema of whole files and of variants."""

from collections.abc import Mapping
from typing import Any, Final

from trialsim.scenario.scenario import Scenario

EXTENDS: Final = "extends"
"""The key of a variant that names the scenario which it changes."""

_DEFINITIONS: Final = "#/$defs/"
_VARIANT: Final = "Variant"


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of scenario files.

    A file that says `extends` is a variant: it may leave out anything, and null takes an entry of
    a mapping away.

    >>> sorted(schema()["else"])
    ['$ref']
    """
    whole = Scenario.model_json_schema()
    definitions = {**whole.pop("$defs"), "Scenario": whole}
    variants = {_VARIANT + name: _partial(part) for name, part in definitions.items()}
    variant = variants[_VARIANT + "Scenario"]
    variant["properties"] = {EXTENDS: _BASE, **variant["properties"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "trialsim scenario",
        "type": "object",
        "if": {"required": [EXTENDS]},
        "then": {"$ref": f"{_DEFINITIONS}{_VARIANT}Scenario"},
        "else": {"$ref": f"{_DEFINITIONS}Scenario"},
        "$defs": {**definitions, **variants},
    }


_BASE: Final = {
    "type": "string",
    "description": "A built-in scenario, or the path of a file, that this one changes.",
}


def _partial(node: Any) -> Any:
    """Return a part of the schema in which nothing is required and entries can be taken away."""
    if isinstance(node, list):
        return [_partial(part) for part in node]
    if not isinstance(node, Mapping):
        return node
    loose: dict[str, Any] = {}
    for key, part in node.items():
        match key:
            case "required" | "discriminator" | "minProperties":
                continue
            case "$ref":
                name = part.removeprefix(_DEFINITIONS)
                loose[key] = f"{_DEFINITIONS}{_VARIANT}{name}"
            case "oneOf":  # without its tag a part may fit several
                loose["anyOf"] = _partial(part)
            case "additionalProperties" if isinstance(part, Mapping):
                loose[key] = _or_null(part)
            case "patternProperties":
                loose[key] = {pattern: _or_null(entry) for pattern, entry in part.items()}
            case _:
                loose[key] = _partial(part)
    return loose


def _or_null(entry: Any) -> dict[str, Any]:
    return {"anyOf": [_partial(entry), {"type": "null"}]}
