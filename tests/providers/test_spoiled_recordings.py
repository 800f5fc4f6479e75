"""Recorded answers with values taken out or replaced, in random pieces: whatever a vendor gets wrong stays in the error tree."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from providers import LLMProviderError, create_provider
from providers.base.provider import LLMProvider
from tests.providers.recordings import Recording, load

ROUNDS = 20
JUNK = (
    "null", "true", "0", "-1", "3.5", "1e300", "99999999999999999999", '""', '"x"', '"STOP"', "[]", "{}", "[null]",
    '{"a": 1}', "[[]]", '{"a":' * 400 + "1" + "}" * 400,
)  # fmt: skip
MAX_ITEMS = 20


class Pieces(httpx.AsyncByteStream):
    def __init__(self, body: bytes, chance: random.Random) -> None:
        places = sorted(chance.randrange(len(body) + 1) for _ in range(chance.randrange(6)))
        self._pieces = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


class Spoiled(httpx.AsyncBaseTransport):
    """Gives the recorded answer, each time spoiled in another way."""

    def __init__(self, recording: Recording, chance: random.Random) -> None:
        self._answer, self._chance = recording.response, chance

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = spoil_text(self._answer["body"], self._chance).encode()
        return httpx.Response(
            self._answer["status"], headers=self._answer["headers"], stream=Pieces(body, self._chance)
        )


def spoil_text(text: str, chance: random.Random) -> str:
    """One JSON text, or lines of it with or without `data:` before them."""
    share = chance.choice((0.01, 0.05, 0.2))
    try:
        return json.dumps(spoil(json.loads(text), chance, share))
    except ValueError:
        return "".join(spoil_line(line, chance, share) for line in text.splitlines(keepends=True))


def spoil_line(line: str, chance: random.Random, share: float) -> str:
    start, brace, rest = line.partition("{")
    if not brace:
        return line
    if chance.random() < share / 4:
        return ""
    return f"{start}{json.dumps(spoil(json.loads(brace + rest), chance, share))}\n"


def spoil(value: Any, chance: random.Random, share: float) -> Any:
    if chance.random() < share:
        return json.loads(chance.choice(JUNK))
    if isinstance(value, list):
        return [spoil(item, chance, share) for item in value[:MAX_ITEMS]]
    if isinstance(value, dict):
        return {name: spoil(inner, chance, share) for name, inner in value.items() if chance.random() >= share / 2}
    return value


@pytest.mark.parametrize("recording", [pytest.param(recording, id=recording.name) for recording in load()])
async def test_a_spoiled_answer_stays_inside_the_error_tree(recording: Recording):
    chance = random.Random(recording.name)
    provider = create_provider(
        recording.slug,
        api_key="test-key-alpha",
        base_url="http://upstream.test",
        transport=Spoiled(recording, chance),
        max_retries=0,
        **recording.settings,
    )

    for _ in range(ROUNDS):
        with contextlib.suppress(LLMProviderError):
            await call(provider, recording)


async def call(provider: LLMProvider, recording: Recording) -> None:
    if recording.api.endswith(("embeddings", "EmbedContents")):
        await provider.embed(recording.request())
    elif recording.api.endswith("models"):
        await provider.list_models()
    elif recording.api.endswith("completions"):
        await provider.text_completion(recording.request())
    elif recording.is_stream:
        async for chunk in provider.chat_completion_stream(recording.request()):
            assert all(json.dumps(piece.to_openai()) for piece in chunk.tool_calls)
    else:
        assert json.dumps((await provider.chat_completion(recording.request())).to_openai())
