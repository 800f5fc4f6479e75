"""The models of Google's, Cohere's, Mistral's, Ollama's and Hugging Face's own SDKs know every field of what we send."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from providers import LLMProviderError
from tests.peers.conftest import required
from tests.peers.conversations import CONVERSATIONS
from tests.peers.sdk_judge import SdkJudge, sdk_judge
from tests.providers.exchanges import body_sent, call, connect
from tests.providers.recordings import Recording, load

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

JUDGED = ("google", "cohere", "mistral", "ollama", "huggingface")
RECORDINGS = [found for found in load() if found.slug in JUDGED and not found.api.endswith("models")]


@pytest.fixture(scope="module")
def judge() -> Iterator[SdkJudge]:
    with required(sdk_judge()) as judge:
        yield judge


def kind_of(recording: Recording) -> str:
    is_embedding = recording.api.endswith(("embeddings", "EmbedContents"))
    return f"{recording.slug} {'embedding' if is_embedding else 'chat'}"


@pytest.mark.parametrize("recording", [pytest.param(found, id=found.name) for found in RECORDINGS])
async def test_the_vendors_sdk_knows_what_we_send_as_well_as_what_was_recorded(recording: Recording, judge: SdkJudge):
    provider, wire = connect(recording)
    with contextlib.suppress(LLMProviderError):  # some of the recorded answers are failures
        await call(provider, recording)

    assert judge.misfits(kind_of(recording), wire.body) <= judge.misfits(kind_of(recording), recording.sent)


@pytest.mark.parametrize("slug", JUDGED)
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_the_vendors_sdk_knows_every_field_of_what_we_make_of_a_conversation(
    slug: str, name: str, is_stream: bool, judge: SdkJudge
):
    body = await body_sent(slug, {"model": "m", **CONVERSATIONS[name]}, is_stream=is_stream)

    assert judge.misfits(f"{slug} chat", body) == set()


@pytest.mark.parametrize("slug", JUDGED)
async def test_a_field_that_no_sdk_knows_is_told(slug: str, judge: SdkJudge):
    body = await body_sent(slug, {"model": "m", **CONVERSATIONS["plain"]})
    body["colour"] = "red"
    if slug != "huggingface":  # its SDK looks no deeper
        body["contents" if slug == "google" else "messages"][0]["shape"] = "round"

    told = judge.misfits(f"{slug} chat", body)

    assert {place.partition(":")[0].rpartition(".")[2] for place in told} == {"colour", "shape"} - (
        {"shape"} if slug == "huggingface" else set()
    )
