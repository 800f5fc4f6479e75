"""Failures in OpenAI's dialect as vendors and the proxies before them word them: behind a status, inside a 200, inside a stream."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest

from providers import (
    LLMProviderAuthenticationError,
    LLMProviderError,
    LLMProviderInvalidRequestError,
    LLMProviderModelError,
    LLMProviderRateLimitError,
    LLMProviderResourceExhaustedError,
    LLMProviderServiceError,
    LLMProviderTimeoutError,
)
from tests.providers.canned import events, fail
from tests.providers.dialect_exchanges import body, piece

PAGE = b"<!DOCTYPE html><html><head><style>a{}</style><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>"
DIALECT = ["openai", "azure", "openrouter", "portkey", "huggingface", "mistral", "vllm", "local"]


@pytest.mark.parametrize(
    ("status", "expected", "retryable"),
    [
        (402, LLMProviderResourceExhaustedError, False),
        (408, LLMProviderTimeoutError, True),
        (409, LLMProviderServiceError, True),
        (410, LLMProviderModelError, False),
        (413, LLMProviderInvalidRequestError, False),
        (424, LLMProviderServiceError, True),
        (425, LLMProviderServiceError, True),
        (498, LLMProviderRateLimitError, True),
        (499, LLMProviderServiceError, True),
        (502, LLMProviderServiceError, True),
        (503, LLMProviderServiceError, True),
        (522, LLMProviderTimeoutError, True),
        (524, LLMProviderTimeoutError, True),
        (529, LLMProviderServiceError, True),
    ],
)
@pytest.mark.parametrize("answer", [b"", PAGE, b'{"error": null}', b"[]", b"\xff\xfe"])
async def test_a_status_decides_whatever_the_body_is(
    status: int, expected: type[LLMProviderError], retryable: bool, answer: bytes
):
    for is_stream in (False, True):
        error = await fail("local", answer, status=status, is_stream=is_stream)

        assert (type(error), error.status, error.retryable) == (expected, status, retryable)
        assert error.message
        assert "<" not in error.message


WORDS: list[tuple[str, int, Any, type[LLMProviderError], str, str | None]] = [
    (
        "xai", 400,
        {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xx. Get one at the console."},
        LLMProviderAuthenticationError, "Incorrect API key provided: xx. Get one at the console.",
        "Client specified an invalid argument",
    ),
    (
        "gemini", 400, [{"error": {"code": 400, "message": "API key not valid. Pass one.", "status": "INVALID_ARGUMENT"}}],
        LLMProviderAuthenticationError, "API key not valid. Pass one.", "400",
    ),
    (
        "a gateway", 401, {"error": "Unauthorized", "message": "The token has ended."},
        LLMProviderAuthenticationError, "The token has ended.", "Unauthorized",
    ),
    (
        "azure's front door", 401, {"statusCode": 401, "message": "Access denied due to missing subscription key."},
        LLMProviderAuthenticationError, "Access denied due to missing subscription key.", None,
    ),
    (
        "fastapi", 422, {"detail": [{"type": "missing", "loc": ["body", "messages", 0, "content"], "msg": "Field required"}]},
        LLMProviderInvalidRequestError, "body.messages.0.content: Field required", None,
    ),
    (
        "fastapi in words", 404, {"detail": "Not Found"}, LLMProviderModelError, "Not Found", None,
    ),
    (
        "mistral's unknown model", 400,
        {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "param": None, "code": "1500"},
        LLMProviderModelError, "Invalid model: x", "1500",
    ),
    (
        "hugging face", 400,
        {"error": {"message": "The requested model 'x' is not supported by any provider you have enabled.", "param": "model",
                   "type": "invalid_request_error", "code": "model_not_supported"}},
        LLMProviderModelError, "The requested model 'x' is not supported by any provider you have enabled.",
        "model_not_supported",
    ),
    (
        "deepseek", 402, {"error": {"message": "Insufficient Balance", "type": "unknown_error", "code": "invalid_request_error"}},
        LLMProviderResourceExhaustedError, "Insufficient Balance", "invalid_request_error",
    ),
    (
        "openai's quota", 429,
        {"error": {"message": "You exceeded your current quota.", "type": "insufficient_quota", "code": "insufficient_quota"}},
        LLMProviderResourceExhaustedError, "You exceeded your current quota.", "insufficient_quota",
    ),
    (
        "vllm", 400, {"object": "error", "message": "top_p must be in (0, 1].", "type": "BadRequestError", "code": 400},
        LLMProviderInvalidRequestError, "top_p must be in (0, 1].", "400",
    ),
    (
        "cloudflare", 403, {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}], "result": None},
        LLMProviderAuthenticationError, "Authentication error", None,
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "said", "expected", "message", "code"),
    [pytest.param(*row[1:], id=row[0].replace(" ", "-")) for row in WORDS],
)
async def test_a_vendors_words_are_found(
    status: int, said: Any, expected: type[LLMProviderError], message: str, code: str | None
):
    error = await fail("local", said, status=status)

    assert (type(error), error.status, error.message, error.code) == (expected, status, message, code)


@pytest.mark.parametrize(
    ("said", "expected", "status", "message"),
    [
        ({"error": "text"}, LLMProviderServiceError, 200, "text"),
        ({"error": True, "message": "beside it"}, LLMProviderServiceError, 200, "beside it"),
        ({"error": {"message": "m", "code": 429}}, LLMProviderRateLimitError, 429, "m"),
        ({"error": {"message": "m", "code": "503"}}, LLMProviderServiceError, 503, "m"),
        ({"error": {"message": "m", "type": "server_error"}}, LLMProviderServiceError, 500, "m"),
        ({"error": {"message": "m", "code": "content_filter"}}, LLMProviderInvalidRequestError, 400, "m"),
        ({"object": "error", "message": "m", "code": 401}, LLMProviderAuthenticationError, 401, "m"),
        ({"code": 401, "message": "m"}, LLMProviderAuthenticationError, 401, "m"),
        ({"detail": "m"}, LLMProviderServiceError, 200, "m"),
    ],
    ids=["text", "true", "code", "code-as-text", "type", "content-filter", "flat-error", "flat", "detail"],
)
@pytest.mark.parametrize("slug", DIALECT)
async def test_an_error_behind_status_200_is_one_in_a_body_and_in_a_stream(
    slug: str, said: Any, expected: type[LLMProviderError], status: int, message: str
):
    for answer, is_stream in ((said, False), (said, True), (events(piece({"content": "a"}), said, done=False), True)):
        error = await fail(slug, answer, is_stream=is_stream)

        assert (type(error), error.status, error.message) == (expected, status, message)


@pytest.mark.parametrize(
    "reason",
    [
        "error",
        "insufficient_system_resource",
        "network_error",
        "abort",
        "function_call_filter: MALFORMED_FUNCTION_CALL",
    ],
)
async def test_an_answer_whose_end_is_a_failure_is_none(reason: str):
    whole = await fail("local", body({"content": "half an"}, reason))
    streamed = await fail("local", events(piece({"content": "half an"}), piece({}, reason)), is_stream=True)

    assert (type(whole), type(streamed)) == (LLMProviderServiceError, LLMProviderServiceError)
    assert whole.code == streamed.code == reason
    assert whole.message == streamed.message


@pytest.mark.parametrize("answer", [{"choices": []}, {"choices": None}, {"id": "x"}, {}])
async def test_an_answer_without_choices_is_no_empty_answer(answer: Any):
    for is_stream in (False, True):
        error = await fail("local", answer, is_stream=is_stream)

        assert (type(error), error.code) == (LLMProviderServiceError, "unreadable_answer")
        assert "choices" in error.message


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (b'event: error\ndata: {"error": {"message": "m"}}\n\n', "m"),
        (b'event: error\ndata: {"message": "m"}\n\n', "m"),
        (b"event: error\ndata: Internal Server Error\n\n", "Internal Server Error"),
        (b'data: {"error": {"message": "m"},\ndata: "id": 1}\n\n', "m"),
    ],
    ids=["nested", "flat", "text", "on-two-lines"],
)
async def test_an_error_event_keeps_its_words(event: bytes, message: str):
    error = await fail("local", events(piece({"content": "a"}), done=False) + event, is_stream=True)

    assert (type(error), error.message) == (LLMProviderServiceError, message)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after": formatdate(0, usegmt=True)}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "12ms"}, 0.012),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2.5s"}, 62.5),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1741305600"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2025-03-07T00:00:00Z"}, None),
        ({"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "9s"}, None),
    ],
    ids=lambda value: (
        ",".join(f"{name}={text}" for name, text in value.items()) if isinstance(value, dict) else str(value)
    ),
)
async def test_a_limit_says_how_long_to_wait(headers: dict[str, str], expected: float | None):
    error = await fail("openai", {"error": {"message": "Slow down"}}, status=429, headers=headers)

    assert (type(error), error.retry_after_s) == (LLMProviderRateLimitError, expected)


@pytest.mark.parametrize(
    ("slug", "headers", "said", "expected"),
    [
        ("openai", {"x-request-id": "req_1", "cf-ray": "ray"}, {}, "req_1"),
        ("azure", {"apim-request-id": "apim-1"}, {}, "apim-1"),
        ("azure", {"x-request-id": "req_1", "apim-request-id": "apim-1"}, {}, "req_1"),
        ("openrouter", {"x-generation-id": "gen-1", "cf-ray": "ray"}, {}, "gen-1"),
        ("portkey", {"x-portkey-trace-id": "trace-1", "cf-ray": "ray"}, {}, "trace-1"),
        ("portkey", {"x-portkey-trace-id": "trace-1", "x-request-id": "req_1"}, {}, "req_1"),
        ("mistral", {"mistral-correlation-id": "corr-1"}, {}, "corr-1"),
        ("mistral", {"mistral-correlation-id": "corr-1"}, {"request_id": "body-1"}, "body-1"),
        ("local", {"cf-ray": "ray"}, {}, "ray"),
        ("local", {"cf-ray": "ray"}, {"error": {"message": "m", "request_id": "inner-1"}}, "inner-1"),
        ("local", {}, {}, None),
    ],
)  # fmt: skip
async def test_the_requests_id_is_found_where_the_vendor_puts_it(
    slug: str, headers: dict[str, str], said: dict[str, Any], expected: str | None
):
    error = await fail(slug, {"message": "m", **said}, status=500, headers=headers)

    assert error.request_id == expected


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000",
        "Input validation error: `inputs` must have less than 4095 tokens. Given: 9000",
        "Please reduce the length of the messages or completion. Current length is 8201 while limit is 8192",
        "the request exceeds the available context size (8192 tokens), try increasing it",
        "Prompt contains 65673 tokens, too large for model with 32768 maximum context length",
    ],
)
async def test_a_prompt_that_is_too_long_is_known_by_each_vendors_words(words: str):
    error = await fail("local", {"error": {"message": words}}, status=400)

    assert (type(error), error.exceeds_context) == (LLMProviderInvalidRequestError, True)
