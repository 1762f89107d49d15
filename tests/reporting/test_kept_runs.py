"""A run in a directory, read again in Python: its result and its report."""

from functools import partial
from pathlib import Path

import pytest

import trialsim as ts
from trialsim.reporting import paper

SMALL = {"design.patients": 20, "analysis.secondary": {}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a small run."""
    folder = tmp_path_factory.mktemp("kept") / "run"
    ts.power(ts.load("cars1").replace(SMALL), 64, 7, n_jobs=1, out=folder)
    return folder


def test_the_result_is_that_of_the_run(folder: Path) -> None:
    again = ts.open_run(folder)
    own = ts.power(ts.load("cars1").replace(SMALL), 64, 7, n_jobs=1).to_dict()
    assert {**again.to_dict(), "seconds": 0} == {**own, "seconds": 0}
    with pytest.raises(ts.InputError, match="run"):
        ts.open_run(folder / "parts")


@pytest.mark.usefixtures("undrawn")
def test_its_report_is_one_file(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    page = tmp_path / "study.html"
    report = partial(
        ts.report,
        n_jobs=1,
        null_replicates=0,
        sensitivity_replicates=0,
        published_replicates=0,
        nuisance_replicates=0,
    )
    report(folder, page, "Is 20 enough?")
    assert "Is 20 enough?" in page.read_text(encoding="utf-8")
    page.write_text("of somebody else", encoding="utf-8")
    with pytest.raises(ts.InputError, match="path: must not be"):
        report(folder, page)
    with pytest.raises(ts.InputError, match=r"path: must end in .html, .pdf or .docx"):
        report(folder, tmp_path / "study.odt")


@pytest.mark.usefixtures("undrawn")
def test_its_report_is_printed_where_that_is_the_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(paper, "check_kind", lambda path, option: None)
    monkeypatch.setattr(paper, "as_pdf", lambda page: b"%PDF" + page[:15].encode())
    ts.report(
        folder,
        tmp_path / "study.pdf",
        null_replicates=0,
        sensitivity_replicates=0,
        published_replicates=0,
        nuisance_replicates=0,
        n_jobs=1,
    )
    assert (tmp_path / "study.pdf").read_bytes() == b"%PDF<!DOCTYPE html>"
