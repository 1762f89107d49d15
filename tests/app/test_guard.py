"""Only the page itself may ask, and for no more than a request may hold."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from trialsim.app.guard import Guard, Message, Receive, Scope, Send
from trialsim.app.limits import MOST_BYTES


def asked(
    kind: str,
    headers: Mapping[str, str],
    served: str = "127.0.0.1",
    body: Sequence[bytes] = (b"",),
) -> list[dict[str, Any]]:
    """Return what is answered to a request whose body comes in parts."""
    sent: list[dict[str, Any]] = []
    parts = [{"type": "http.request", "body": part, "more_body": True} for part in body]

    async def receive() -> Message:
        return parts.pop(0) if parts else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(dict(message))

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})

    named = [(name.encode(), text.encode()) for name, text in headers.items()]
    asyncio.run(Guard(inside, served)({"type": kind, "headers": named}, receive, send))
    return sent


HERE = {"host": "127.0.0.1:8017"}


def test_the_page_itself_is_answered_and_may_load_from_nowhere_else() -> None:
    (start,) = asked("http", {**HERE, "origin": "http://127.0.0.1:8017"})
    assert start["status"] == 200
    assert b"default-src 'self'" in dict(start["headers"])[b"content-security-policy"]
    assert asked("http", {"host": "[::1]:8017"}, "::1")[0]["status"] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "elsewhere.invalid"}, 421),
        ({}, 421),
        ({**HERE, "origin": "http://elsewhere.invalid"}, 403),
        ({**HERE, "origin": "null"}, 403),
        ({**HERE, "content-length": str(MOST_BYTES + 1)}, 413),
        ({**HERE, "content-length": "-1"}, 413),
    ],
)
def test_others_are_refused(headers: dict[str, str], status: int) -> None:
    assert asked("http", headers)[0]["status"] == status
    assert asked("websocket", headers) == [{"type": "websocket.close", "code": 1008}]


def test_a_body_of_unsaid_length_is_counted() -> None:
    half = b"x" * (MOST_BYTES // 2 + 1)
    assert asked("http", HERE, body=[half])[0]["status"] == 200
    assert asked("http", HERE, body=[half, half])[0]["status"] == 413


def test_a_public_address_answers_by_whatever_name_it_has() -> None:
    assert asked("http", {"host": "planning.example"}, "0.0.0.0")[0]["status"] == 200
