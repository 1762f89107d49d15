"""Every field says what it is, in the schema and on the page of all fields."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from trialsim.distributions import FrozenModel
from trialsim.questions.assurance.prior import Prior
from trialsim.reporting.pages.study_files import study_files_page
from trialsim.scenario.programme import Programme
from trialsim.scenario.scenario import Scenario

PAGE: Final = Path(__file__).resolve().parents[3] / "docs" / "study_files.md"
MODELS: Final = (Scenario, Programme, Prior)


def fields_of(model: type[FrozenModel]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the path of each field of each part, and its schema."""
    schema = model.model_json_schema()
    for part, content in {**schema["$defs"], model.__name__: schema}.items():
        for field, node in content.get("properties", {}).items():
            yield f"{part}.{field}", node


@pytest.mark.parametrize("model", MODELS)
def test_every_field_has_a_description(model: type[FrozenModel]) -> None:
    assert [path for path, node in fields_of(model) if not node.get("description")] == []


@pytest.mark.parametrize("model", MODELS)
def test_every_number_has_a_usual_value(model: type[FrozenModel]) -> None:
    def is_number(node: dict[str, Any]) -> bool:
        kinds = [node, *node.get("anyOf", [])]
        return any(one.get("type") in ("number", "integer") for one in kinds)

    numbers = [(path, node) for path, node in fields_of(model) if is_number(node)]
    usual = re.compile(r"such as|usually|\d")
    assert len(numbers) > 15
    assert [path for path, node in numbers if not usual.search(node["description"])] == []


def test_the_page_of_all_fields_is_current() -> None:
    assert PAGE.read_text() == study_files_page(), (
        "trialsim schema --markdown > docs/study_files.md"
    )


def test_every_link_of_the_page_leads_to_a_part() -> None:
    page = study_files_page()
    heads = re.findall(r"^## (.+)$", page, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9_-]", "", head.lower().replace(" ", "-")) for head in heads}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= anchors
    assert len(heads) == len(set(heads))
