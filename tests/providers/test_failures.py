from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from providers import (
    LLMProviderAuthenticationError,
    LLMProviderInvalidRequestError,
    LLMProviderModelError,
    LLMProviderRateLimitError,
    LLMProviderResourceExhaustedError,
    LLMProviderServiceError,
)
from providers.base.complaints import Complaint, read_complaint
from providers.base.failures import (
    CallContext,
    ErrorHabits,
    error_from_answer,
    error_from_payload,
    read_retry_after_s,
)

CONTEXT = CallContext("openai", "m")


def error_of(status: int, body: bytes, **headers: str):
    return error_from_answer(status, headers, body, context=CONTEXT)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (
            429,
            b'{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}',
        ),
        (429, b'{"error":{"message":"You exceeded your current quota, please check your plan"}}'),
        (
            400,
            b'{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to go on"}}',
        ),
        (402, b'{"error":{"message":"Payment needed"}}'),
    ],
)
def test_no_credit_left_is_told_apart_from_too_fast(status: int, body: bytes):
    error = error_of(status, body)

    assert type(error) is LLMProviderResourceExhaustedError
    assert (error.retryable, error.fails_over, error.status) == (False, True, status)


def test_litellms_word_for_an_unknown_key_is_an_authentication_error():
    body = b'{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}'

    error = error_of(400, body)

    assert type(error) is LLMProviderAuthenticationError
    assert error.status == 400


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"message":"too long","code":"context_length_exceeded"}}',
        b'{"error":{"message":"This model\'s maximum context length is 8192 tokens. However, you requested 9000."}}',
        b'{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}',
        b'{"error":"the request exceeds the available context size"}',
    ],
)
def test_a_prompt_that_is_too_long_says_so_to_the_router(body: bytes):
    error = error_of(400, body)

    assert type(error) is LLMProviderInvalidRequestError
    assert error.exceeds_context


def test_an_ordinary_bad_request_does_not_claim_to_be_too_long():
    assert not error_of(400, b'{"error":{"message":"temperature must be at most 2"}}').exceeds_context


def test_a_retired_model_behind_400_is_a_model_error():
    body = b'{"error":{"message":"The model has been decommissioned","code":"model_decommissioned"}}'

    assert type(error_of(400, body)) is LLMProviderModelError


@pytest.mark.parametrize(
    ("code", "expected", "status"),
    [
        (429, LLMProviderRateLimitError, 429),
        ("503", LLMProviderServiceError, 503),
        ("rate_limit_exceeded", LLMProviderRateLimitError, 429),
        ("something_new", LLMProviderServiceError, 200),
    ],
)
def test_an_error_inside_200_is_classed_by_the_code_it_carries(code, expected, status):
    error = error_from_payload({"error": {"code": code, "message": "No."}}, status=200, headers={}, context=CONTEXT)

    assert (type(error), error.status, error.message) == (expected, status, "No.")


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"error": "plain words"}, "plain words"),
        ({"error": {"message": {"nested": 1}}}, '{"nested":1}'),
        ({"message": "Mistral's way", "type": "invalid"}, "Mistral's way"),
        ({"detail": "FastAPI's way"}, "FastAPI's way"),
        ({"detail": [{"loc": ["body", "top_p"], "msg": "too large"}]}, "body.top_p: too large"),
        ({"message": {"detail": [{"loc": ["body", "x"], "msg": "Extra inputs"}]}}, "body.x: Extra inputs"),
        ({"errors": [{"code": 7003, "message": "No route"}, "and words"]}, "No route; and words"),
        ({"detail": [{"at": "body"}]}, '{"at":"body"}'),
        ({"error": "Unauthorized", "message": "The token ended."}, "The token ended."),
        ({"error": True, "message": "said beside"}, "said beside"),
        ([{"error": {"message": "Google's way"}}], "Google's way"),
    ],
)
def test_the_words_are_found_in_any_of_the_usual_shapes(payload, message):
    complaint = read_complaint(payload)

    assert complaint is not None
    assert complaint.message == message


@pytest.mark.parametrize("payload", [None, [], {}, "text", 7, {"ok": True}])
def test_a_body_without_a_complaint_has_none(payload):
    assert read_complaint(payload) is None


def test_a_page_of_html_becomes_its_words():
    body = b"<html><style>p {color: red}</style><body><h1>502 Bad Gateway</h1>\n<p>nginx</p></body></html>"

    assert error_of(502, body).message == "502 Bad Gateway nginx"


def test_an_empty_failure_still_says_something():
    assert error_of(500, b"").message == "The provider answered with status 500 and no explanation."


def test_a_very_long_complaint_is_cut():
    assert len(error_of(500, b"x" * 100_000).message) < 2100


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e400"}, None),
        ({}, None),
    ],
)
def test_the_wait_is_read_from_seconds_or_milliseconds(headers: dict[str, str], seconds: float | None):
    assert read_retry_after_s(headers) == seconds


def test_the_wait_is_read_from_a_date():
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    earlier = format_datetime(datetime.now(UTC) - timedelta(seconds=100), usegmt=True)

    assert read_retry_after_s({"retry-after": later}) == pytest.approx(100, abs=5)
    assert read_retry_after_s({"retry-after": earlier}) == 0


def test_the_vendors_own_word_on_retrying_holds():
    assert error_of(500, b"{}", **{"x-should-retry": "false"}).retryable is False
    assert error_of(500, b"{}").retryable is True


def test_a_vendor_may_word_its_failures_in_its_own_way():
    def read(payload: Any) -> Complaint:
        return Complaint(message=payload["oops"], kind=LLMProviderAuthenticationError, retry_after_s=2.5)

    context = CallContext("acme", habits=ErrorHabits(read=read, request_id_header="x-acme-id"))

    error = error_from_answer(400, {"x-acme-id": "r1"}, b'{"oops": "No."}', context=context)

    assert type(error) is LLMProviderAuthenticationError
    assert (error.status, error.message, error.request_id, error.retry_after_s) == (400, "No.", "r1", 2.5)


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (429, {"x-reset": "12"}, 12.0),
        (429, {"x-reset": "12", "retry-after": "3"}, 3.0),
        (429, {"x-reset": "soon"}, None),
        (503, {"x-reset": "12"}, None),
    ],
)
def test_a_limits_reset_is_the_wait_where_nothing_else_says_it(
    status: int, headers: dict[str, str], expected: float | None
):
    context = CallContext("acme", habits=ErrorHabits(reset_headers=("x-reset",)))

    error = error_from_answer(status, headers, b"{}", context=context)

    assert error.retry_after_s == expected
