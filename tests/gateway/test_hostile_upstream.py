"""A provider that answers with nonsense, or a config that would send a key elsewhere: the caller gets an answer, others no key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import orjson
import pytest

from providers.base.reading import MAX_COUNT
from tests.gateway.conftest import Setting, eventually
from tests.live.server import ThreadServer

MESSAGES = [{"role": "user", "content": "Say pong"}]
KEY = "test-key-gamma-0003"


def _answer(**changed: object) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "pong"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return orjson.dumps({"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage, **changed})


def _deep(body: bytes) -> bytes:
    """The object with a field in it that can be read but nests deeper than can be written."""
    return body[:-1] + b',"vendor":' + b"[" * 600 + b"]" * 600 + b"}"


@dataclass
class Upstream:
    """Answers every call with `content` and keeps what headers came."""

    content: bytes = b""
    seen: list[dict[bytes, bytes]] = field(default_factory=list)

    async def __call__(self, scope, receive, send):
        is_stream = orjson.loads((await receive())["body"]).get("stream")
        self.seen.append(dict(scope["headers"]))
        kind = b"text/event-stream" if is_stream else b"application/json"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": self.content})


@pytest.fixture
def upstream() -> Upstream:
    return Upstream(_answer())


@pytest.fixture
def through(live: Setting, upstream: Upstream) -> Iterator[Setting]:
    from llmadmin.accounts.actors import system_actor
    from llmadmin.catalog.services import create_model, create_provider
    from llmadmin.config.services import change
    from llmadmin.routing.services import create_agent, create_alias
    from llmadmin.vault.services import add_key

    with ThreadServer(upstream) as server:
        with change(by=system_actor("tests")) as done:
            provider = create_provider(slug="odd", kind="local", base_url=f"{server.url}/v1", max_retries=0)
            add_key(provider, label="main", api_key=KEY)
            create_model(provider, name="m")
            create_alias(name="odd", targets=[{"model": "odd/m"}])
            create_agent(name="odd", alias="odd")
        eventually(lambda: live.server.runtime.snapshot.version >= done.version)
        yield live


def _post(setting: Setting, path: str = "chat/completions", **body: object) -> httpx.Response:
    body = {"model": "odd/m", **({"messages": MESSAGES} if path.startswith("chat") else {}), **body}
    return httpx.post(f"{setting.server.gateway_url}/{path}", json=body, headers=setting.bearer(), timeout=30)


def test_an_answer_too_deep_to_be_written_loses_the_deep_part_alone(through, upstream):
    upstream.content = _deep(_answer())

    answer = _post(through)

    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == "pong"
    assert "vendor" not in answer.json()


def test_a_completion_too_deep_to_be_written_loses_the_deep_part_alone(through, upstream):
    upstream.content = _deep(_answer(choices=[{"index": 0, "text": "pong", "finish_reason": "stop"}]))

    answer = _post(through, "completions", prompt="Say pong")

    assert answer.status_code == 200
    assert answer.json()["choices"][0]["text"] == "pong"


def test_a_piece_too_deep_to_be_written_loses_the_deep_part_alone(through, upstream):
    piece = b'{"id":"x","choices":[{"index":0,"delta":{"content":"pong"},"finish_reason":"stop"}]}'
    upstream.content = b"data: " + _deep(piece) + b"\n\ndata: [DONE]\n\n"

    answer = _post(through, stream=True)

    assert '"content":"pong"' in answer.text
    assert answer.text.endswith("data: [DONE]\n\n")
    assert through.record().status == "ok"


def test_choices_that_are_no_objects_do_not_reach_the_caller(through, upstream):
    upstream.content = _answer(choices=[None])

    answer = _post(through)

    assert all(isinstance(choice, dict) for choice in answer.json()["choices"])


def test_absurd_token_counts_are_bounded_so_that_sums_hold(through, upstream):
    from llmadmin.usage.models import UsageHour
    from llmadmin.usage.services import roll_up_stale

    upstream.content = _answer(usage={"prompt_tokens": 10**18, "completion_tokens": 1e30, "total_tokens": -1})

    for _ in range(3):
        assert _post(through).status_code == 200
    record = through.record()
    roll_up_stale()

    assert (record.input_tokens, record.output_tokens) == (MAX_COUNT, MAX_COUNT)
    assert UsageHour.objects.get(model="odd/m").output_tokens == 3 * MAX_COUNT


def test_g9_a_key_given_as_user_is_not_kept(through):
    _post(through, user=through.key)

    assert through.record().user == "[redacted]"


def test_g10_an_agent_whose_headers_send_the_call_on_gets_no_key(through, upstream):
    from llmadmin.accounts.actors import system_actor
    from llmadmin.config.services import publish
    from llmadmin.routing.models import AgentMapping

    AgentMapping.objects.filter(name="odd").update(headers={"X-Portkey-Custom-Host": "https://evil.example"})
    made = publish(by=system_actor("tests"))
    eventually(lambda: through.server.runtime.snapshot.version >= made.version)

    answer = _post(through, model="agent:odd")

    assert answer.status_code == 502
    assert "Enter it again" in answer.json()["error"]["message"]
    assert upstream.seen == []
