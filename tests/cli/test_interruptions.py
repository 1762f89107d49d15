"""A command that is stopped at any moment leaves no worker, and goes on to the same bytes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Final

import pytest

import trialsim as ts
from tests.runs.interruptions import processes_of
from tests.runs.test_directory import bytes_of
from trialsim.cli import DONE, RUN_FAILED, run
from trialsim.compiled.library import NUMPY, computed_by
from trialsim.replicates.watch import WATCH_SECONDS
from trialsim.reporting.progress import Progress

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")

PROGRAM: Final = [sys.executable, "-m", "trialsim"]
STUDY: Final = ["stroke_nihss", "--jobs", "2", "--seed", "7"]
POWER: Final = ["power", *STUDY, "--set", "design.patients=12", "--replicates", "6000"]
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


def stopped(
    arguments: list[str], out: Path, after: float, how: signal.Signals
) -> tuple[int, str, set[int]]:
    """Stop a command a while after its first file; return status, words and living workers."""
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=Path(__file__).parents[2],
    ) as child:
        try:
            while not (out / "manifest.json").exists() and child.poll() is None:
                time.sleep(0.01)
            child.wait(after)
        except subprocess.TimeoutExpired:
            # from the keyboard it goes to all processes, otherwise to the parent alone
            os.killpg(child.pid, how) if how is signal.SIGINT else child.send_signal(how)
        status = child.wait(60)
        deadline = time.monotonic() + 5
        while processes_of(child.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        living = processes_of(child.pid)
        for worker in living:
            os.kill(worker, signal.SIGKILL)
        words = "" if child.stderr is None else child.stderr.read()
    return status, words, living


def test_a_command_that_is_stopped_leaves_no_worker_and_goes_on(tmp_path: Path) -> None:
    """In three ways, one after the other; who is ended by TERM or KILL says nothing."""
    moments = Random(7)
    disturbed, undisturbed = ([*POWER, "--out", str(tmp_path / at)] for at in "du")
    for how in SIGNALS:
        status, words, living = stopped(disturbed, tmp_path / "d", moments.uniform(0, 2), how)
        assert not living
        assert "Traceback" not in words
        assert status in {0, 130 if how is signal.SIGINT else -how}
        if status == 130:
            assert words.startswith("trialsim: interrupted")
    for arguments in (disturbed, undisturbed):
        assert run([*arguments, "--jobs", "1"]) == DONE
    assert bytes_of(tmp_path / "d") == bytes_of(tmp_path / "u")


def test_a_killed_worker_is_told_with_what_is_kept_and_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a machine that is out of memory, once the first block is finished."""

    def kill_a_worker(*_: object) -> None:
        mine = [one for one in processes_of(os.getsid(0)) if _is_worker_of(one, os.getpid())]
        if mine:
            os.kill(min(mine), signal.SIGKILL)

    monkeypatch.setattr(Progress, "__call__", kill_a_worker)
    with computed_by(NUMPY):  # which has processes as workers
        assert run([*POWER[:-1], "40000", "--out", str(tmp_path)]) == RUN_FAILED
    kept = len(list(tmp_path.glob("parts/*.parquet")))
    why = "a worker process was killed, most likely for want of memory"
    how = f"{kept} finished blocks are kept in {tmp_path}, and the same command continues"
    assert (kept > 0, capsys.readouterr()) == (True, ("", f"trialsim: {why}; {how}\n"))


def _is_worker_of(pid: int, parent: int) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(fields[1]) == parent and b"popen_loky_posix" in command


def test_a_worker_looks_for_its_parent_often_enough() -> None:
    assert WATCH_SECONDS <= 1


_AS_IT_LOADS: Final = """
import os, signal, sys
import trialsim.__main__

class Interrupt:
    def find_spec(self, name, *_):
        if name == "{module}":
            os.kill(os.getpid(), signal.{how})

sys.meta_path.insert(0, Interrupt())
sys.argv[1:] = ["check", "cars1"]
trialsim.__main__.main()
"""
_SAID: Final = "trialsim: interrupted\n"


@pytest.mark.parametrize("module", ["trialsim.cli", "trialsim.cli.runs", "numpy.linalg"])
def test_a_command_that_is_interrupted_as_it_loads_says_so_in_a_line(module: str) -> None:
    program = [sys.executable, "-c", _AS_IT_LOADS.format(how="SIGINT", module=module)]
    ended = subprocess.run(program, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", _SAID)


def test_a_command_that_is_terminated_as_it_loads_says_nothing() -> None:
    program = [sys.executable, "-c", _AS_IT_LOADS.format(how="SIGTERM", module="trialsim.cli.runs")]
    ended = subprocess.run(program, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGTERM, "", "")


def test_the_package_is_a_program() -> None:
    program = [sys.executable, "-m", "trialsim", "--version"]
    assert subprocess.check_output(program, text=True).startswith(f"trialsim {ts.__version__},")


@pytest.mark.parametrize("inner", ["raise", "sys.exit(130)"])
def test_the_status_is_130_also_when_a_library_was_interrupted_in_an_exec(
    inner: str, tmp_path: Path
) -> None:
    """Python notes that, and a module that is run would leave by SIGINT though it was handled."""
    program = f"""
import sys
import trialsim.cli

def interrupted(*_, **__):
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        {inner}

sys.modules["trialsim.cli.app"].program = lambda: interrupted
sys.modules["trialsim.cli.app"].main()
"""
    (tmp_path / "interrupted.py").write_text(program)
    ended = subprocess.run(
        [sys.executable, "-m", "interrupted"], capture_output=True, text=True, cwd=tmp_path
    )
    assert (ended.returncode, ended.stderr) == (130, _SAID)
