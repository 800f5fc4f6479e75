"""The official SDK's own type definitions accept every body and chunk of the gateway, whatever the vendor's own looked like."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from llmadmin.gateway.answers import ChunkWriter, chat_content
from tests.providers.exchanges import hear, hear_pieces
from tests.providers.recordings import Recording, load
from tests.providers.sdk_types import misfits_of_answer

VENDORS_OWN = " not a field"
"""What a vendor adds to OpenAI's form goes through; a client skips what it doesn't know."""

CHATS = [
    found for found in load()
    if found.api.endswith((".chat", ".messages", "Content")) and not found.is_failure
]  # fmt: skip


def stumbles(model: Any, body: dict[str, Any]) -> list[str]:
    return [misfit for misfit in misfits_of_answer(model, body) if not misfit.endswith(VENDORS_OWN)]


@pytest.mark.parametrize("recording", [pytest.param(found, id=found.name) for found in CHATS if not found.is_stream])
async def test_openais_sdk_reads_every_body(recording: Recording):
    body = orjson.loads(chat_content(await hear(recording)))

    assert stumbles(ChatCompletion, body) == []


@pytest.mark.parametrize("recording", [pytest.param(found, id=found.name) for found in CHATS if found.is_stream])
async def test_openais_sdk_reads_every_chunk(recording: Recording):
    chunks = await hear_pieces(recording)
    writer = ChunkWriter(identity="chatcmpl-1", created=1, model="m")

    pieces = [orjson.loads(content) for chunk in chunks if (content := writer.content(chunk)) is not None]
    pieces += [writer.usage_chunk(chunk.usage) for chunk in chunks if chunk.usage]

    assert [
        (place, found) for place, piece in enumerate(pieces) if (found := stumbles(ChatCompletionChunk, piece))
    ] == []
    assert pieces
