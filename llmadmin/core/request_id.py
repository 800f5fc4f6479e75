"""The id of the request in hand: on each answer, in each log line and audit entry, so that people can name what went wrong."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

HEADER = "X-Request-Id"
_SANE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$")
_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """The id of the request in hand, or "" outside of one."""
    return _current.get()


def new() -> str:
    return f"req_{uuid.uuid4().hex}"


def taken(incoming: str | None) -> str:
    """The caller's own id where it is sane (8 to 64 of letters, digits and . _ -), else a new one."""
    return incoming if incoming and _SANE.match(incoming) else new()


def bind(request_id: str) -> None:
    """Make `request_id` the current one of this task or thread."""
    _current.set(request_id)


@sync_and_async_middleware
def RequestIdMiddleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:  # noqa: N802
    """Give each request an id, and put it on the answer."""
    if iscoroutinefunction(get_response):

        async def handle_async(request: HttpRequest) -> HttpResponseBase:
            with _bound(request) as request_id:
                response: HttpResponseBase = await get_response(request)
            response[HEADER] = request_id
            return response

        return handle_async

    def handle(request: HttpRequest) -> HttpResponseBase:
        with _bound(request) as request_id:
            response: HttpResponseBase = get_response(request)
        response[HEADER] = request_id
        return response

    return handle


@contextmanager
def _bound(request: HttpRequest) -> Iterator[str]:
    request_id = taken(request.headers.get(HEADER))
    token = _current.set(request_id)
    try:
        yield request_id
    finally:
        _current.reset(token)
