"""What runs commands with hostile options gives them no path outside its folder."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.options import command_line, commands, is_confined


def test_every_path_of_a_random_command_line_lies_in_its_folder(tmp_path: Path) -> None:
    """The generator asserts it of each word; paths do occur, to most commands."""
    with_paths = set()
    for command in commands():
        for number in range(20):
            words = command_line(command, random.Random(number), tmp_path)
            inside = [word for word in words if "/" in word and is_confined(word, tmp_path)]
            assert inside == [word for word in words if "/" in word]
            with_paths |= {command.words} if inside else set()
    assert len(with_paths) > 20


@pytest.mark.parametrize(
    "word", ["/", "..", "../x", "a/../../x", "--out=/x", "--out=..", "--out={folder}/../x", "a/b"]
)
def test_a_word_that_leads_out_of_the_folder_is_seen(word: str, tmp_path: Path) -> None:
    assert not is_confined(word.format(folder=tmp_path), tmp_path)


def test_a_link_that_leads_out_of_the_folder_is_seen(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path)
    assert not is_confined(f"--out={inside}/link/x", inside)
    assert is_confined(f"--out={inside}/x", inside)


def test_hostile_command_lines_end_with_an_answer_or_in_words(tmp_path: Path) -> None:
    """A third of the commands, once each: processes of their own, bounded in memory and time."""
    found = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.options", "20", "2016", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert found.returncode == 0, found.stderr[-2_000:]
    told = json.loads(found.stdout)
    assert told["unhandled"] == {}
    assert told["counts"].get("0", 0) > 0, "no command line was right enough to be run"
