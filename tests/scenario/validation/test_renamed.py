"""A name that an older study file uses is answered with the name that it has now."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from trialsim.cli import INPUT_WRONG, run
from trialsim.scenario.validation.renamed import CHOICES, KEYS

OLD = """\
extends: casta
name: old
title: An older file
summary: Keys and choices by their former names.
outcomes:
  arat:
    within_patient: 1
analysis: {analysis_set: efficacy, discontinuation: while_on_treatment}
operations: {death: {arms: {cerebrolysin: {among: {covariate: nihss, more_than: 12}}}}}
"""


def test_an_old_key_or_choice_is_answered_with_its_new_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "old.yaml"
    file.write_text(OLD, encoding="utf-8")
    assert run(["check", str(file)]) == INPUT_WRONG
    said = capsys.readouterr().err
    assert "operations.death.arms.cerebrolysin.among: is now called subgroup" in said
    assert "analysis.discontinuation: is now called intercurrent" in said
    assert "efficacy is now called full_analysis_set" in said


NULL = """\
extends: casta
name: old
analysis:
  interval: OLD
  test: {method: wei_lachin, outcomes: [nihss, mrs], variance: OLD}
monitoring: {futility: {scale: conditional_power, below: 0.1, under: OLD}}
"""


@pytest.mark.parametrize("old", ["null", "'null'"])
def test_a_choice_that_was_called_null_is_answered_in_quotes_and_without(
    old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "old.yaml"
    file.write_text(NULL.replace("OLD", old), "utf-8")
    assert run(["check", str(file)]) == INPUT_WRONG
    said = re.findall(r"([a-z_.]+): .*null is now called (\w+) \(got ", capsys.readouterr().err)
    assert dict(said) == {
        "analysis.interval": "null_variance",
        "analysis.test.variance": "null_variance",
        "monitoring.futility.under": "no_effect",
    }


def parts_of(content: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every mapping in a schema."""
    if isinstance(content, Mapping):
        yield content
        for part in content.values():
            yield from parts_of(part)
    elif isinstance(content, list):
        for part in content:
            yield from parts_of(part)


def test_every_new_name_is_in_use() -> None:
    """Oracle: the built-in studies and the schema's choices."""
    from trialsim.scenario.files.schema import schema

    keys = str(schema())
    choices = [new for known in CHOICES.values() for new in known]
    assert all(f"'{new}'" in keys for new in (*KEYS.values(), *choices))
    known = [part["properties"].keys() for part in parts_of(schema()) if "properties" in part]
    assert len(known) > 50
    for old, new in KEYS.items():
        assert not any({old, new} <= names for names in known), old
