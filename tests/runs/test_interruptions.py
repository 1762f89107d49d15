"""A few of the interruptions that `tests.runs.interruptions` makes by the hundred."""

from pathlib import Path

import pytest

from tests.runs.interruptions import COMMANDS, campaign

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


def test_commands_that_are_stopped_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    """One of each way of stopping, of a command with workers and of one without."""
    names = ["power", "merge"]
    assert set(names) <= set(COMMANDS)
    *_, found = campaign(tmp_path, 6, names, seed=5, times=3)
    assert found.interruptions == 6
    assert found.compared >= 2
    assert not found.wrong
