"""A process that has loaded what tests need, and forks one for each call: these start at once."""

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Final

_PROGRAM: Final = """
import contextlib, gc, io, json, os, sys, tempfile
from importlib import import_module
from trialsim.cli import run

with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
    run(["power", "stroke_nihss", "--replicates", "2", "--jobs", "1", "--out", folder])
gc.freeze()
print(os.getpid(), flush=True)
for line in sys.stdin:
    function, folder, words, *arguments = json.loads(line)
    module, name = function.split(":")
    called = getattr(import_module(module), name)
    child = os.fork()
    if child == 0:
        os.setsid()
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open(words, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        called(*arguments)
        sys.exit()
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def command(*arguments: str) -> None:
    """Run a command line as the program does."""
    from trialsim.__main__ import main

    sys.argv = ["trialsim", *arguments]
    main()


class Nursery:
    """The process that forks; one call at a time, each in a session of its own."""

    def __init__(self) -> None:
        self._forks = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # so that what has been said, and is not read, can be waited for
            cwd=Path(__file__).parents[2],
        )
        self._said()  # that all is loaded

    def start(self, function: str, folder: Path, words: Path | None, *arguments: str) -> int:
        """Call a function, named module:name, in a folder; return the process, its words kept."""
        assert self._forks.stdin is not None
        told = [function, str(folder), str(words or os.devnull), *arguments]
        self._forks.stdin.write(f"{json.dumps(told)}\n".encode())
        return self._said()

    def wait(self, seconds: float) -> int:
        """Return the status with which the call ends.

        Raises
        ------
        subprocess.TimeoutExpired
            If it has not ended in time.
        """
        assert self._forks.stdout is not None
        if not select.select([self._forks.stdout], [], [], seconds)[0]:
            raise subprocess.TimeoutExpired("the call", seconds)
        return self._said()

    def _said(self) -> int:
        assert self._forks.stdout is not None
        return int(self._forks.stdout.readline())

    def close(self) -> None:
        """End the process."""
        with self._forks:
            pass
