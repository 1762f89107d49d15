"""The JSON Schema knows whole files and variants."""

import json
from collections.abc import Iterator
from typing import Any

from trialsim.scenario.files.schema import schema
from trialsim.scenario.scenario import Scenario

SCHEMA = schema()
DEFINITIONS = SCHEMA["$defs"]


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for part in node.values():
            yield from nodes(part)
    elif isinstance(node, list):
        for part in node:
            yield from nodes(part)


def test_the_schema_is_json() -> None:
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_every_reference_leads_somewhere() -> None:
    references = {node["$ref"] for node in nodes(SCHEMA) if isinstance(node.get("$ref"), str)}
    assert {reference.removeprefix("#/$defs/") for reference in references} <= DEFINITIONS.keys()


def test_a_file_that_extends_is_a_variant_and_any_other_is_whole() -> None:
    assert SCHEMA["if"] == {"required": ["extends"]}
    assert SCHEMA["then"] == {"$ref": "#/$defs/VariantScenario"}
    assert SCHEMA["else"] == {"$ref": "#/$defs/Scenario"}


def test_a_whole_file_must_have_every_part_and_no_base() -> None:
    whole = DEFINITIONS["Scenario"]
    required = {name for name, one in Scenario.model_fields.items() if one.is_required()}
    assert set(whole["required"]) == required
    assert whole["additionalProperties"] is False
    assert "extends" not in whole["properties"]


def test_a_variant_requires_nothing_at_any_depth_and_still_knows_every_name() -> None:
    for name, part in DEFINITIONS.items():
        if name.startswith("Variant"):
            assert not [node for node in nodes(part) if isinstance(node.get("required"), list)]
            plain = DEFINITIONS[name.removeprefix("Variant")].get("properties", {}).keys()
            assert part.get("properties", {}).keys() - {"extends"} == plain
            assert part.get("additionalProperties", False) is False


def test_an_entry_of_a_mapping_can_be_taken_away_in_a_variant() -> None:
    inclusion = DEFINITIONS["VariantEligibility"]["properties"]["inclusion"]
    (entry,) = inclusion["patternProperties"].values()
    assert {"type": "null"} in entry["anyOf"]
