"""Reading a body without a framework: whole, in pieces, too large, cut off."""

from __future__ import annotations

import asyncio

import pytest

from llmadmin.core.exchange import BodyTooLargeError, BodyTooSlowError, ClientGoneError, read_body


def _receiving(*events: dict[str, object]):
    waiting = iter(events)

    async def receive() -> dict[str, object]:
        return next(waiting)

    return receive


def _piece(body: bytes, *, more: bool = False) -> dict[str, object]:
    return {"type": "http.request", "body": body, "more_body": more}


def _scope(**headers: str) -> dict[str, object]:
    return {"headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]}


async def test_a_body_in_pieces_is_put_together():
    receive = _receiving(_piece(b"ab", more=True), _piece(b"", more=True), _piece(b"c"))

    assert await read_body(_scope(), receive, limit_bytes=10) == b"abc"


async def test_a_body_of_exactly_the_limit_is_taken():
    assert await read_body(_scope(content_length="3"), _receiving(_piece(b"abc")), limit_bytes=3) == b"abc"


async def test_an_announced_length_over_the_limit_is_refused_unread():
    with pytest.raises(BodyTooLargeError):
        await read_body(_scope(content_length="4"), _receiving(), limit_bytes=3)


@pytest.mark.parametrize("events", [(_piece(b"abcd"),), (_piece(b"ab", more=True), _piece(b"cd", more=True))])
async def test_an_unannounced_body_is_refused_once_it_is_over_the_limit(events):
    with pytest.raises(BodyTooLargeError):
        await read_body(_scope(), _receiving(*events), limit_bytes=3)


async def test_a_caller_who_hangs_up_while_sending_is_told_apart():
    receive = _receiving(_piece(b"ab", more=True), {"type": "http.disconnect"})

    with pytest.raises(ClientGoneError):
        await read_body(_scope(), receive, limit_bytes=10)


async def test_a_body_that_never_ends_is_given_up():
    waiting = [_piece(b"a", more=True)]

    async def receive() -> dict[str, object]:
        return waiting.pop() if waiting else await asyncio.Future()

    with pytest.raises(BodyTooSlowError):
        await read_body(_scope(content_length="2"), receive, limit_bytes=10, timeout_s=0.05)
