"""A process that forks, started once for all tests of runs."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.runs.nursery import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Return a process in which calls start at once."""
    with closing(Nursery()) as process:
        yield process
