"""A study as a USDM document: valid by CDISC's schema, and whole in itself."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.files.chosen import CHOSEN, trial_of
from trialsim.scenario.files.builtin import builtin_scenarios
from trialsim.scenario.usdm.writing import usdm_document


def objects(content: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a document."""
    if isinstance(content, dict):
        yield content
        for inner in content.values():
            yield from objects(inner)
    elif isinstance(content, list):
        for inner in content:
            yield from objects(inner)


def test_every_built_in_study_is_valid_usdm() -> None:
    """Oracle: the JSON schema of USDM 4.0, made from CDISC's API specification."""
    jsonschema = pytest.importorskip("jsonschema", reason="the extra cdisc-check is not installed")
    file = Path(os.environ.get("TRIALSIM_CDISC", ""), "usdm4/core/data/usdm-4-0-schema.json")
    if not file.is_file():
        pytest.skip("TRIALSIM_CDISC names no folder with the schema of USDM")
    checker = jsonschema.Draft202012Validator(json.loads(file.read_text()))
    for name in builtin_scenarios():
        document = json.loads(json.dumps(usdm_document(trial_of(name))))
        assert list(checker.iter_errors(document)) == [], name
    del document["study"]["versions"][0]["studyDesigns"][0]["arms"][0]["type"]
    assert [error.validator for error in checker.iter_errors(document)] == ["anyOf"]


@pytest.mark.parametrize("name", CHOSEN)
def test_identifiers_differ_and_everything_referred_to_is_there(name: str) -> None:
    document = usdm_document(trial_of(name))
    found = [one["id"] for one in objects(document) if one.get("id") is not None]
    assert len(set(found)) == len(found)
    used = 0
    for one in objects(document):
        for name, value in one.items():
            if name.endswith(("Id", "Ids")) and value is not None:
                for oid in value if isinstance(value, list) else [value]:
                    assert oid in found, (name, oid)
                    used += 1
    assert used > 20
