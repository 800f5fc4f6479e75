"""What the simulator says: text made from the prompt, the same each time, and bodies in OpenAI's form.

A token is one word: whatever stands between white space. Each message costs three more. The rule is simple so that a
test can count along.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from llmadmin.simulator.faults import Faults

CREATED = 1_700_000_000
"""A fixed time, so that the same prompt gives the same bytes."""
FINGERPRINT = "simulated"
TOKENS_PER_MESSAGE = 3
EMBEDDING_SIZE = 16
QUOTE_CHARS = 200
_DEFAULT_WORDS = 40
_FILLER = "a calm river of invented words keeps flowing so that pages have something to show while no model is asked"
_WORDS = tuple(_FILLER.split())
_PIECE = re.compile(r"\S+\s*")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a simulated chat comes to. `pieces` are the words of the text as a stream sends them."""

    model: str
    identity: str
    pieces: list[str]
    finish_reason: str
    usage: dict[str, Any]
    tool: dict[str, Any] | None = None
    reasoning: str = ""

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def count_tokens(text: str) -> int:
    return len(text.split())


def count_prompt_tokens(messages: Sequence[Any]) -> int:
    return sum(TOKENS_PER_MESSAGE + count_tokens(text_of(message)) for message in messages)


def text_of(message: Any) -> str:
    """The text of a message; images and other parts are named in brackets."""
    content = message.get("content") if isinstance(message, Mapping) else None
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return " ".join(
        str(part.get("text") or f"[{part.get('type')}]") if isinstance(part, Mapping) else "" for part in content
    )


def answer_chat(body: Mapping[str, Any], faults: Faults) -> Answer:
    """The whole answer to a chat body."""
    messages = body["messages"]
    model = str(body["model"])
    prompt_tokens = count_prompt_tokens(messages)
    tool = _choose_tool(body, messages, faults)
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    pieces = [] if tool else _PIECE.findall(_say(body, messages, faults))
    finish_reason = "tool_calls" if tool else "stop"
    if isinstance(limit, int) and len(pieces) > limit:
        pieces, finish_reason = pieces[:limit], "length"
    reasoning = " ".join(_invent(model, faults.reasoning)) if faults.reasoning else ""
    completion = count_tokens(tool["function"]["arguments"]) + 1 if tool else len(pieces)
    return Answer(
        model=model,
        identity=f"chatcmpl-simulated-{_digest(model, text_of(messages[-1]))[:12]}",
        pieces=pieces,
        finish_reason=finish_reason,
        usage=_usage(prompt_tokens, completion, faults),
        tool=tool,
        reasoning=reasoning,
    )


def chat_body(answer: Answer, *, has_usage: bool = True) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.text if answer.tool is None else None,
        "refusal": None,
    }
    if answer.tool is not None:
        message["tool_calls"] = [answer.tool]
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    body = {
        **_head(answer, "chat.completion"),
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}],
    }
    return {**body, "usage": answer.usage} if has_usage else body


