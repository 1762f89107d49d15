"""The page in a server of its own, at an address of this machine."""

import asyncio
import socket
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final

from trialsim.errors import InputError, Problem
from trialsim.scenario.files.builtin import builtin_studies
from trialsim.scenario.programme import Study

NEEDS_EXTRA: Final = "the page to plan on needs the extra app: pip install 'trialsim[app]'"
_FIRST: Final = "cars1"
_BACKLOG: Final = 128
_MOST_CONNECTIONS: Final = 200


def check_app() -> None:
    """Refuse, before anything is read, what this installation cannot serve.

    Raises
    ------
    InputError
        If the extra `app` is not installed.
    """
    if any(find_spec(name) is None for name in ("shiny", "uvicorn", "jinja2", "matplotlib")):
        raise InputError([Problem("", NEEDS_EXTRA)])


def serve(study: Study | None, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page until it is interrupted.

    Parameters
    ----------
    study
        What is open at first, besides the studies that come with the package.
    port
        0 for any that is free.
    ready
        Called with the address once somebody may come.

    Raises
    ------
    InputError
        If there is no such address here, or it is taken, or the extra `app` is not installed.
    """
    check_app()
    import uvicorn

    from trialsim.app.guard import Guard
    from trialsim.app.limits import MOST_BYTES
    from trialsim.app.runner import load_ahead

    listening = _listening(host, port)
    load_ahead()
    config = uvicorn.Config(
        Guard(shiny_app(study), host),
        log_level="warning",
        ws_max_size=MOST_BYTES,
        limit_concurrency=_MOST_CONNECTIONS,
        server_header=False,
    )
    name, taken = listening.getsockname()[:2]
    shown = f"[{name}]" if ":" in name else name
    with listening:
        ready(f"http://{shown}:{taken}")
        uvicorn.Server(config).run(sockets=[listening])


def shiny_app(study: Study | None) -> Any:
    """Return the application, whose sessions share nothing but the places to compute."""
    from shiny import App, Inputs, Outputs, Session

    from trialsim.app.limits import workers_at_once
    from trialsim.app.page import GIVEN, page
    from trialsim.app.server import Visit

    known = builtin_studies()
    is_given = study is not None and (study.name not in known or not _is_builtin(study))
    selected = GIVEN if is_given else _FIRST if study is None else study.name
    given = study if is_given else None
    places = asyncio.Semaphore(workers_at_once())

    def server(inputs: Inputs, outputs: Outputs, session: Session) -> None:
        Visit(inputs, session, given, places).serve()

    return App(page(None if given is None else given.name, selected), server)


def _is_builtin(study: Study) -> bool:
    from trialsim.scenario.files.studies import load_study

    return load_study(builtin_studies()[study.name]) == study


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket at an address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        rule = f"must be an address of this machine that is free: {error.strerror}"
        raise InputError([Problem("--host, --port", rule, f"{host}:{port}")]) from None
    return listening
