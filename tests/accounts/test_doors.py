"""The middlewares in front of every page, through Django's own handlers, sync and async."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from llmadmin.accounts.middleware import FirstOwnerMiddleware, SignInRequiredMiddleware, ViewerZoneMiddleware
from llmadmin.accounts.models import User


def _page(request):
    return HttpResponse(f"page in {timezone.get_current_timezone_name()}")


async def _page_async(request):
    return HttpResponse(f"page in {timezone.get_current_timezone_name()}")


def _request(path="/", *, user=None, method="get", **headers):
    request = getattr(RequestFactory(), method)(path, headers=headers)
    request.user = user or AnonymousUser()

    async def auser():
        return user or AnonymousUser()

    request.auser = auser
    return request


OPEN = ["/api/v1/config/", "/v1/chat/completions", "/static/css/app.css", "/healthz", "/readyz", "/metrics"]


@pytest.mark.parametrize("path", ["/", "/providers/", "/accounts/login/", "/accounts/signup/"])
def test_g31_before_there_is_an_owner_every_page_leads_to_the_set_up(db, path):
    response = FirstOwnerMiddleware(_page)(_request(path))

    assert (response.status_code, response["Location"]) == (302, "/setup/")


@pytest.mark.parametrize("path", [*OPEN, "/setup/"])
def test_what_answers_to_keys_is_not_redirected(db, path):
    assert FirstOwnerMiddleware(_page)(_request(path)).content.startswith(b"page")


def test_once_there_is_an_owner_the_database_is_asked_once_and_never_again(owner, django_assert_num_queries):
    door = FirstOwnerMiddleware(_page)

    with django_assert_num_queries(1):
        door(_request("/"))
    with django_assert_num_queries(0):
        for _ in range(3):
            assert door(_request("/")).status_code == 200


def test_the_set_up_does_not_open_again_when_people_are_gone(owner):
    door = FirstOwnerMiddleware(_page)
    door(_request("/"))

    User.objects.all().delete()

    assert door(_request("/")).status_code == 200


@pytest.mark.django_db(transaction=True)
async def test_g31_the_async_door_does_the_same():
    door = FirstOwnerMiddleware(_page_async)

    before = await door(_request("/"))
    await User.objects.acreate(email="ada@example.com")
    after = await door(_request("/"))

    assert (before.status_code, before["Location"], after.status_code) == (302, "/setup/", 200)


@pytest.mark.parametrize("path", [*OPEN, "/setup/", "/accounts/login/"])
def test_open_paths_need_no_session(path):
    assert SignInRequiredMiddleware(_page)(_request(path)).status_code == 200


@pytest.mark.parametrize("path", ["/", "/providers/", "/apiary/", "/v1x", "/accountsx/", "/playground/run/"])
def test_everything_else_needs_one(path):
    response = SignInRequiredMiddleware(_page)(_request(path))

    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_after_signing_in_people_come_back_to_where_they_were():
    response = SignInRequiredMiddleware(_page)(_request("/requests/?status=error&x=1"))

    assert response["Location"] == "/accounts/login/?next=%2Frequests%2F%3Fstatus%3Derror%26x%3D1"


def test_a_post_is_not_repeated_as_a_get():
    response = SignInRequiredMiddleware(_page)(_request("/keys/1/delete/", method="post"))

    assert response["Location"] == "/accounts/login/"


def test_a_fragment_request_sends_the_whole_page_to_the_sign_in():
    response = SignInRequiredMiddleware(_page)(
        _request("/providers/rows/", **{"HX-Request": "true", "HX-Current-URL": "http://host/providers/?q=a"})
    )

    assert response.status_code == 200
    assert response["HX-Redirect"] == "/accounts/login/?next=%2Fproviders%2F%3Fq%3Da"
    assert response.content == b""


def test_whoever_has_signed_in_comes_in(owner):
    assert SignInRequiredMiddleware(_page)(_request("/", user=owner)).status_code == 200


async def test_the_async_door_asks_for_a_session_too():
    door = SignInRequiredMiddleware(_page_async)

    assert (await door(_request("/"))).status_code == 302
    assert (await door(_request("/", user=User(email="ada@example.com")))).status_code == 200
    assert (await door(_request("/api/v1/config/"))).status_code == 200


def test_times_are_in_the_viewers_zone_during_the_request_only():
    response = ViewerZoneMiddleware(_page)(_request("/", user=User(time_zone="Europe/Prague")))

    assert response.content == b"page in Europe/Prague"
    assert timezone.get_current_timezone_name() == "UTC"


async def test_async_pages_are_in_the_viewers_zone_too():
    response = await ViewerZoneMiddleware(_page_async)(_request("/", user=User(time_zone="Asia/Tokyo")))

    assert response.content == b"page in Asia/Tokyo"


@pytest.mark.parametrize("zone", ["", "Nowhere/Land", "../../etc/passwd"])
def test_a_zone_that_does_not_exist_is_utc(zone):
    assert ViewerZoneMiddleware(_page)(_request("/", user=User(time_zone=zone))).content == b"page in UTC"