def chat_chunks(answer: Answer, *, has_usage: bool) -> Iterator[dict[str, Any]]:
    """The chunks of a stream: the role, a piece for each word, the finish reason, then usage if it was asked for."""
    head = _head(answer, "chat.completion.chunk")
    for delta in _deltas(answer):
        yield {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": answer.finish_reason}]}
    if has_usage:
        yield {**head, "choices": [], "usage": answer.usage}


def _deltas(answer: Answer) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": "" if answer.tool is None else None}
    if answer.reasoning:
        yield from ({"reasoning_content": piece} for piece in _PIECE.findall(answer.reasoning))
    if answer.tool is None:
        yield from ({"content": piece} for piece in answer.pieces)
        return
    function, arguments = answer.tool["function"], answer.tool["function"]["arguments"]
    start = {"index": 0, "id": answer.tool["id"], "type": "function"}
    yield {"tool_calls": [{**start, "function": {"name": function["name"], "arguments": ""}}]}
    middle = len(arguments) // 2
    for part in (arguments[:middle], arguments[middle:]):
        yield {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}


def completion_body(body: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    """The older text completion."""
    prompt = body["prompt"]
    text = prompt if isinstance(prompt, str) else " ".join(str(part) for part in prompt)
    answer = answer_chat({**body, "messages": [{"role": "user", "content": text}]}, faults)
    choice = {"index": 0, "text": answer.text, "logprobs": None, "finish_reason": answer.finish_reason}
    return {**_head(answer, "text_completion"), "choices": [choice], "usage": answer.usage}


def embedding_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Vectors derived from a digest of each text: equal texts have equal vectors, and that is all they mean."""
    given = body["input"]
    texts = [given] if isinstance(given, str) else [str(part) for part in given]
    size = body.get("dimensions") or EMBEDDING_SIZE
    tokens = sum(count_tokens(text) for text in texts)
    return {
        "object": "list",
        "model": body["model"],
        "system_fingerprint": FINGERPRINT,
        "data": [
            {"object": "embedding", "index": at, "embedding": _vector(text, size)} for at, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def error_body(status: int, message: str, *, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _head(answer: Answer, kind: str) -> dict[str, Any]:
    return {
        "id": answer.identity,
        "object": kind,
        "created": CREATED,
        "model": answer.model,
        "system_fingerprint": FINGERPRINT,
    }


def _say(body: Mapping[str, Any], messages: Sequence[Any], faults: Faults) -> str:
    wanted = _wanted_json(body.get("response_format"))
    if wanted is not None:
        return orjson.dumps(wanted).decode()
    last = messages[-1]
    words = text_of(last)[: QUOTE_CHARS + 1].split()
    quote = " ".join(words)[:QUOTE_CHARS]
    verb = "The tool said" if isinstance(last, Mapping) and last.get("role") == "tool" else "You said"
    opening = f"This is a simulated answer by {body['model']}; no model was asked. {verb}: “{quote}”."
    if faults.words is None:
        return f"{opening} Here is {' '.join(_invent(quote, _DEFAULT_WORDS))}."
    chosen = opening.split()
    chosen += _invent(quote, max(0, faults.words - len(chosen)))
    return " ".join(chosen[: faults.words])


def _invent(seed: str, count: int) -> list[str]:
    start = int(_digest(seed)[:4], 16)
    return [_WORDS[(start + at) % len(_WORDS)] for at in range(count)]


def _choose_tool(body: Mapping[str, Any], messages: Sequence[Any], faults: Faults) -> dict[str, Any] | None:
    """A call of an offered tool: when it is required, wished for, or when the prompt names it."""
    offered = [tool["function"] for tool in body.get("tools") or () if isinstance(tool.get("function"), Mapping)]
    choice = body.get("tool_choice")
    if not offered or choice == "none" or (isinstance(messages[-1], Mapping) and messages[-1].get("role") == "tool"):
        return None
    named = choice["function"]["name"] if isinstance(choice, Mapping) and "function" in choice else None
    prompt = text_of(messages[-1])
    for function in offered:
        name = str(function.get("name"))
        is_wanted = name == named if named else choice == "required" or faults.tool or name in prompt
        if is_wanted:
            arguments = orjson.dumps(example_of(function.get("parameters"))).decode()
            identity = f"call_simulated_{_digest(name, prompt)[:8]}"
            return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}
    return None


def _wanted_json(wanted: Any) -> Any:
    if not isinstance(wanted, Mapping) or wanted.get("type") not in ("json_object", "json_schema"):
        return None
    schema = (wanted.get("json_schema") or {}).get("schema")
    return example_of(schema) if schema else {"simulated": True}


def example_of(schema: Any) -> Any:
    """A value that fits a JSON schema, as far as its types, enums and required properties say."""
    if not isinstance(schema, Mapping):
        return {}
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" or "properties" in schema:
        return {name: example_of(part) for name, part in (schema.get("properties") or {}).items()}
    if kind == "array":
        return [example_of(schema.get("items"))]
    examples = {"integer": 1, "number": 1.5, "boolean": True, "null": None}
    return examples.get(str(kind), "simulated")


def _usage(prompt_tokens: int, completion_tokens: int, faults: Faults) -> dict[str, Any]:
    """OpenAI's usage: reasoning is a part of completion, cached a part of prompt."""
    completion_tokens += faults.reasoning or 0
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": min(faults.cached or 0, prompt_tokens)},
        "completion_tokens_details": {"reasoning_tokens": faults.reasoning or 0},
    }


def _vector(text: str, size: int) -> list[float]:
    blocks = (hashlib.sha256(f"{at}:{text}".encode()).digest() for at in range(-(-size // 32)))
    return [round(byte / 127.5 - 1, 4) for block in blocks for byte in block][:size]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
