"""`GET /api/v1/config/` and `GET /api/v1/resolve/` for service keys: answered from memory, beside Django.

The answers are those of the REST API, its error bodies included; a person's session is answered by the API's own views,
over the same functions of `documents`.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import structlog
from django.db import DatabaseError, close_old_connections, connections

from llmadmin.accounts.actors import actor_of_service
from llmadmin.audit.actor import Actor
from llmadmin.audit.services import note_now
from llmadmin.core import request_id as request_ids
from llmadmin.core.errors import InvalidError, MissingError
from llmadmin.core.exchange import (
    JSON_TYPE,
    ClientGoneError,
    Receive,
    Scope,
    Send,
    find_header,
    send_bytes,
    send_empty,
    send_json,
)
from llmadmin.gateway import polls
from llmadmin.gateway.admission import authenticate, require_scope
from llmadmin.gateway.callers import READ_CONFIG, Grant
from llmadmin.gateway.documents import config_answer, config_etag
from llmadmin.gateway.errors import GatewayError, internal, invalid
from llmadmin.gateway.hangup import HangUp
from llmadmin.gateway.resolving import Question, resolve_document
from llmadmin.gateway.runtime import Runtime

log = structlog.get_logger(__name__)

CONFIG_PATH = "/api/v1/config/"
RESOLVE_PATH = "/api/v1/resolve/"
_VARY = (b"vary", b"Authorization")
_PRIVATE = (b"cache-control", b"private, no-cache")
_NEVER_STORED = (b"cache-control", b"no-store")
REFUSALS_APART_S = 60.0
_refused_s: dict[str, float] = {}
"""When a refusal of each key was last noted, on the monotonic clock."""


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one GET of the two paths that came with a service key."""
    given = find_header(scope, b"x-request-id")
    request_id = request_ids.taken(given.decode("latin-1") if given else None)
    request_ids.bind(request_id)
    try:
        runtime = Runtime.current()
        grant = authenticate(scope, runtime.snapshot)
        try:
            require_scope(grant.caller, READ_CONFIG)
        except GatewayError:
            await _note_refusal(scope, runtime, grant, request_id)
            raise
        runtime.note_service_key_used(grant.caller.key_id)
        if scope["path"] == CONFIG_PATH:
            await _answer_config(scope, receive, send, runtime, grant, request_id)
        else:
            await _answer_resolve(scope, send, runtime, grant, request_id)
    except GatewayError as error:
        await _send_error(send, error, request_id)
    except InvalidError as wrong:
        await _send_error(send, invalid(wrong.message, code="invalid"), request_id)
    except MissingError as missing:
        not_found = GatewayError(404, missing.message, kind="not_found", code=missing.code)
        await _send_error(send, not_found, request_id)
    except ClientGoneError:
        return
    except Exception:
        log.exception("a config read failed")
        await _send_error(send, internal(), request_id)


async def _answer_config(
    scope: Scope, receive: Receive, send: Send, runtime: Runtime, grant: Grant, request_id: str
) -> None:
    known = find_header(scope, b"if-none-match")
    etag = config_etag(runtime.snapshot, grant)
    if known is not None and _matches(known, etag):
        wait_s = polls.wait_of(_query(scope).get("wait", "0")) if scope["query_string"] else 0.0
        if wait_s:
            async with HangUp(receive) as caller:
                grant = await _wait(scope, runtime, grant, etag, wait_s)
            if caller.has_happened:
                return
        etag = config_etag(runtime.snapshot, grant)
        if _matches(known, etag):
            await send_empty(send, 304, [*_config_headers(runtime, grant, request_id), (b"etag", etag)])
            return
    snapshot = runtime.snapshot
    if grant.has_secrets:
        await _audit(scope, runtime, grant, request_id)
    answer = config_answer(snapshot, grant)
    headers = [JSON_TYPE, *_config_headers(runtime, grant, request_id), (b"etag", answer.etag)]
    await send_bytes(send, 200, answer.body, headers)


