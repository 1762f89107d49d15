"""The command line: arguments in, text and files out; the only part that prints."""

from trialsim.cli.app import app, main, run
from trialsim.cli.console import DONE, INPUT_WRONG, INTERRUPTED, RUN_FAILED

__all__ = ["DONE", "INPUT_WRONG", "INTERRUPTED", "RUN_FAILED", "app", "main", "run"]
