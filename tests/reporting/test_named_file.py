"""A file that a person names is replaced if trialsim made it, and is otherwise left as it was."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from trialsim.errors import InputError, RunError
from trialsim.reporting.figures.canvas.style import page
from trialsim.reporting.named_file import check_named, write_named
from trialsim.reporting.tables.page import rendered

PAGE = rendered("base.html", {}).encode()


def drawing(kind: str) -> bytes:
    figure, _ = page("A title", "A caption", 3.0, 2.0)
    return figure.png() if kind == "png" else figure.svg_file()


def refusal(path: Path, overwrite: bool = False) -> str:
    """Return why a file is refused, before and when it is written; the place is left as it was."""
    before = os.lstat(path)
    with pytest.raises(InputError) as checked:
        check_named(path, "-o", overwrite)
    with pytest.raises(InputError) as written:
        write_named(path, PAGE, "-o", overwrite)
    assert str(checked.value) == str(written.value)
    after = os.lstat(path)
    assert (before.st_mode, before.st_ino, before.st_size) == (
        after.st_mode,
        after.st_ino,
        after.st_size,
    )
    return str(checked.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", lambda: PAGE),
        ("figure.svg", lambda: drawing("svg")),
        ("figure.png", lambda: drawing("png")),
        ("empty.html", lambda: b""),
        ("empty.csv", lambda: b""),
    ],
)
def test_what_trialsim_made_is_replaced(
    name: str, content: Callable[[], bytes], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content())
    check_named(path, "-o")
    new = content() or PAGE
    write_named(path, new)
    assert path.read_bytes() == new
    assert [one.name for one in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("thesis.html", b"<!DOCTYPE html><p>Mine</p>"),
        ("photo.png", b"\x89PNG\r\n\x1a\n"),
        ("logo.svg", b"<svg/>"),
        ("notes", b"\n"),
        ("thesis.html", b"<!DOCTYPE html><p>Mine</p><!-- trialsim 1 -->" + PAGE),
        ("code.html", b'<pre>name="generator" content="trialsim 1"</pre>'),
        ("logo.svg", b"<svg><text>as in <!-- trialsim 1 --></text></svg>"),
        ("photo.png", b"\x89PNG\r\n\x1a\nSoftware\0trialsim 1"),
        ("notes.txt", b"<!-- trialsim 1 -->"),
    ],
)
def test_another_file_is_left_unless_it_may_be_overwritten(
    name: str, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert "must not be a file that trialsim has not made; --overwrite" in refusal(path)
    assert path.read_bytes() == content
    write_named(path, PAGE, overwrite=True)
    assert path.read_bytes() == PAGE


def test_a_table_is_left_whatever_its_columns(tmp_path: Path) -> None:
    """It cannot say what made it, so nobody else's is taken for one of trialsim."""
    path = tmp_path / "table.csv"
    path.write_text("value,power\n1,0.5\n")
    assert "must not be a table that exists: --overwrite replaces it" in refusal(path)
    write_named(path, b"value,power\n2,0.5\n", overwrite=True)
    assert path.read_text() == "value,power\n2,0.5\n"


def test_a_link_is_left_and_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "real.html").write_bytes(PAGE)
    for name, target in (("link.html", "real.html"), ("dead.html", "nowhere"), ("self", "self")):
        (tmp_path / name).symlink_to(target)
        for overwrite in (False, True):
            assert "must not be a link" in refusal(tmp_path / name, overwrite)
        assert (tmp_path / name).readlink() == Path(target)
    assert (tmp_path / "real.html").read_bytes() == PAGE


def test_a_pipe_and_a_socket_are_left_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's whole name must be short
    os.mkfifo("pipe.html")
    with socket.socket(socket.AF_UNIX) as here:
        here.bind("socket.html")
        for name in ("pipe.html", "socket.html"):
            for overwrite in (False, True):
                assert "not a device or a pipe" in refusal(tmp_path / name, overwrite)


def test_a_device_is_left(tmp_path: Path) -> None:
    """A node of its own, like the null device, in the test's folder."""
    node = tmp_path / "null.html"
    try:
        os.mknod(node, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("no right to make a device")
    for overwrite in (False, True):
        assert "not a device or a pipe" in refusal(node, overwrite)
    assert stat.S_ISCHR(os.lstat(node).st_mode)


@pytest.mark.parametrize(
    ("place", "rule"),
    [
        (".", "must be a file, not a folder"),
        ("missing/page.html", "must be in a folder that exists"),
        ("n" * 300, "cannot be read: File name too long"),
        ("file/page.html", "must be in a folder that exists"),
    ],
)
def test_a_place_where_no_file_can_be_is_refused(place: str, rule: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match=rule):
        check_named(tmp_path / place, "-o")


def test_a_file_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(PAGE)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left on device"):
        write_named(path, PAGE + b"more")
    assert path.read_bytes() == PAGE
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]
