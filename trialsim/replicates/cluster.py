"""A Dask cluster, whose workers must compute as this process does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from trialsim.errors import InputError, Problem, RunError
from trialsim.replicates.versions import differing, versions_here

PATIENCE: Final = "10s"
"""How long a scheduler may take to answer."""


@contextmanager
def connected(scheduler: str) -> Iterator[None]:
    """Let joblib's Dask backend find the cluster at an address.

    Raises
    ------
    InputError
        If Dask is not installed, or a worker has other versions than this process.
    RunError
        If the scheduler does not answer.
    """
    try:
        from distributed import Client
    except ImportError:
        rule = "needs Dask, which `pip install 'trialsim[cluster]'` brings"
        raise InputError([Problem("--scheduler", rule)]) from None
    try:
        client: Any = Client(scheduler, timeout=PATIENCE)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise RunError(f"no Dask scheduler answers at {scheduler}: {error}") from None
    with client:
        here, workers = versions_here(), ask_workers(client)
        problems = [one for name, found in workers.items() for one in differing(name, found, here)]
        if problems:  # told of all workers at once
            raise InputError(problems)
        yield


def ask_workers(client: Any) -> dict[str, dict[str, str]]:
    """Return the versions on each worker, by its address."""
    found: dict[str, dict[str, str]] = client.run(versions_here)
    return found
