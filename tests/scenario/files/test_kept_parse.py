"""What is kept of a built-in study saves its parsing and changes nothing else."""

import sys
from pathlib import Path
from typing import Any

import pytest

from trialsim.scenario.files import yaml_text
from trialsim.scenario.files.kept_parse import keep, kept
from trialsim.scenario.files.yaml_file import draft_of, load

TEXT = "design: {patients: 40, visits: [7, 90.5]}\n2: {a: null, b: 2016-11-25, c: 'é'}\n"


@pytest.fixture(autouse=True)
def _bytecode_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)


def parsed_anew(file: Path, text: str = TEXT) -> tuple[Any, dict[str, yaml_text.Place]]:
    """Return what another process would parse."""
    yaml_text._read.cache_clear()
    return yaml_text.parsed(text, str(file), keep_it=True)


def test_what_is_kept_is_read_instead_of_parsed_and_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    content, places = yaml_text.parsed(TEXT, str(here / "a.yaml"))
    assert parsed_anew(here / "a.yaml") == (content, places)
    here.rename(there)  # as with the whole package
    monkeypatch.setattr(yaml_text, "_parsed", lambda text, file: 1 / 0)
    again, found = parsed_anew(there / "a.yaml")
    assert again == content
    assert found == {path: at._replace(file=str(there / "a.yaml")) for path, at in places.items()}


def test_what_is_torn_or_of_another_text_or_reader_is_parsed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.yaml"
    plain = parsed_anew(file)
    (held,) = (tmp_path / "__pycache__").iterdir()
    whole = held.read_bytes()
    flipped = bytearray(whole)
    flipped[-9] ^= 1
    for torn in (b"", whole[:7], whole[:32], whole[:-1], whole + b".", bytes(flipped)):
        held.write_bytes(torn)
        assert kept(str(file), TEXT) is None
        assert parsed_anew(file) == plain
        assert held.read_bytes() == whole
    assert kept(str(file), TEXT) is not None
    assert kept(str(file), TEXT.replace("40", "41")) is None
    assert parsed_anew(file, TEXT.replace("40", "41"))[0]["design"]["patients"] == 41
    monkeypatch.setattr("trialsim.scenario.files.kept_parse._reader", lambda: b"another")
    assert kept(str(file), TEXT.replace("40", "41")) is None


def test_where_nothing_can_be_written_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = yaml_text.parsed(TEXT, "a.yaml")[0]
    (tmp_path / "__pycache__").write_text("no folder")
    assert parsed_anew(tmp_path / "a.yaml")[0] == plain
    folder = tmp_path / "full"
    folder.mkdir()

    def half_written(part: Path, content: bytes) -> None:
        part.open("wb").close()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", half_written)
        assert parsed_anew(folder / "a.yaml")[0] == plain
        assert not list((folder / "__pycache__").iterdir())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert parsed_anew(folder / "a.yaml")[0] == plain
    assert not list((folder / "__pycache__").iterdir())
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys.implementation, "cache_tag", None)
    keep(str(tmp_path / "a.yaml"), TEXT, b"")
    assert kept(str(tmp_path / "a.yaml"), TEXT) is None


def test_only_built_in_studies_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of their own here, beside which nothing of a user's study stands."""
    studies = tmp_path / "package"
    studies.mkdir()
    user = tmp_path / "mine.yaml"
    user.write_text("extends: cars1\n")
    (studies / "own.yaml").write_text(TEXT)
    monkeypatch.setattr("trialsim.scenario.files.yaml_file.builtin_folder", lambda: studies)
    load(user)
    draft_of(studies / "own.yaml")
    assert [held.parent.parent for held in tmp_path.rglob("*.parsed")] == [studies]
