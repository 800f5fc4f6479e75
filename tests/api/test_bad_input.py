"""Whatever comes in, the answer is a sentence with a status below 500, and nothing is half written."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from rest_framework.test import APIClient

from llmadmin.config.models import ConfigVersion

SIXTEEN_ZEROS = uuid.UUID(int=0)
NASTY: dict[str, Any] = {
    "NUL": "a\x00b",
    "Arabic": "مرحبا",
    "script": "<script>alert(1)</script>",
    "blank": "   ",
    "empty": "",
    "control": "a\x07b",
    "newline": "name\n",
    "emoji": "😀" * 50,
    "long": "x" * 100_000,
    "huge whole number": 2**63,
    "beyond 64 bits": 10**40,
    "below": -(2**31) - 1,
    "float": 1e308,
    "fraction": 0.5,
    "true": True,
    "null": None,
    "list": ["a", 1, None],
    "object": {"a": {"b": ["c"]}},
    "deep": json.loads("[" * 900 + "]" * 900),
    "number as text": "12",
    "far date": "9999-12-31T23:59:59-23:59",
    "first date": "0001-01-01T00:00:00+23:59",
    "impossible date": "2026-02-31T00:00:00Z",
}


def bodies(catalogue: Any) -> dict[str, dict[str, Any]]:
    """A good body for each address that takes one."""
    return {
        "providers/": {
            "slug": "lab", "kind": "local", "label": "Lab", "base_url": "http://127.0.0.1:9/v1", "default_model": "m",
            "timeout_s": 5, "max_retries": 1, "headers": {"X-Team": "lab"}, "options": {"a": 1}, "enabled": True,
        },
        "models/": {
            "provider": "sim", "name": "gamma", "context_window": 8000, "max_output_tokens": 800, "capabilities": ["chat"],
            "parameters": {"temperature": 0.2}, "enabled": True,
        },
        "prices/": {
            "model": "sim/alpha", "effective_from": "2030-01-01T00:00:00Z", "input_usd_per_mtok": "1",
            "cached_input_usd_per_mtok": "1", "cache_write_usd_per_mtok": "1", "output_usd_per_mtok": "1",
            "reasoning_usd_per_mtok": "1", "tiers": [{"above_input_tokens": 1000, "input_usd_per_mtok": "2"}],
        },
        "keys/": {
            "provider": "sim", "label": "second", "environment": "production", "api_key": "test-key-beta-7777", "weight": 2,
            "state": "draining", "expires_at": "2030-01-01T00:00:00Z",
        },
        "aliases/": {
            "name": "safe", "strategy": "priority", "targets": [{"model": "sim/alpha", "weight": 1, "params": {}}],
            "params": {"temperature": 0.1}, "cache_ttl_s": 5, "deprecated": "Use fast.", "description": "For tests",
            "deprecated_at": "2026-01-01T00:00:00Z", "replacement": "fast", "sunset_at": "2030-01-01T00:00:00Z",
            "after_sunset": "refuse",
            "canary": {"model": "sim/beta", "share_percent": 5, "params": {}, "since": "2026-01-01T00:00:00Z"},
        },
        "agents/": {"name": "writer", "alias": "fast", "params": {}, "headers": {"X-A": "b"}, "description": "For tests"},
        "services/": {
            "name": "batch", "description": "For tests", "team": "data", "scopes": ["config:read"], "aliases": ["fast"],
            "enabled": True,
        },
        "usage/": {
            "id": str(uuid.uuid4()), "started_at": "2026-01-05T10:20:30Z", "model": "sim/alpha", "alias": "fast",
            "agent": "coder", "service": "x", "status": "ok", "settlement": "final", "user": "u", "error_class": "timeout",
            "http_status": 200, "input_tokens": 1, "cached_input_tokens": 1, "cache_write_tokens": 1, "output_tokens": 1,
            "reasoning_tokens": 1, "cost_usd": "0.1", "latency_ms": 1, "ttft_ms": 1, "is_stream": True, "tags": {"a": "b"},
            "attempts": [{"provider": "sim", "model": "sim/alpha", "key_id": str(SIXTEEN_ZEROS), "status": "ok",
                          "upstream_status": 200, "error_class": "", "started_at": "2026-01-05T10:20:30Z", "latency_ms": 1}],
        },
    }  # fmt: skip


def assert_refused_or_taken(answer: Any, what: object) -> None:
    assert answer.status_code < 500, (what, answer.content[:2000])
    assert len(answer.content) < 400_000, what
    if answer.status_code >= 400:
        error = json.loads(answer.content)["error"]
        assert error["message"], what
        assert error["type"], what
        assert error["request_id"], what


@pytest.fixture
def everything(service_client: Any, catalogue: Any) -> APIClient:
    client: APIClient = service_client("admin", "secrets:read", name="everything")
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize(
    "address", ["providers/", "models/", "prices/", "keys/", "aliases/", "agents/", "services/", "usage/"]
)
def test_every_field_takes_or_refuses_every_value(everything: APIClient, catalogue: Any, address: str) -> None:
    good = bodies(catalogue)[address]
    made = everything.post(f"/api/v1/{address}", good)
    assert made.status_code in (200, 201), made.content
    own = made.json()
    for field in good:
        for what, value in NASTY.items():
            assert_refused_or_taken(everything.post(f"/api/v1/{address}", {**good, field: value}), (field, what))
            if address != "usage/":
                place = (
                    own.get("id") if address in ("models/", "prices/", "keys/") else own.get("slug", own.get("name"))
                )
                assert_refused_or_taken(everything.patch(f"/api/v1/{address}{place}/", {field: value}), (field, what))


def test_wrong_types_are_refused_and_name_their_field(everything: APIClient, catalogue: Any) -> None:
    wrong = {str: 5, int: "5", float: "5", bool: "true", list: {"a": "b"}, dict: ["a"]}
    for address, good in bodies(catalogue).items():
        for field, value in good.items():
            if field in ("service", "timeout_s") or field.endswith(("_usd_per_mtok", "cost_usd")):
                continue
            before = ConfigVersion.objects.count()

            refused = everything.post(f"/api/v1/{address}", {**good, field: wrong[type(value)]})

            assert refused.status_code == 400, (address, field, refused.content)
            assert any(name.split(".")[0] == field for name in refused.json()["error"]["fields"]), (address, field)
            assert ConfigVersion.objects.count() == before


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"slug":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"slug": "\\ud800"}',
        b'{"slug": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'{"timeout_s": 1e999}',
        b'{"timeout_s": NaN}',
        b'{"max_retries": ' + b"9" * 5000 + b"}",
        b'{"slug": "\xff"}',
        '{"قناة": "مرحبا"}'.encode(),
        b'{"slug": "' + b"x" * 10_000_000 + b'"}',
        b'{"headers": {' + b",".join(b'"X-%d": "a"' % n for n in range(5000)) + b"}}",
    ],
    ids=range(12),
)
@pytest.mark.parametrize("address", ["providers/", "usage/", "apply/"])
def test_bodies_that_no_reader_likes_are_400(everything: APIClient, address: str, content: bytes) -> None:
    answer = everything.generic("POST", f"/api/v1/{address}", content, content_type="application/json")

    assert answer.status_code == 400, answer.content[:300]
    assert_refused_or_taken(answer, address)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]",
        "a: &a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(8)),
        "a: &a {x: 1}\n" + "\n".join(f"{chr(98 + n)}: &{chr(98 + n)} {{<<: [{','.join([f'*{chr(97 + n)}'] * 9)}]}}" for n in range(8)),
        "[" * 3000 + "]" * 3000,
        "{" * 20_000,
        "a: 2026-13-45",
        "a: " + "9" * 5000,
        "a: .inf",
        "? [a, b]\n: c",
        "a: !!binary 'x'",
        "models: 5",
        "providers: {x: [1]}",
        "aliases: {'': a/b}",
        "\x00",
        "llm_config.yaml",
        "/etc/passwd",
    ],
    ids=range(16),
)  # fmt: skip
def test_yaml_that_no_reader_likes_is_400_and_quick(everything: APIClient, text: str) -> None:
    answer = everything.generic("POST", "/api/v1/apply/", text.encode(), content_type="application/yaml")

    assert answer.status_code == 400, answer.content[:300]
    assert_refused_or_taken(answer, text[:40])


def test_a_body_over_the_limit_is_413(everything: APIClient, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 1000

    for address in ("providers/", "usage/", "apply/"):
        answer = everything.generic("POST", f"/api/v1/{address}", b" " * 1001 + b"{}", content_type="application/json")
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_a_body_of_another_media_type_is_415(everything: APIClient) -> None:
    answer = everything.generic("POST", "/api/v1/providers/", b"slug=x", content_type="text/csv")

    assert answer.status_code == 415
    assert_refused_or_taken(answer, "csv")


ADDRESSES = (
    "providers/{}/", "keys/{}/", "models/{}/", "prices/{}/", "aliases/{}/", "agents/{}/", "services/{}/", "versions/{}/",
    "versions/{}/diff/", "services/{}/keys/", "services/caller/keys/{}/", "config/{}/", "{}",
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_of_nothing_are_404_in_our_form(everything: APIClient, address: str) -> None:
    for name in (
        "%00", "%ff%fe", "%D9%85%D8%B1", "%3Cscript%3E", "no-such", "-1", "999999999999999999999999", "%F0%9F%98%80",
        str(SIXTEEN_ZEROS), "0" * 36, "..%2f..", "a%0Ab", "x" * 3000, "%ED%A0%80", "%20",
    ):  # fmt: skip
        answer = everything.get(f"/api/v1/{address.format(name)}")

        assert answer.status_code in (404, 405), (name, answer.content[:300])
        assert_refused_or_taken(answer, name)


QUERIES = (
    "providers/?cursor={}", "providers/?page_size={}", "models/?provider={}", "models/?cursor={}", "prices/?model={}",
    "prices/?cursor={}", "keys/?state={}", "agents/?alias={}", "aliases/?cursor={}", "services/?cursor={}",
    "audit/?object={}", "audit/?name={}", "audit/?by={}", "audit/?cursor={}", "versions/?cursor={}",
    "versions/1/diff/?to={}", "usage/?from={}", "usage/?to={}", "usage/?model={}", "usage/?user={}", "usage/?cursor={}",
    "usage/summary/?from={}", "usage/summary/?to={}", "usage/summary/?group_by={}", "usage/summary/?interval={}",
    "usage/summary/?model={}", "usage/summary/?settlement={}",   "export/?as={}",
     "providers/?{}=1", "usage/?{}=1", "providers/?format={}",
)  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_queries_are_answered_or_refused(everything: APIClient, query: str) -> None:
    import base64

    cursors = [
        base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        for text in (
            '[0,"\\u0000"]', '[0,"\\ud800"]', "[0,99999999999999999999999999]", "[0,1e999]", "[0,-1]", "[" * 3000,
            '[0,"9999-12-31T23:59:59-23:59","00000000-0000-0000-0000-000000000000"]', '[0,"a"]', '[0,"a","b"]',
            '[0,"0001-01-01T00:00:00+23:59","00000000-0000-0000-0000-000000000000"]', "[2,5]", "{}", "5",
            '[0,"a","b","2026-01-01T00:00:00Z","x"]', '[0,"a","b","0001-01-01T00:00:00+23:59","00000000-0000-0000-0000-000000000000"]',
        )
    ]  # fmt: skip
    for value in (
        "%00", "%ff", "%ED%A0%80", "%D9%85", "%3Cscript%3E", "x" * 4000, "-1", "0", "9" * 4500, "%C2%B2", "a&page_size=1001",
        "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00%2B23:59", "0001-01-01", "2026-02-31", "", "a,b,,a",
        *cursors,
    ):  # fmt: skip
        answer = everything.get(f"/api/v1/{query.format(value)}")

        assert_refused_or_taken(answer, (query, value[:80]))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("*", 200), ('"{}"', 200), ("{}", 200), ('W/"{}"', 200), ('"0", "{}"', 200), ('"77"', 412), ('"abc"', 412), ('""', 412),
        ('"' + "9" * 5000 + '"', 412), ('"²"', 412), ('"-1"', 412), (",", 412), ("W/", 412),
    ],
)  # fmt: skip
def test_every_form_of_if_match(everything: APIClient, catalogue: Any, header: str, expected: int) -> None:
    revision = everything.get("/api/v1/aliases/fast/").json()["revision"]

    answer = everything.patch(
        "/api/v1/aliases/fast/", {"cache_ttl_s": 9}, headers={"If-Match": header.format(revision)}
    )

    assert answer.status_code == expected, answer.content


def test_reasons_in_any_script_are_kept_and_odd_ones_do_no_harm(everything: APIClient, catalogue: Any) -> None:
    for place, (sent, kept) in enumerate(
        (("تجربة".encode().decode("latin-1"), "تجربة"), ("\x00\x07x", "x"), ("y" * 5000, "y" * 500), ("\xff", "ÿ")), 1
    ):
        changed = everything.patch("/api/v1/aliases/fast/", {"cache_ttl_s": place}, headers={"X-Change-Reason": sent})

        assert changed.status_code == 200, changed.content
        assert everything.get("/api/v1/versions/?page_size=1").json()["results"][0]["why"] == kept


def test_a_method_that_is_not_there_is_405_and_says_which_are(everything: APIClient) -> None:
    for method, address in (
        ("DELETE", "usage/"), ("PUT", "providers/"), ("PATCH", "export/"), ("GET", "apply/"), ("POST", "audit/"),
        ("OPTIONS", "providers/"), ("TRACE", "config/"), ("POST", "config/"),
    ):  # fmt: skip
        answer = everything.generic(method, f"/api/v1/{address}")

        assert answer.status_code == 405, (method, address, answer.content)
        assert answer.headers["Allow"]
        assert_refused_or_taken(answer, address)


def test_a_misspelt_rehearsal_is_refused_instead_of_done(everything: APIClient) -> None:
    before = ConfigVersion.objects.count()
    for query in ("dryrun=1", "dry_run=", "dry_run=maybe", "dry_run", "dry_run=1&dry_run=0"):
        answer = everything.post(
            f"/api/v1/apply/?{query}", {"providers": {"lab": {"kind": "local", "base_url": "http://127.0.0.1:9"}}}
        )

        assert answer.status_code == 400, query
    assert ConfigVersion.objects.count() == before