async def _wait(scope: Scope, runtime: Runtime, grant: Grant, etag: bytes, wait_s: float) -> Grant:
    """Wait until this key would see something else, or until the time is up; the grant as it is then."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + polls.shortened(wait_s)
    with polls.place_for(grant.caller.key_id or ""):
        while (remaining_s := ends_at - loop.time()) > 0:
            if await runtime.wait_for_change(remaining_s):
                await asyncio.sleep(polls.wake_delay_s())
                grant = authenticate(scope, runtime.snapshot)
                require_scope(grant.caller, READ_CONFIG)
                if config_etag(runtime.snapshot, grant) != etag:
                    break
    return grant


async def _answer_resolve(scope: Scope, send: Send, runtime: Runtime, grant: Grant, request_id: str) -> None:
    question = Question.read(_query(scope))
    document = resolve_document(runtime.snapshot, grant, question, router=runtime.router)
    await send_json(send, 200, document, [*_common_headers(runtime, request_id), _PRIVATE])


async def _audit(scope: Scope, runtime: Runtime, grant: Grant, request_id: str) -> None:
    """Leave an entry for an answer that holds API keys, before it goes out; once the database is back if it is away."""
    what = {"key_id": grant.caller.key_id, "read_at": datetime.now(UTC).isoformat()}
    name = f"version {runtime.snapshot.version}"
    actor = _actor(scope, grant, request_id)
    await _write(runtime, actor, functools.partial(note_now, actor, "read_secrets", "config", name, after=what))


async def _note_refusal(scope: Scope, runtime: Runtime, grant: Grant, request_id: str) -> None:
    """Leave an entry of a refused read: one a minute for a key, since programs ask again and again."""
    key_id, now = grant.caller.key_id or "", time.monotonic()
    if now - _refused_s.get(key_id, -REFUSALS_APART_S) < REFUSALS_APART_S:
        return
    _refused_s[key_id] = now  # as many as there are keys
    actor = _actor(scope, grant, request_id)
    await _write(runtime, actor, functools.partial(note_now, actor, "refused", "scope", READ_CONFIG, was_refused=True))


def _actor(scope: Scope, grant: Grant, request_id: str) -> Actor:
    client = scope.get("client")
    return actor_of_service(
        grant.caller.service, ip=client[0] if client else None, request_id=request_id, scopes=grant.caller.scopes
    )


async def _write(runtime: Runtime, actor: Actor, write: Callable[[], None]) -> None:
    try:
        if not runtime.database_error:
            await asyncio.to_thread(_written_at_once, write)
            return
    except DatabaseError:
        pass
    log.warning("An act of a service can't be written to the audit log; the entry follows", service=actor.label)
    runtime.defer(write)


def _written_at_once(write: Callable[[], None]) -> None:
    try:
        close_old_connections()
        write()
    finally:
        # The thread is not Django's, so nobody else would give its connection back.
        connections.close_all()


def _query(scope: Scope) -> Mapping[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


def _matches(known: bytes, etag: bytes) -> bool:
    """Whether If-None-Match names this ETag, alone or in a list, also as a weak one, or as `*`."""
    return known == etag or any(one.strip().removeprefix(b"W/") in (etag, b"*") for one in known.split(b","))


def _common_headers(runtime: Runtime, request_id: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-request-id", request_id.encode("latin-1", "replace")),
        (b"x-llmadmin-config-version", b"%d" % runtime.snapshot.version),
        _VARY,
    ]


def _config_headers(runtime: Runtime, grant: Grant, request_id: str) -> list[tuple[bytes, bytes]]:
    return [*_common_headers(runtime, request_id), _NEVER_STORED if grant.has_secrets else _PRIVATE]


async def _send_error(send: Send, error: GatewayError, request_id: str) -> None:
    headers = {"x-request-id": request_id, **error.headers}
    pairs = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send_json(send, error.status, error.to_rest(request_id=request_id), [*pairs, _VARY])
