"""A name that an older study file uses is answered with the name that it has now."""

from pathlib import Path

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
analysis: {analysis_set: efficacy}
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
    assert "efficacy is now called full_analysis_set" in said


def test_every_new_name_is_in_use() -> None:
    """Oracle: the built-in studies and the schema's choices."""
    from trialsim.scenario.files.schema import schema

    keys = str(schema())
    assert all(f"'{new}'" in keys for new in (*KEYS.values(), *CHOICES.values()))
    assert not any(f"'{old}'" in keys for old in KEYS)
