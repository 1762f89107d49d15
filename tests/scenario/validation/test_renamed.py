"""A name that an older study file uses is answered with the name that it has now."""

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


@pytest.mark.parametrize("old", ["null", "'null'"])
@pytest.mark.parametrize(
    ("part", "now"),
    [
        ("analysis: {interval: OLD}", "null_variance"),
        (
            "analysis: {test: {method: wei_lachin, outcomes: [nihss, mrs], variance: OLD}}",
            "null_variance",
        ),
        (
            "monitoring: {futility: {scale: conditional_power, below: 0.1, under: OLD}}",
            "no_effect",
        ),
    ],
)
def test_a_choice_that_was_called_null_is_answered_in_quotes_and_without(
    part: str, now: str, old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "old.yaml"
    file.write_text(f"extends: casta\nname: old\n{part.replace('OLD', old)}\n", "utf-8")
    assert run(["check", str(file)]) == INPUT_WRONG
    assert f"null is now called {now} (got " in capsys.readouterr().err


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
