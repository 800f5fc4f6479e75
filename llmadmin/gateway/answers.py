"""What the caller reads: bodies and chunks in OpenAI's form.

Where the upstream speaks OpenAI's dialect itself its body goes through as it came, fields that we don't know included,
and only what a strict client would stumble over is mended. Other dialects are written anew.
"""

from __future__ import annotations

import base64
import struct
from typing import Any

import orjson

from providers.types import ChatChunk, ChatResponse, CompletionResponse, EmbeddingResponse, Usage


def chat_content(response: ChatResponse) -> bytes:
    """A `chat.completion` as JSON; written anew where the upstream's body nests deeper than can be written."""
    try:
        return orjson.dumps(chat_body(response))
    except orjson.JSONEncodeError:
        return orjson.dumps(response.to_openai())


def completion_content(response: CompletionResponse) -> bytes:
    """A `text_completion` as JSON, in the same way."""
    try:
        return orjson.dumps(completion_body(response))
    except orjson.JSONEncodeError:
        return orjson.dumps(_new_completion(response))


def chat_body(response: ChatResponse) -> dict[str, Any]:
    """A `chat.completion`."""
    raw = response.raw
    if not _speaks_openai(raw) or not raw["choices"] or not isinstance(raw["choices"][0], dict):
        return response.to_openai()
    if not _is_plain(raw["choices"][0].get("message")):
        return response.to_openai()
    body: dict[str, Any] = {
        "id": response.id,
        "created": response.created,
        "model": response.model,
        **raw,
        "object": "chat.completion",  # some servers call it a text completion
    }
    choice = body["choices"][0]
    if choice.get("finish_reason") != response.finish_reason:
        body["choices"] = [{**choice, "finish_reason": response.finish_reason}, *body["choices"][1:]]
    return body


def completion_body(response: CompletionResponse) -> dict[str, Any]:
    """A `text_completion`."""
    if _speaks_openai(response.raw) and all(isinstance(choice, dict) for choice in response.raw["choices"]):
        return dict(response.raw)
    return _new_completion(response)


def _new_completion(response: CompletionResponse) -> dict[str, Any]:
    choice = {"index": 0, "text": response.text, "logprobs": None, "finish_reason": response.finish_reason}
    body = {"id": response.id or "cmpl-none", "object": "text_completion", "created": 0, "model": response.model}
    return {**body, "choices": [choice], "usage": (response.usage or Usage()).to_openai()}


def embedding_body(response: EmbeddingResponse, *, is_base64: bool) -> dict[str, Any]:
    """A list of embeddings; as base64 of little-endian floats where the caller asked for that."""
    rows = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if is_base64 else vector}
        for index, vector in enumerate(response.embeddings)
    ]
    tokens = response.usage.total_input_tokens if response.usage else 0
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": rows, "model": response.model, "usage": usage}


_CHUNK = {"object": "chat.completion.chunk"}


class ChunkWriter:
    """Writes the chunks of one stream. Usage never goes out with a piece: `usage_chunk` gives it at the end."""

    def __init__(self, *, identity: str, created: int, model: str) -> None:
        self._head: dict[str, Any] = {"id": identity, **_CHUNK, "created": created, "model": model}
        self._raw_usage: Any = None
        self._has_role = False

    def content(self, chunk: ChatChunk) -> bytes | None:
        """The chunk to send as JSON; written anew where the upstream's nests deeper than can be written."""
        piece = self.chunk(chunk)
        if piece is None:
            return None
        try:
            return orjson.dumps(piece)
        except orjson.JSONEncodeError:
            return orjson.dumps(self._write(chunk))

    def chunk(self, chunk: ChatChunk) -> dict[str, Any] | None:
        """The chunk to send, or None where it held nothing but usage."""
        raw = chunk.raw
        if _speaks_openai(raw) and all(
            isinstance(choice, dict) and _is_plain(choice.get("delta")) for choice in raw["choices"]
        ):
            return self._pass_on(raw, chunk)
        if not (chunk.text or chunk.reasoning or chunk.tool_calls or chunk.finish_reason):
            return None
        return self._write(chunk)

    def usage_chunk(self, usage: Usage) -> dict[str, Any]:
        return {**self._head, "choices": [], "usage": self._raw_usage or usage.to_openai()}

    def _pass_on(self, raw: dict[str, Any], chunk: ChatChunk) -> dict[str, Any] | None:
        usage = raw.get("usage")
        choices = raw["choices"]
        if usage is not None:
            self._raw_usage = usage
            if not choices:
                return None
            raw = {name: value for name, value in raw.items() if name != "usage"}
        if not self._has_role:
            self._has_role = True
            self._head = {name: raw.get(name) or value for name, value in self._head.items()} | _CHUNK
        # Azure's first piece names no kind, and small servers leave more than that out.
        if raw.get("object") != _CHUNK["object"] or not raw.keys() >= self._head.keys():
            raw = {**self._head, **raw, **_CHUNK}
        if any(choice.get("delta") is None for choice in choices):  # as in Azure's pieces about content filters
            choices = [choice if choice.get("delta") is not None else {**choice, "delta": {}} for choice in choices]
            raw = {**raw, "choices": choices}
        if (chunk.tool_calls or chunk.finish_reason is not None) and choices and isinstance(choices[0], dict):
            raw = {**raw, "choices": [_mended(choices[0], chunk), *choices[1:]]}
        return raw

    def _write(self, chunk: ChatChunk) -> dict[str, Any]:
        delta: dict[str, Any] = {}
        if not self._has_role:
            self._has_role = True
            self._head["id"] = chunk.id or self._head["id"]
            self._head["model"] = chunk.model or self._head["model"]
            delta["role"] = "assistant"
        if chunk.text or not (chunk.reasoning or chunk.tool_calls or chunk.finish_reason):
            delta["content"] = chunk.text
        if chunk.reasoning:
            delta["reasoning_content"] = chunk.reasoning
        if chunk.tool_calls:
            delta["tool_calls"] = [piece.to_openai() for piece in chunk.tool_calls]
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": chunk.finish_reason}
        return {**self._head, "choices": [choice]}


def _mended(choice: dict[str, Any], chunk: ChatChunk) -> dict[str, Any]:
    """Tool calls with sound indices, and a finish reason that OpenAI knows."""
    choice = {**choice, "finish_reason": chunk.finish_reason}
    if chunk.tool_calls:
        delta = choice.get("delta")
        pieces = [piece.to_openai() for piece in chunk.tool_calls]
        choice["delta"] = {**(delta if isinstance(delta, dict) else {}), "tool_calls": pieces}
    return choice


def _speaks_openai(raw: Any) -> bool:
    return isinstance(raw, dict) and isinstance(raw.get("choices"), list)


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _is_plain(message: Any) -> bool:
    """Whether a strict client reads this message or delta: text as text, and calls with ids and arguments as text.

    Mistral's thinking models answer with lists of parts; other servers number their calls or send arguments as objects.
    """
    if not isinstance(message, dict):
        return message is None
    if not isinstance(message.get("content"), str | None):
        return False
    return all(_is_plain_call(call) for call in message.get("tool_calls") or ())


def _is_plain_call(call: Any) -> bool:
    function = call.get("function") if isinstance(call, dict) else None
    arguments = function.get("arguments") if isinstance(function, dict) else None
    return isinstance(arguments, str | None) and isinstance(
        call.get("id") if isinstance(call, dict) else None, str | None
    )
