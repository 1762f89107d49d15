"""A text is parsed once in a process, and whoever changes what it means changes it alone."""

from trialsim.scenario.files.yaml_text import _read, parsed

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
