"""Each recorded body of OpenAI's dialect, sent again as a stream: in one delta or in many, the answer stays the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.types import ToolCall
from tests.providers.canned import ADDRESS, ask, events, gathered, listen
from tests.providers.recordings import Recording, load

BODIES = [
    pytest.param(recording, id=recording.name)
    for recording in load()
    if recording.api == "openai.chat" and not recording.is_stream and not recording.is_failure
]
PIECE_CHARS = 3


def settings_of(recording: Recording) -> dict[str, Any]:
    return {"base_url": ADDRESS.get(recording.slug, "http://upstream.test/v1")}


def restreamed(body: dict[str, Any], *, is_cut_small: bool) -> bytes:
    """The body's first choice as deltas, then its end, then the usage."""
    head = {name: value for name, value in body.items() if name not in ("choices", "usage")}
    choice = body["choices"][0]
    deltas = list(cut_small(choice["message"])) if is_cut_small else [choice["message"]]
    chunks = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}], "usage": None} for delta in deltas
    ]
    end = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": choice.get("finish_reason")}], "usage": None}
    return events(*chunks, end, {**head, "choices": [], "usage": body.get("usage")})


def cut_small(message: dict[str, Any]) -> Any:
    """The message's texts and arguments in pieces, as vendors cut them."""
    yield {"role": message.get("role"), "content": ""}
    for name, value in message.items():
        if name in ("reasoning", "reasoning_content", "content") and isinstance(value, str):
            yield from ({name: part} for part in parts(value))
        elif name == "tool_calls":
            for index, call in enumerate(value or ()):
                yield from cut_call(index, call)
        elif name not in ("role", "reasoning", "reasoning_content"):
            yield {name: value}


def cut_call(index: int, call: dict[str, Any]) -> Any:
    arguments = call["function"]["arguments"]
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    yield {"tool_calls": [{**call, "index": index, "function": {**call["function"], "arguments": ""}}]}
    yield from ({"tool_calls": [{"index": index, "function": {"arguments": part}}]} for part in parts(text))


def parts(text: str) -> list[str]:
    return [text[start : start + PIECE_CHARS] for start in range(0, len(text), PIECE_CHARS)]


def said(calls: list[ToolCall]) -> list[tuple[str, str, Any]]:
    return [(call.id, call.name, json.loads(call.arguments)) for call in calls]


@pytest.mark.parametrize("is_cut_small", [False, True], ids=["one-delta", "many-deltas"])
@pytest.mark.parametrize("recording", BODIES)
async def test_a_recorded_body_says_the_same_as_a_stream(recording: Recording, is_cut_small: bool):
    body = json.loads(recording.response["body"])

    whole = await ask(recording.slug, body, **settings_of(recording))
    chunks = await listen(recording.slug, restreamed(body, is_cut_small=is_cut_small), **settings_of(recording))

    streamed = gathered(chunks).response(Target())
    assert (streamed.text, streamed.reasoning) == (whole.text, whole.reasoning)
    assert said(streamed.tool_calls) == said(whole.tool_calls)
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [whole.finish_reason]
    assert (streamed.usage, streamed.cost_usd) == (whole.usage, whole.cost_usd)
    assert (streamed.id, streamed.model) == (whole.id, whole.model)


class Target:
    """What `gathered` asks of a planned target."""

    model, provider_name = "m", "recorded"
