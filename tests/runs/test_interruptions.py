"""A few of the interruptions that `tests.runs.interruptions` makes by the hundred."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runs.interruptions import COMMANDS, campaign
from tests.runs.nursery import Nursery

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


def test_commands_that_are_stopped_at_random_moments_lose_nothing(
    tmp_path: Path, nursery: Nursery
) -> None:
    """One of each way of stopping, of a command with workers and of one without.

    What a command loads is there already, so it is the command that is stopped; how one ends that
    is stopped as it loads is a matter of `tests/cli/test_interruptions.py`.
    """

    def start(
        arguments: list[str], folder: Path, words: Path
    ) -> tuple[int, Callable[[float], int]]:
        return nursery.start("tests.runs.nursery:command", folder, words, *arguments), nursery.wait

    names = ["power", "merge"]
    assert set(names) <= set(COMMANDS)
    *_, found = campaign(tmp_path, 6, names, seed=5, times=3, start=start)
    assert found.interruptions == 6
    assert found.compared >= 2
    assert not found.wrong
