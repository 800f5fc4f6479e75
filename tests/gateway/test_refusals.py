"""What the gateway refuses, and what a caller is told of an upstream's failure, as the official SDK sees it."""

from __future__ import annotations

import httpx
import openai
import pytest

HELLO = [{"role": "user", "content": "Say hello"}]


def _ask(live, *, model: str = "safe", key: str = "", **fields: object):
    return live.client(key).chat.completions.create(**{"model": model, "messages": HELLO, **fields})


def _post(live, content: bytes | str, **headers: str) -> httpx.Response:
    return httpx.post(
        f"{live.server.gateway_url}/chat/completions",
        content=content,
        headers={**live.bearer(), "content-type": "application/json", **headers},
        timeout=30,
    )


def test_a_wrong_key_is_401(live):
    with pytest.raises(openai.AuthenticationError) as refused:
        _ask(live, key="lla_not-a-key-of-ours")

    assert refused.value.code == "invalid_api_key"
    assert refused.value.response.headers["www-authenticate"] == "Bearer"


def test_no_key_is_401_and_says_how_to_send_one(live):
    answer = httpx.get(f"{live.server.gateway_url}/models")

    assert answer.status_code == 401
    assert "Authorization: Bearer" in answer.json()["error"]["message"]


def test_the_anthropic_way_of_sending_a_key_works(live):
    answer = httpx.get(f"{live.server.gateway_url}/models", headers={"x-api-key": live.key})

    assert answer.status_code == 200


def test_a_key_without_the_scope_is_403_and_not_401(live):
    with pytest.raises(openai.PermissionDeniedError, match="gateway:call"):
        _ask(live, key=live.reader_key)


def test_an_alias_that_is_not_granted_is_403(live):
    with pytest.raises(openai.PermissionDeniedError) as refused:
        _ask(live, key=live.limited_key)

    assert refused.value.param == "model"
    assert _ask(live, key=live.limited_key, model="only").choices


def test_a_model_behind_a_granted_alias_is_not_itself_granted(live):
    with pytest.raises(openai.PermissionDeniedError):
        _ask(live, key=live.limited_key, model="sim/sim-small")


def test_an_unknown_model_is_404_and_names_a_near_one(live):
    with pytest.raises(openai.NotFoundError, match="Did you mean safe") as refused:
        _ask(live, model="sfae")

    assert refused.value.code == "model_not_found"


def test_near_names_are_those_that_the_caller_may_see(live):
    with pytest.raises(openai.NotFoundError) as refused:
        _ask(live, key=live.limited_key, model="sfae")

    assert "Did you mean safe" not in refused.value.message


def test_refused_calls_leave_no_record(live):
    with pytest.raises(openai.NotFoundError):
        _ask(live, model="nothing")

    assert live.record() is None


@pytest.mark.parametrize("content", ["{", "[]", b"\xff\xfe", '{"model": NaN}', "", '"\\ud800"'])
def test_a_body_that_is_no_json_object_is_400(live, content):
    answer = _post(live, content)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_json"
    assert set(answer.json()["error"]) >= {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 3}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"stop": [1]}, "stop"),
        ({"tools": ["x"]}, "tools[0]"),
    ],
)
def test_a_field_of_the_wrong_kind_is_400_and_named(live, fields, param):
    answer = httpx.post(
        f"{live.server.gateway_url}/chat/completions",
        json={"model": "safe", "messages": HELLO, **fields},
        headers=live.bearer(),
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_a_prompt_of_5_mb_goes_through(live):
    answer = _ask(live, messages=[{"role": "user", "content": "word " * 1_000_000}])

    assert answer.usage.prompt_tokens > 1_000_000


def test_a_body_over_the_limit_is_413_announced_or_chunked(live, settings):
    settings.MAX_BODY_BYTES = 10_000

    announced = _post(live, b"x" * 10_001)
    chunked = httpx.post(
        f"{live.server.gateway_url}/chat/completions",
        content=(b"x" * 1000 for _ in range(20)),
        headers=live.bearer(),
        timeout=30,
    )

    assert [announced.status_code, chunked.status_code] == [413, 413]
    assert announced.json()["error"]["code"] == "body_too_large"


def test_other_paths_are_404_in_openai_s_form(live):
    answer = httpx.post(f"{live.server.gateway_url}/responses", json={}, headers=live.bearer())

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_url"


def test_a_wrong_method_is_405_and_names_the_right_one(live):
    answer = httpx.get(f"{live.server.gateway_url}/chat/completions", headers=live.bearer())

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


# What upstream failures become


@pytest.mark.parametrize(
    ("wishes", "status", "code"),
    [
        ({"status": 401}, 502, "upstream_key_refused"),
        ({"status": 403}, 502, "upstream_key_refused"),
        ({"status": 402}, 503, "upstream_out_of_credit"),
        ({"status": 404}, 502, "upstream_model_unavailable"),
        ({"status": 500}, 502, "upstream_failed"),
        ({"status": 503}, 503, "upstream_failed"),
        ({"status": 504}, 504, "upstream_timeout"),
        ({"status": 422}, 422, "simulated"),
        ({"malformed": True}, 502, "upstream_failed"),
        ({"cut_after": 1}, 502, "upstream_unreachable"),
    ],
)
def test_an_upstream_s_failure_has_a_status_of_its_own(live, wishes, status, code):
    live.simulator.set("sim-small", **wishes)

    answer = httpx.post(
        f"{live.server.gateway_url}/chat/completions", json={"model": "only", "messages": HELLO}, headers=live.bearer()
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    record = live.record()
    assert (record.status, record.settlement, record.http_status) == ("error", "final", status)
    assert record.cost_usd == 0


def test_an_upstream_s_429_keeps_its_retry_after(live):
    live.simulator.set("sim-small", status=429, retry_after=7)

    with pytest.raises(openai.RateLimitError) as refused:
        _ask(live, model="only")

    assert refused.value.response.headers["retry-after"] == "7"


def test_g21_the_first_error_is_told_and_both_attempts_are_kept(live):
    live.simulator.set("sim-large", status=529)
    live.simulator.set("sim-small", status=429)

    with pytest.raises(openai.APIStatusError) as failed:
        _ask(live)

    assert failed.value.status_code == 503
    assert failed.value.response.headers["x-llmadmin-attempts"] == "2"
    assert [attempt.upstream_status for attempt in live.record().attempts.order_by("position")] == [529, 429]


def test_g34_an_error_carries_the_request_id_and_nothing_from_inside(live):
    live.simulator.set("sim-small", status=500)

    with pytest.raises(openai.APIStatusError) as failed:
        _ask(live, model="only", extra_headers={"x-request-id": "caller-chosen-1"})

    assert failed.value.body["request_id"] == "caller-chosen-1"
    assert failed.value.request_id == "caller-chosen-1"
    assert "Traceback" not in failed.value.response.text
    assert live.record().request_id == "caller-chosen-1"


def test_g9_an_upstream_that_echoes_our_key_does_not_reveal_it(live, simulator):
    from tests.gateway.conftest import UPSTREAM_KEY

    prompt = [{"role": "user", "content": "hi"}]
    live.simulator.set("sim-small", status=401)

    with pytest.raises(openai.APIStatusError) as failed:
        _ask(live, model="only", messages=prompt)

    assert UPSTREAM_KEY not in failed.value.response.text
    assert UPSTREAM_KEY not in live.record().error_message
