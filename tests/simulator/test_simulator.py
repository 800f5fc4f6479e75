"""The simulated provider, over real HTTP and with the official SDK."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import openai
import pytest

from llmadmin.simulator import answers, faults
from llmadmin.simulator.faults import Faults, UnknownWishError
from llmadmin.simulator.server import SimulatorServer

KEY = "test-key-alpha"
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    },
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    with SimulatorServer(api_key=KEY) as server:
        yield server


@pytest.fixture
def client(simulator: SimulatorServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=KEY, base_url=simulator.base_url, max_retries=0) as client:
        yield client


def _ask(client: openai.OpenAI, model: str = "sim-small", prompt: str = "Say hello", **fields: object):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": prompt}], **fields)


def test_the_same_prompt_gets_the_same_labelled_answer(client):
    first, second = _ask(client), _ask(client)

    assert first == second
    assert first.system_fingerprint == "simulated"
    assert "simulated answer" in first.choices[0].message.content
    assert "Say hello" in first.choices[0].message.content


def test_every_answer_carries_the_header_that_says_simulated(simulator):
    answer = httpx.get(f"{simulator.base_url}/models", headers={"Authorization": f"Bearer {KEY}"})

    assert answer.headers["x-simulated"] == "true"


def test_tokens_are_words_and_three_for_each_message(client):
    answer = _ask(client, prompt="one two three [simulate: words=7]")

    assert answer.usage.prompt_tokens == 3 + 5
    assert answer.usage.completion_tokens == 7 == len(answer.choices[0].message.content.split())


def test_a_stream_gives_the_words_of_the_plain_answer(client):
    plain = _ask(client).choices[0].message.content

    chunks = list(_ask(client, stream=True, stream_options={"include_usage": True}))

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == plain
    assert chunks[-1].usage.completion_tokens == len(plain.split())


def test_max_tokens_cuts_the_answer_and_says_length(client):
    answer = _ask(client, max_tokens=4)

    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 4


def test_a_required_tool_is_called_with_arguments_of_its_schema(client):
    answer = _ask(client, tools=[WEATHER], tool_choice="required")

    call = answer.choices[0].message.tool_calls[0]
    assert answer.choices[0].finish_reason == "tool_calls"
    assert (call.function.name, call.function.arguments) == ("weather", '{"city":"simulated","days":1}')


def test_a_prompt_that_names_no_tool_gets_text(client):
    answer = _ask(client, tools=[WEATHER])

    assert answer.choices[0].message.tool_calls is None


def test_streamed_tool_arguments_add_up(client):
    chunks = list(_ask(client, prompt="Use weather please", tools=[WEATHER], stream=True))

    pieces = [piece for chunk in chunks if chunk.choices for piece in chunk.choices[0].delta.tool_calls or []]
    assert "".join(piece.function.arguments or "" for piece in pieces) == '{"city":"simulated","days":1}'


def test_a_json_schema_is_answered_with_json(client):
    schema = {"name": "s", "schema": {"type": "object", "properties": {"ok": {"type": "boolean"}}}}

    answer = _ask(client, response_format={"type": "json_schema", "json_schema": schema})

    assert answer.choices[0].message.content == '{"ok":true}'


def test_reasoning_and_cached_tokens_come_on_request(client):
    answer = _ask(client, prompt="a b c d [simulate: reasoning=9; cached=2]")

    assert answer.usage.completion_tokens_details.reasoning_tokens == 9
    assert answer.usage.prompt_tokens_details.cached_tokens == 2


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("sim-small-500", openai.InternalServerError),
        ("sim-small-429", openai.RateLimitError),
        ("gpt-unknown", openai.NotFoundError),
    ],
)
def test_a_model_name_can_ask_for_a_failure(client, model, error):
    with pytest.raises(error):
        _ask(client, model=model)


def test_a_wrong_key_is_refused_as_openai_does(simulator):
    client = openai.OpenAI(api_key="test-key-wrong", base_url=simulator.base_url, max_retries=0)

    with pytest.raises(openai.AuthenticationError) as refused:
        _ask(client)

    assert refused.value.code == "invalid_api_key"


def test_the_header_asks_for_a_status_and_a_retry_after(client):
    with pytest.raises(openai.RateLimitError) as refused:
        _ask(client, extra_headers={"x-simulate": "status=429; retry_after=2"})

    assert refused.value.response.headers["retry-after"] == "2"


def test_a_cut_stream_ends_without_done(simulator):
    body = {"model": "sim-cut", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    lines: list[str] = []

    with pytest.raises(httpx.RemoteProtocolError):
        _read_lines(f"{simulator.base_url}/chat/completions", body, into=lines)

    assert sum(line.startswith("data:") for line in lines) == 5
    assert "data: [DONE]" not in lines


def _read_lines(url: str, body: dict[str, object], *, into: list[str]) -> None:
    with httpx.stream("POST", url, json=body, headers={"Authorization": f"Bearer {KEY}"}) as answer:
        into.extend(answer.iter_lines())


def test_an_error_inside_a_stream_reaches_the_sdk(client):
    with pytest.raises(openai.APIError, match="within the stream"):
        list(_ask(client, prompt="[simulate: error_after=2]", stream=True))


def test_a_flaky_model_fails_on_every_other_call(client):
    outcomes = []
    for _ in range(4):
        try:
            _ask(client, model="sim-other-flaky")
            outcomes.append("ok")
        except openai.InternalServerError:
            outcomes.append("failed")

    assert outcomes == ["failed", "ok", "failed", "ok"]


def test_a_model_can_be_switched_off_and_on_while_it_runs(simulator, client):
    steer = f"{simulator.url}/control"

    httpx.post(steer, json={"model": "sim-large", "status": 503})
    with pytest.raises(openai.InternalServerError):
        _ask(client, model="sim-large")
    shown = httpx.post(steer, json={"model": "sim-large"}).json()

    assert shown["models"] == {}
    assert _ask(client, model="sim-large").choices[0].finish_reason == "stop"


def test_the_control_endpoint_takes_json_only(simulator):
    answer = httpx.post(f"{simulator.url}/control", content='{"model": "sim-large"}')

    assert answer.status_code == 415


def test_an_unknown_wish_is_named_together_with_the_known_ones(client):
    with pytest.raises(openai.BadRequestError, match=r"can't do 'explode'.*status"):
        _ask(client, prompt="[simulate: explode]")


def test_broken_json_is_refused(simulator):
    answer = httpx.post(
        f"{simulator.base_url}/chat/completions", content="{", headers={"Authorization": f"Bearer {KEY}"}
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_json"


def test_embeddings_are_equal_for_equal_texts_only(client):
    answer = client.embeddings.create(model="sim-embed", input=["a", "b", "a"], dimensions=40, encoding_format="float")

    one, two, three = (row.embedding for row in answer.data)
    assert one == three != two
    assert len(one) == 40


def test_a_text_completion_answers(client):
    answer = client.completions.create(model="sim-small", prompt="Once upon a time", max_tokens=5)

    assert answer.usage.completion_tokens == 5


def test_a_stopped_server_comes_back_on_its_port():
    with SimulatorServer() as server:
        port = server.port
        server.stop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.base_url}/models")
        server.start()

        assert server.port == port
        assert httpx.get(f"{server.base_url}/models").status_code == 200


def test_wishes_of_the_header_win_over_those_of_the_model():
    assert faults.parse("status=429").over(faults.of_model("sim-slow")) == Faults(
        status=429, delay_ms=1500, chunk_delay_ms=100
    )


@pytest.mark.parametrize("wish", ["status=abc", "status=99", "delay_ms=-1", "words=1e9"])
def test_impossible_values_are_refused(wish):
    with pytest.raises(UnknownWishError):
        faults.parse(wish)


def test_examples_follow_the_schema():
    schema = {"type": "array", "items": {"type": "string", "enum": ["x", "y"]}}

    assert answers.example_of(schema) == ["x"]
