"""A limit of memory ends a command in a line: nothing waits for a thread that cannot be started."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from trialsim.cli import DONE, RUN_FAILED

pytest.importorskip("resource", reason="limits as POSIX does")

PROGRAM: Final = r"""
import resource, sys
from pathlib import Path
from trialsim.cli import run

STUDY = ["power", "stroke_nihss", "--set", "design.patients=12", "--jobs", "1", "--json"]
run([*STUDY, "--replicates", "1100", "--out", sys.argv[1]])
sys.setrecursionlimit(10_000)
def deep(left): return left and sum(map(deep, [left - 1]))
deep(4_000)  # a stack that cannot grow ends a process without a word
lines = Path("/proc/self/status").read_text().splitlines()
(held,) = (1024 * int(line.split()[1]) for line in lines if line.startswith("VmSize"))
for more in map(int, sys.argv[2:]):
    resource.setrlimit(resource.RLIMIT_AS, (held + more * 2**20, resource.RLIM_INFINITY))
    print("status", run([*STUDY, "--replicates", "3000", "--out", sys.argv[1]]), file=sys.stderr)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_a_run_without_memory_ends_in_a_line_and_goes_on_with_it(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("\\\\", "\\"), str(tmp_path), "0", "1", "4", "4096"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    told = ended.stderr.splitlines()
    statuses = [int(line.split()[1]) for line in told if line.startswith("status ")]
    assert ended.returncode == 0, ended.stderr
    assert set(statuses) <= {DONE, RUN_FAILED}
    assert statuses[-1] == DONE
    assert RUN_FAILED in statuses
    assert all(line.startswith(("status ", "trialsim: ")) for line in told), ended.stderr
    assert len(told) == len(statuses) + statuses.count(RUN_FAILED)
