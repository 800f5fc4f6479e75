"""Bad input at both doors: a clear message, the right status, nothing half written."""

from __future__ import annotations

import httpx
import openai
import pytest

from tests.journeys.stand import HELLO, Rest, Stand

GATEWAY = "gateway:call"


def test_a_wrong_key_is_401_at_both_doors(stand: Stand) -> None:
    wrong = Rest(stand.server, "lla_this-is-no-key-of-ours")

    with pytest.raises(openai.AuthenticationError) as refused:
        stand.client(wrong.key).chat.completions.create(model="any", messages=HELLO)
    answer = wrong.raw("GET", "config/")

    assert refused.value.code == "invalid_api_key"
    assert answer.status_code == 401
    assert answer.json()["error"]["message"]


def test_a_service_of_one_alias_gets_403_elsewhere_and_sees_that_one_only(stand: Stand) -> None:
    own, other = stand.alias(), stand.alias()
    key = stand.service(GATEWAY, "config:read", aliases=(own,))

    with pytest.raises(openai.PermissionDeniedError):
        stand.client(key).chat.completions.create(model=other, messages=HELLO)
    with pytest.raises(openai.PermissionDeniedError):
        stand.client(key).chat.completions.create(model="sim/sim-large", messages=HELLO)
    listed = [model.id for model in stand.client(key).models.list()]

    assert stand.client(key).chat.completions.create(model=own, messages=HELLO).choices
    assert listed == [own]
    assert list(Rest(stand.server, key).get("config/")["aliases"]) == [own]


def test_an_unknown_model_is_404_and_names_a_near_one(stand: Stand) -> None:
    alias, key = stand.alias(), stand.service(GATEWAY)

    with pytest.raises(openai.NotFoundError, match=f"Did you mean {alias}"):
        stand.client(key).chat.completions.create(model=f"{alias}x", messages=HELLO)


@pytest.mark.parametrize("path", ["v1/chat/completions", "api/v1/aliases/"])
def test_malformed_json_is_400_with_a_sentence_at_both_doors(stand: Stand, path: str) -> None:
    headers = {"Authorization": f"Bearer {stand.service(GATEWAY, 'admin')}", "Content-Type": "application/json"}

    answer = httpx.post(f"{stand.server.url}/{path}", content=b'{"model": "a', headers=headers, timeout=30)

    assert answer.status_code == 400
    assert "JSON" in answer.json()["error"]["message"]
    assert answer.headers["x-request-id"]


def test_a_prompt_of_5_mb_is_answered_and_counted(stand: Stand) -> None:
    alias, key = stand.alias(), stand.service(GATEWAY)
    prompt = "word " * 1_000_000

    answer = stand.client(key).chat.completions.create(model=alias, messages=[{"role": "user", "content": prompt}])

    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 1_000_000
    [record] = stand.records(alias, count=1)
    assert record["input_tokens"] == answer.usage.prompt_tokens


def test_a_body_over_the_limit_is_413_and_the_server_goes_on(stand: Stand) -> None:
    alias, key = stand.alias(), stand.service(GATEWAY)
    body = {"model": alias, "messages": [{"role": "user", "content": "x" * 21 * 1024 * 1024}]}

    answer = httpx.post(
        f"{stand.server.gateway_url}/chat/completions",
        json=body,
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )

    assert answer.status_code == 413
    assert stand.client(key).chat.completions.create(model=alias, messages=HELLO).choices


def test_an_alias_as_target_is_400_at_its_field_and_nothing_is_written(stand: Stand) -> None:
    alias = stand.alias()
    before = stand.admin.get("config/")["version"]

    answer = stand.admin.raw("POST", "aliases/", json={"name": "loop", "targets": [{"model": alias}]})

    assert answer.status_code == 400
    assert any(field.startswith("targets") for field in answer.json()["error"]["fields"])
    assert stand.admin.get("config/")["version"] == before
    assert stand.admin.raw("GET", "aliases/loop/").status_code == 404


def test_a_provider_in_use_is_not_deleted_and_says_by_what(stand: Stand) -> None:
    answer = stand.admin.raw("DELETE", "providers/sim/")

    assert answer.status_code == 409
    assert "sim-large" in answer.text
    assert stand.admin.get("providers/sim/")["slug"] == "sim"


@pytest.mark.parametrize(
    ("base_url", "step"),
    [("http://no-such-host.invalid/v1", "dns"), ("http://127.0.0.1:9/v1", "refused")],
)
def test_g32_an_unreachable_host_is_told_by_its_step(stand: Stand, base_url: str, step: str) -> None:
    slug = f"gone-{step}"
    stand.admin.post("providers/", {"slug": slug, "kind": "local", "base_url": base_url})

    report = stand.admin.post(f"providers/{slug}/test/", {})

    assert (report["is_healthy"], report["step"]) == (False, step)
    assert report["message"]


def test_g32_a_wrong_provider_key_is_told_as_such_and_is_not_in_the_answer(stand: Stand) -> None:
    stand.admin.post("providers/", {"slug": "locked-out", "kind": "local", "base_url": stand.simulator.base_url})
    stand.admin.post("keys/", {"provider": "locked-out", "label": "wrong", "api_key": "test-key-that-is-wrong"})

    report = stand.admin.post("providers/locked-out/test/", {})

    assert (report["is_healthy"], report["step"]) == (False, "key")
    assert "test-key-that-is-wrong" not in str(report)
