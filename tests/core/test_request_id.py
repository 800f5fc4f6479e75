import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from llmadmin.core import request_id
from llmadmin.core.request_id import RequestIdMiddleware


def _echo(request):
    return HttpResponse(request_id.current())


async def _echo_async(request):
    return HttpResponse(request_id.current())


def test_g34_every_answer_carries_the_id_of_its_request():
    response = RequestIdMiddleware(_echo)(RequestFactory().get("/"))

    assert response["X-Request-Id"] == response.content.decode()
    assert len(response["X-Request-Id"]) > 20
    assert request_id.current() == ""


async def test_g34_async_answers_carry_it_too():
    response = await RequestIdMiddleware(_echo_async)(RequestFactory().get("/"))

    assert response["X-Request-Id"] == response.content.decode() != ""


def test_two_requests_have_two_ids():
    answers = [RequestIdMiddleware(_echo)(RequestFactory().get("/")) for _ in range(2)]

    assert answers[0]["X-Request-Id"] != answers[1]["X-Request-Id"]


def test_a_sane_incoming_id_is_taken():
    response = RequestIdMiddleware(_echo)(RequestFactory().get("/", headers={"X-Request-Id": "trace-0123.abc"}))

    assert response["X-Request-Id"] == "trace-0123.abc"


@pytest.mark.parametrize(
    "incoming", ["short", "a" * 65, "with space inside", "line\nbreak-0000", "<script>alert</script>"]
)
def test_any_other_incoming_id_is_replaced(incoming):
    response = RequestIdMiddleware(_echo)(RequestFactory().get("/", headers={"X-Request-Id": incoming}))

    assert response["X-Request-Id"].startswith("req_")
