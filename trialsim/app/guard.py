"""What stands before the page: who may ask, and how much one request may hold."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from trialsim.app.limits import MOST_BYTES

Scope: TypeAlias = Mapping[str, Any]
"""What a request is, as ASGI says it; see also the names that follow."""
Message: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_HEADERS: Final = (
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data:; font-src 'self' data:; object-src 'none'; frame-ancestors 'none'; "
        b"base-uri 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class TooLargeError(Exception):
    """A request holds more than any may."""


class Guard:
    """Refuses requests that are too large, or come from the page of somebody else.

    A page elsewhere could otherwise have the visitor's browser speak with this one: by a link of
    its own, or by a name that it lets point here.
    """

    def __init__(self, app: Application, host: str) -> None:
        """Take what is guarded, and the address at which it is served."""
        self._app = app
        self._hosts = (*LOOPBACK, host) if host in LOOPBACK else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refusal(headers)
        if refused is not None:
            await _refuse(scope, receive, send, *refused)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            await self._counted(scope, receive, send)

    def _refusal(self, headers: Mapping[bytes, str]) -> tuple[str, int] | None:
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        named = urlsplit(f"//{host}").hostname
        if self._hosts is not None and named not in self._hosts:
            return "this page is served under another name", 421
        if origin is not None and urlsplit(origin).netloc != host:
            return "another page must not ask", 403
        length = headers.get(b"content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return f"a request must hold at most {MOST_BYTES:,} bytes", 413
        return None

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through as long as it is not too large."""
        size, begun = 0, False

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MOST_BYTES:
                raise TooLargeError
            return message

        async def headed(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        try:
            await self._app(scope, counted, headed)
        except TooLargeError:
            if not begun:
                told = f"a request must hold at most {MOST_BYTES:,} bytes"
                await _refuse(scope, receive, send, told, 413)


async def _refuse(scope: Scope, receive: Receive, send: Send, told: str, status: int) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    text = f"{told}\n".encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
