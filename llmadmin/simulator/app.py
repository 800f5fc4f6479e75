"""The simulated provider: a small server in OpenAI's dialect that asks no model and says so in every answer.

It stands at `/simulated/` in development and in the demo, and on a port of its own in tests. How to make it slow, fail
or cut a stream: `docs/how-to/simulator.md`.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from llmadmin.core.exchange import (
    BodyTooLargeError,
    ClientGoneError,
    Receive,
    Scope,
    Send,
    find_header,
    read_body,
    send_bytes,
    send_json,
)
from llmadmin.simulator import answers, faults
from llmadmin.simulator.control import Board
from llmadmin.simulator.faults import Faults, UnknownWishError

MODELS = ("sim-small", "sim-large", "sim-reasoning", "sim-slow", "sim-flaky", "sim-cut", "sim-500", "sim-embed")
MODEL_PREFIX = "sim-"
LABEL = (b"x-simulated", b"true")
_EVENT_STREAM = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"), LABEL]


class RefusedError(Exception):
    """The request is answered with an error, as OpenAI would."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = answers.error_body(status, message, code=code, param=param)
        self.headers = list(headers)


class Simulator:
    """The ASGI application. With an `api_key`, every call under `/v1/` must bring it, or one accepted since."""

    def __init__(self, *, api_key: str | None = None, prefix: str = "", max_body_bytes: int = 64 * 1024 * 1024) -> None:
        self.board = Board()
        self.seen: list[dict[str, Any]] = []
        """The last bodies that came, newest last, for tests to look at."""
        self._keys = {} if api_key is None else {api_key: 200}
        self.calls_by_key: Counter[str] = Counter()
        """Calls that were let in, by the key that they came with; for drills with several keys."""
        self._prefix = prefix
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"].removeprefix(self._prefix), scope["method"]
        try:
            await self._route(f"{method} {path}", scope, receive, send)
        except RefusedError as refused:
            await send_json(send, refused.status, refused.body, [LABEL, *refused.headers])
        except UnknownWishError as error:
            await send_json(send, 400, answers.error_body(400, str(error), code="unknown_wish"), [LABEL])
        except ClientGoneError:
            return

    async def _route(self, what: str, scope: Scope, receive: Receive, send: Send) -> None:
        if what in ("GET /control", "POST /control"):
            await self._control(scope, receive, send)
            return
        self._check_key(scope)
        if what == "GET /v1/models":
            data = [_model(name) for name in MODELS]
            await send_json(send, 200, {"object": "list", "data": data}, [LABEL])
        elif what.startswith("GET /v1/models/"):
            await send_json(send, 200, _model(_known(what.removeprefix("GET /v1/models/"))), [LABEL])
        elif what in _ENDPOINTS:
            body = await self._body(scope, receive)
            await _ENDPOINTS[what](self, body, scope, send)
        else:
            raise RefusedError(404, f"The simulator has no {what}.", code="unknown_url")

    # Calls

    async def _chat(self, body: dict[str, Any], scope: Scope, send: Send) -> None:
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise RefusedError(400, "'messages' must be a list with at least one message.", param="messages")
        wanted = self._wishes(body, scope, answers.text_of(messages[-1]))
        await _go_wrong(wanted)
        answer = answers.answer_chat(body, wanted)
        if body.get("stream"):
            options = body.get("stream_options") or {}
            await _stream(send, answer, wanted, has_usage=bool(options.get("include_usage")) and not wanted.no_usage)
        else:
            await _send_whole(send, answers.chat_body(answer, has_usage=not wanted.no_usage), wanted)

    async def _complete(self, body: dict[str, Any], scope: Scope, send: Send) -> None:
        prompt = body.get("prompt")
        if not isinstance(prompt, str | list) or not prompt:
            raise RefusedError(400, "'prompt' must be a text.", param="prompt")
        wanted = self._wishes(body, scope, str(prompt))
        await _go_wrong(wanted)
        await _send_whole(send, answers.completion_body(body, wanted), wanted)

    async def _embed(self, body: dict[str, Any], scope: Scope, send: Send) -> None:
        given = body.get("input")
        if not isinstance(given, str | list) or not given:
            raise RefusedError(400, "'input' must be a text or a list of texts.", param="input")
        wanted = self._wishes(body, scope, str(given))
        await _go_wrong(wanted)
        await _send_whole(send, answers.embedding_body(body), wanted)

    def _wishes(self, body: Mapping[str, Any], scope: Scope, prompt: str) -> Faults:
        model = _known(body.get("model"))
        header = find_header(scope, b"x-simulate")
        by_header = faults.parse(header.decode("latin-1")) if header else Faults()
        wanted = (
            by_header.over(faults.of_prompt(prompt)).over(self.board.wishes_for(model)).over(faults.of_model(model))
        )
        count = self.board.count(model)
        if wanted.every and count % wanted.every:
            return Faults(words=wanted.words)
        return wanted

    async def _body(self, scope: Scope, receive: Receive) -> dict[str, Any]:
        try:
            body = orjson.loads(await read_body(scope, receive, limit_bytes=self._max_body_bytes))
        except orjson.JSONDecodeError as error:
            raise RefusedError(400, f"The body is not JSON: {error}.", code="invalid_json") from error
        except BodyTooLargeError as error:
            raise RefusedError(413, f"The body is larger than {self._max_body_bytes} bytes.") from error
        if not isinstance(body, dict):
            raise RefusedError(400, "The body must be a JSON object.", code="invalid_json")
        self.seen = [*self.seen[-19:], body]
        return body

    # The control endpoint

    async def _control(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Show or set what models do, from this machine only.

        The content type is insisted on, since a page of another site can't send it without asking the browser first.
        """
        if not _is_loopback(scope):
            raise RefusedError(403, "The simulator is steered from the machine it runs on only.")
        if scope["method"] == "POST":
            if not (find_header(scope, b"content-type") or b"").startswith(b"application/json"):
                raise RefusedError(415, "Send JSON, with Content-Type: application/json.")
            self.board.set(await self._body(scope, receive))
        await send_json(send, 200, self.board.show(), [LABEL])

    def accept(self, api_key: str) -> None:
        """Let calls in that come with this key, beside those with the other accepted ones."""
        self._keys[api_key] = 200

    def refuse(self, api_key: str, *, status: int = 401) -> None:
        """Answer calls with this key by `status` from now on: 401 as for a revoked key, 402 as for one without credit."""
        self._keys[api_key] = status

    def _check_key(self, scope: Scope) -> None:
        if not self._keys:
            return
        given = (find_header(scope, b"authorization") or b"").removeprefix(b"Bearer ").decode("latin-1")
        status = self._keys.get(given, 401)
        if status == 401:
            raise RefusedError(401, "Incorrect API key provided to the simulator.", code="invalid_api_key")
        if status != 200:
            raise RefusedError(status, "The simulator refuses this key.", code="key_refused")
        self.calls_by_key[given] += 1


_ENDPOINTS = {
    "POST /v1/chat/completions": Simulator._chat,  # noqa: SLF001 - the class's own table
    "POST /v1/completions": Simulator._complete,  # noqa: SLF001
    "POST /v1/embeddings": Simulator._embed,  # noqa: SLF001
}


async def _go_wrong(wanted: Faults) -> None:
    """Wait as wished, then fail if that was wished."""
    if wanted.delay_ms:
        await asyncio.sleep(wanted.delay_ms / 1000)
    if wanted.status is not None and wanted.status >= 400:
        after = f"{wanted.retry_after:g}".encode() if wanted.retry_after is not None else None
        headers = [(b"x-request-id", b"req-simulated")] + ([(b"retry-after", after)] if after else [])
        raise RefusedError(wanted.status, f"Simulated failure {wanted.status}.", code="simulated", headers=headers)


async def _send_whole(send: Send, body: dict[str, Any], wanted: Faults) -> None:
    content = orjson.dumps(body)
    headers = [(b"content-type", b"application/json"), (b"x-request-id", b"req-simulated"), LABEL]
    if wanted.malformed:
        content = content[: len(content) // 2]
    if wanted.cut_after is not None:
        length = (b"content-length", str(len(content)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True})
        return
    await send_bytes(send, 200, content, headers)


async def _stream(send: Send, answer: answers.Answer, wanted: Faults, *, has_usage: bool) -> None:
    """Send the chunks. Returning without the end makes the server drop the connection, which is what a cut is."""
    headers = [*_EVENT_STREAM, (b"x-request-id", b"req-simulated")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for at, chunk in enumerate(answers.chat_chunks(answer, has_usage=has_usage)):
        if at == wanted.cut_after:
            return
        if at == wanted.error_after:
            error = answers.error_body(500, "Simulated failure within the stream.", code="simulated")
            await _send_event(send, orjson.dumps(error), is_last=True)
            return
        if at and wanted.chunk_delay_ms:
            await asyncio.sleep(wanted.chunk_delay_ms / 1000)
        content = orjson.dumps(chunk)
        await _send_event(send, content[: len(content) // 2] if wanted.malformed and at == 1 else content)
    await _send_event(send, b"[DONE]", is_last=True)


async def _send_event(send: Send, data: bytes, *, is_last: bool = False) -> None:
    await send({"type": "http.response.body", "body": b"data: " + data + b"\n\n", "more_body": not is_last})


def _known(model: object) -> str:
    if not isinstance(model, str) or not model.startswith(MODEL_PREFIX) or model == f"{MODEL_PREFIX}missing":
        known = ", ".join(MODELS)
        raise RefusedError(
            404, f"The simulator has no model '{model}'. Try {known}.", code="model_not_found", param="model"
        )
    return model


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": answers.CREATED, "owned_by": "simulated"}


def _is_loopback(scope: Scope) -> bool:
    client = scope.get("client")
    if not client:
        return False
    try:
        return ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False
