"""The whole chain of middlewares, as a browser meets it."""

import pytest


def test_g31_the_first_visitor_is_led_to_the_set_up(client, db):
    assert client.get("/").headers["Location"] == "/setup/"
    assert client.get("/accounts/login/").headers["Location"] == "/setup/"


def test_a_visitor_without_a_session_is_led_to_the_sign_in(client, owner):
    response = client.get("/providers/")

    assert response.headers["Location"] == "/accounts/login/?next=%2Fproviders%2F"
    assert response.headers["X-Request-Id"].startswith("req_")


def test_whoever_has_signed_in_sees_pages(client, owner):
    client.force_login(owner)

    assert client.get("/").status_code == 200


@pytest.mark.django_db(transaction=True)
async def test_the_async_chain_leads_the_same_ways(async_client, owner):
    stranger = await async_client.get("/providers/")
    await async_client.aforce_login(owner)
    known = await async_client.get("/")

    assert stranger.headers["Location"] == "/accounts/login/?next=%2Fproviders%2F"
    assert known.status_code == 200


@pytest.mark.parametrize("path", ["/v1x/", "/setup", "/apiary/"])
def test_paths_beside_the_open_ones_are_not_open(client, owner, path):
    assert client.get(path).headers.get("Location", "").startswith("/accounts/login/")
