"""The official SDKs' own type definitions accept what we answer in OpenAI's form and what we send."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from anthropic.types.message_create_params import MessageCreateParams
from openai.types import completion_create_params, embedding_create_params
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParams

from providers import ChatResponse, LLMProviderError, ToolCall, Usage
from providers.answers import Gathering
from providers.plan import PlannedTarget
from tests.peers.conversations import CONVERSATIONS
from tests.providers.exchanges import body_sent, call, connect, hear, hear_pieces
from tests.providers.recordings import Recording, load
from tests.providers.sdk_types import misfits_of_answer, misfits_of_request

OUR_EXTRAS = frozenset({"reasoning_content", "extra_content"})
"""What we add to OpenAI's form: thinking, as DeepSeek names it, and what Gemini wants to see again, as Google names it."""

RECORDINGS = load()
CHATS = [
    found for found in RECORDINGS
    if found.api.endswith((".chat", ".messages", "Content")) and not found.is_failure
]  # fmt: skip
REQUEST_TYPES = {
    ("openai", "openai.chat"): CompletionCreateParams,
    ("openai", "openai.completions"): completion_create_params.CompletionCreateParams,
    ("openai", "openai.embeddings"): embedding_create_params.EmbeddingCreateParams,
    ("azure", "openai.chat"): CompletionCreateParams,
    ("azure", "openai.completions"): completion_create_params.CompletionCreateParams,
    ("azure", "openai.embeddings"): embedding_create_params.EmbeddingCreateParams,
    ("anthropic", "anthropic.messages"): MessageCreateParams,
}
NO_VENDOR_SAYS_THAT: dict[str, Any] = {"text": "", "model": "m", "provider": "p"}
AWKWARD = {
    "nothing at all": {},
    "tool calls without text": {"tool_calls": [ToolCall("call_1", "f", "{}")], "finish_reason": "tool_calls"},
    "tool calls with text": {"text": "Wait.", "tool_calls": [ToolCall("call_1", "f", '{"a":1}')], "finish_reason": "tool_calls"},
    "a call without an id or a name": {"tool_calls": [ToolCall("", "", "")], "finish_reason": "tool_calls"},
    "a call with a signature": {"tool_calls": [ToolCall("call_1", "f", "{}", {"google": {"thought_signature": "c2ln"}})]},
    "reasoning alone": {"reasoning": "Hm."},
    "refused": {"finish_reason": "content_filter"},
    "cut off": {"text": "And th", "finish_reason": "length"},
    "every meter": {"usage": Usage(1, 2, 3, 4, 5)},
}  # fmt: skip


def params(recordings: list[Recording]) -> list[Any]:
    return [pytest.param(found, id=found.name) for found in recordings]


@pytest.mark.parametrize("recording", params([found for found in CHATS if not found.is_stream]))
async def test_openais_sdk_reads_every_recorded_answer_in_our_form(recording: Recording):
    body = (await hear(recording)).to_openai()

    assert misfits_of_answer(ChatCompletion, body, allowed_extras=OUR_EXTRAS) == []


@pytest.mark.parametrize("recording", params([found for found in CHATS if found.is_stream]))
async def test_openais_sdk_reads_every_recorded_stream_put_together_in_our_form(recording: Recording):
    gathering = Gathering()
    for chunk in await hear_pieces(recording):
        gathering.add(chunk)
    provider, _ = connect(recording)

    body = gathering.response(PlannedTarget(provider, recording.slug, "m")).to_openai()

    assert misfits_of_answer(ChatCompletion, body, allowed_extras=OUR_EXTRAS) == []


@pytest.mark.parametrize("fields", [pytest.param(fields, id=name) for name, fields in AWKWARD.items()])
def test_openais_sdk_reads_awkward_answers_in_our_form(fields: dict[str, Any]):
    body = ChatResponse(**{**NO_VENDOR_SAYS_THAT, **fields}).to_openai()

    assert misfits_of_answer(ChatCompletion, body, allowed_extras=OUR_EXTRAS) == []


@pytest.mark.parametrize(
    "recording", params([found for found in RECORDINGS if (found.slug, found.api) in REQUEST_TYPES])
)
async def test_the_vendors_sdk_knows_what_we_send_as_well_as_what_was_recorded(recording: Recording):
    """Some of the recorded callers added fields of their own, or used ones that the newest SDK no longer offers."""
    kind = REQUEST_TYPES[recording.slug, recording.api]
    provider, wire = connect(recording)
    with contextlib.suppress(LLMProviderError):  # some of the recorded answers are failures
        await call(provider, recording)

    assert set(misfits_of_request(kind, wire.body)) <= set(misfits_of_request(kind, recording.sent))


@pytest.mark.parametrize("conversation", CONVERSATIONS)
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("slug", "model", "older"),
    [
        pytest.param("openai", "gpt-4.1-mini", set(), id="gpt-4.1-mini"),
        pytest.param("openai", "gpt-5.1", set(), id="gpt-5.1"),
        pytest.param("anthropic", "claude-opus-5", set(), id="claude-opus-5"),
        pytest.param(
            "anthropic", "claude-sonnet-4-5", {"temperature: not a field", "output_format: not a field"},
            id="claude-sonnet-4-5",
        ),
    ],
)  # fmt: skip
async def test_the_vendors_sdk_knows_every_field_of_what_we_make_of_a_conversation(
    slug: str, model: str, older: set[str], conversation: str, is_stream: bool
):
    """`older` are fields of API version 2023-06-01 that Anthropic's SDK, which speaks a later one, does not offer."""
    body = await body_sent(slug, {"model": model, **CONVERSATIONS[conversation]}, is_stream=is_stream)

    kind = CompletionCreateParams if slug == "openai" else MessageCreateParams
    assert set(misfits_of_request(kind, body)) <= older


def test_a_body_that_does_not_fit_is_told():
    messages = [{"role": "user", "content": [{"type": "text", "text": "ping", "colour": "red"}]}]

    found = misfits_of_request(CompletionCreateParams, {"model": "m", "messages": messages, "shape": 1})

    assert sorted(found) == ["messages.0.content.0.colour: not a field", "shape: not a field"]
    assert misfits_of_answer(ChatCompletion, {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}) == [
        "choices: Field required"
    ]
