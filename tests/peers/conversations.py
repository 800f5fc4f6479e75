"""The calls that every peer is asked, in our form, and what they must come to."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from providers import ChatRequest, ToolCall, Usage
from providers.base.provider import LLMProvider

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city, now.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}
ANSWER_SHAPE = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"pong": {"type": "boolean"}},
            "required": ["pong"],
            "additionalProperties": False,
        },
    },
}


def asking(text: str, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], "max_tokens": 64, **fields}


PING = asking("ping")
SETTINGS = asking("ping", temperature=0.5, stop=["END"])
SYSTEM = {
    "messages": [{"role": "system", "content": "Answer in one word."}, {"role": "user", "content": "ping"}],
    "max_tokens": 64,
}
TURNS = {
    "messages": [
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Good day."},
        {"role": "user", "content": "ping"},
    ],
    "max_tokens": 64,
}
STRUCTURED = asking("ping", response_format=ANSWER_SHAPE)
PICTURE = {
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "ping"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
            ],
        }
    ],
    "max_tokens": 64,
}
TOOLS = asking("weather", tools=[WEATHER, CLOCK], tool_choice="auto")
FORCED_TOOL = asking(
    "weather", tools=[WEATHER, CLOCK], tool_choice={"type": "function", "function": {"name": "get_weather"}}
)
TOOL_RESULTS = {
    "messages": [
        {"role": "user", "content": "weather"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'},
                },
                {"id": "call_2", "type": "function", "function": {"name": "get_time", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        {"role": "tool", "tool_call_id": "call_2", "content": "noon"},
        {"role": "user", "content": "ping"},
    ],
    "tools": [WEATHER, CLOCK],
    "max_tokens": 64,
}
CONVERSATIONS = {
    "plain": PING, "settings": SETTINGS, "system": SYSTEM, "turns": TURNS, "structured": STRUCTURED, "picture": PICTURE,
    "tools": TOOLS, "forced_tool": FORCED_TOOL, "tool_results": TOOL_RESULTS,
}  # fmt: skip


@dataclass
class Heard:
    """An answer, whole or put together from its pieces."""

    text: str = ""
    finish_reason: str | None = None
    calls: list[ToolCall] = field(default_factory=list)
    usage: Usage | None = None

    @property
    def called(self) -> list[tuple[str, Any]]:
        return [(call.name, json.loads(call.arguments)) for call in self.calls]


async def ask(
    provider: LLMProvider, model: str, conversation: dict[str, Any], *, is_stream: bool, **call: Any
) -> Heard:
    request = ChatRequest.from_openai({"model": model, **conversation})
    if not is_stream:
        whole = await provider.chat_completion(request, **call)
        return Heard(whole.text, whole.finish_reason, whole.tool_calls, whole.usage)
    heard, calls = Heard(), {}
    async for chunk in provider.chat_completion_stream(request, **call):
        heard.text += chunk.text
        heard.usage = chunk.usage or heard.usage
        assert not (heard.finish_reason and chunk.finish_reason), "a finish reason comes once"
        heard.finish_reason = heard.finish_reason or chunk.finish_reason
        for piece in chunk.tool_calls:
            grown = calls.setdefault(piece.index, ToolCall("", "", ""))
            grown.id, grown.name = piece.id or grown.id, piece.name or grown.name
            grown.arguments += piece.arguments
    heard.calls = list(calls.values())
    return heard


# What a peer says it understood, in OpenAI's form, or what was meant


def words_of(body: dict[str, Any]) -> Counter[tuple[str, str, str]]:
    """Who said what: role, text, and tool calls with their arguments. In any order: some peers regroup a message's parts."""
    found: Counter[tuple[str, str, str]] = Counter()
    for message in body["messages"]:
        content = message.get("content") or ""
        text = content if isinstance(content, str) else "".join(part.get("text") or "" for part in content)
        calls = [
            (call["function"]["name"], json.loads(call["function"]["arguments"]))
            for call in message.get("tool_calls") or ()
        ]
        found[message["role"], _plain(text), json.dumps(calls)] += 1
    return found


def pictures_of(body: dict[str, Any]) -> list[str]:
    parts = [
        part for message in body["messages"] if isinstance(message.get("content"), list) for part in message["content"]
    ]
    return [part["image_url"]["url"] for part in parts if part.get("type") == "image_url"]


def tools_of(body: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(tool["function"]["name"], tool["function"].get("parameters")) for tool in body.get("tools") or ()]


def shape_of(body: dict[str, Any]) -> Any:
    """The JSON schema that the answer must have."""
    return body.get("response_format", {}).get("json_schema", {}).get("schema")


def _plain(text: str) -> str:
    """Gemini wants a tool's result as an object, in which we put it as `output`."""
    return str(json.loads(text)["output"]) if text.startswith('{"output":') else text
