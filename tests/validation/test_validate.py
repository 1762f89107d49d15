"""`trialsim validate` says pass or fail, in text, as JSON and on a page, and leaves with it."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from trialsim.cli import DONE, INPUT_WRONG, RUN_FAILED, run
from trialsim.validation import reference, validate
from trialsim.validation.cases import Case, cases


def some() -> Iterator[Case]:
    yield from [case for case in cases() if case.topic in ("t_tests", "wins")]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Look at a few reference cases, and at no engines."""
    monkeypatch.setattr(reference, "cases", some)
    monkeypatch.setattr(validate, "operation_checks", lambda: iter(()))
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("quick")
def test_it_passes_and_says_so_in_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("jinja2")
    assert run(["validate", "-o", "page.html"]) == DONE
    text = capsys.readouterr().out
    assert ": passed, " in text.splitlines()[0]
    assert "  pass  wins: 3 of 3 cases" in text
    page = Path("page.html").read_text(encoding="utf-8")
    assert "winodds.arat_12" in page
    assert "hce 0.9.4" in page
    assert run(["validate", "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["passed"], told["failed"]) == (True, 0)
    of_cases = [check for check in told["checks"] if check["part"] == "reference"]
    assert len(of_cases) == 4


@pytest.mark.usefixtures("quick")
def test_it_fails_once_one_reference_value_is_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = some()
    changed = {**first.expected, "p_welch": first.expected["p_welch"] + 1e-6}
    wrong = [dataclasses.replace(first, expected=changed), *others]
    monkeypatch.setattr(reference, "cases", lambda: iter(wrong))
    assert run(["validate"]) == RUN_FAILED
    said = capsys.readouterr()
    assert "FAILED, 1 of " in said.out
    assert "p_welch = 0.366421" in said.out
    assert said.err == "trialsim: 1 check failed\n"


@pytest.mark.usefixtures("quick")
def test_cases_that_are_not_computed_are_counted_beside_those_that_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    topics = ("count_power", "multiplicity", "t_tests")
    known = [case for case in cases() if case.topic in topics]
    monkeypatch.setattr(reference, "cases", lambda: iter(known))
    assert run(["validate"]) == DONE
    text = capsys.readouterr().out
    assert "  -     count power: 12 not computed here\n" in text
    assert "  pass  multiplicity: 30 of 30 cases, 1 not computed here\n" in text
    assert "  pass  t tests: 1 of 1 cases\n" in text


@pytest.mark.usefixtures("quick")
def test_a_damaged_file_of_cases_is_a_check_that_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def damaged() -> Iterator[Case]:
        yield from some()
        json.loads("{")

    monkeypatch.setattr(reference, "cases", damaged)
    assert run(["validate"]) == RUN_FAILED
    text = capsys.readouterr().out
    assert "  pass  wins: 3 of 3 cases" in text
    assert "  FAIL  Every check is done: JSONDecodeError: Expecting property name" in text


@pytest.mark.usefixtures("quick")
def test_a_page_that_cannot_be_written_is_refused_first() -> None:
    assert run(["validate", "-o", "page.txt"]) == INPUT_WRONG
