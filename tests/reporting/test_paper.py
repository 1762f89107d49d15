"""A report goes to paper where what prints it is installed, and is refused in words where not."""

import re
import sys
from pathlib import Path

import pytest

from trialsim.cli import run
from trialsim.reporting.printed import as_pdf
from trialsim.runs.directory import RunDirectory

NONE = ["--jobs", "1", "--null-replicates", "0", "--sensitivity-replicates", "0"]


def test_a_page_is_printed_and_fetches_nothing(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("weasyprint", reason="the extra office is not installed")
    page = '<html><body><h1>Simulated</h1><img src="https://example.org/a.png"></body></html>'
    printed = as_pdf(page)
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 1
    assert "https://example.org/a.png" in caplog.text  # what it says of an image that it has not


def test_without_what_prints_a_pdf_is_refused_before_anything_is_computed(
    modest_run: RunDirectory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    to = tmp_path / "study.pdf"
    assert run(["report", str(modest_run.folder), "-o", str(to), *NONE]) == 2
    assert "needs the extra office" in capsys.readouterr().err
    assert not to.exists()


def test_another_kind_of_file_is_refused_with_what_is_allowed(
    modest_run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", str(modest_run.folder), "-o", str(tmp_path / "study.odt"), *NONE]) == 2
    assert "must end in .html, .pdf or .docx" in capsys.readouterr().err


def test_a_page_with_sliders_does_not_go_to_paper(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["explore", "cars1", "--set", "design.patients=40,60", "--replicates", "8"]
    assert run([*asked, "-o", str(tmp_path / "page.pdf")]) == 2
    assert "must end in .html: it has sliders" in capsys.readouterr().err


def test_a_pdf_that_exists_is_kept_unless_its_loss_is_agreed_to(
    modest_run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("weasyprint", reason="the extra office is not installed")
    to = tmp_path / "study.pdf"
    to.write_bytes(b"%PDF-1.7 of somebody else")
    assert run(["report", str(modest_run.folder), "-o", str(to), *NONE]) == 2
    assert "must not be a PDF that exists" in capsys.readouterr().err
    assert to.read_bytes() == b"%PDF-1.7 of somebody else"
