"""A text is parsed once in a process, and whoever changes what it means changes it alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from trialsim.errors import InputError
from trialsim.scenario.files.templates import new_study
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.files.yaml_text import _read, parsed, parsed_value
from trialsim.scenario.scenario import validated

TEXT = "design: {patients: 40, visits: [7, 90]}\n"


def test_a_text_is_parsed_once_and_given_out_anew() -> None:
    first, places = parsed(TEXT, "a.yaml")
    before = _read.cache_info().misses
    first["design"]["visits"].append(180)
    places.clear()
    again, found = parsed(TEXT, "a.yaml")
    assert _read.cache_info().misses == before
    assert again == {"design": {"patients": 40, "visits": [7, 90]}}
    assert found["design.visits"].column == 24


def test_the_same_text_in_another_file_has_that_file_in_its_places() -> None:
    assert parsed(TEXT, "b.yaml")[1]["design"].file == "b.yaml"


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("patients: 1600", "patients: 0o3100").encode(),
        lambda text: text.replace("dose_ml: 0}", "<<: {dose_ml: 0}}").encode(),
    ],
    ids=["line ends of Windows", "byte-order mark", "octal number", "merge key"],
)
def test_the_same_study_written_in_another_way_is_the_same_study(
    written: Callable[[str], bytes], tmp_path: Path
) -> None:
    text = new_study("bolus", "two_arm_ordinal")
    path = tmp_path / "日本 é.yaml"  # the study has a name of its own
    path.write_bytes(written(text))
    assert written(text) != text.encode()
    assert load(path).digest == validated(parsed_value(text)).digest


@pytest.mark.parametrize("opening", ["[", "- "])
def test_a_file_of_brackets_alone_is_refused_in_a_line(opening: str, tmp_path: Path) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text(opening * 5_000, encoding="utf-8")
    with pytest.raises(InputError, match="must not be nested so deeply"):
        load(path)
