from django.contrib.auth import authenticate
from django.urls import reverse

from llmadmin.accounts.models import User
from llmadmin.audit.selectors import entries
from tests.conftest import PASSWORD


def _sign_in(client, email, password, **headers):
    return client.post(reverse("account_login"), {"login": email, "password": password}, **headers)


def _acts():
    return [(entry.action, entry.actor_label, entry.was_refused) for entry in entries().order_by("id")]


def test_people_sign_in_with_their_address_in_any_case_and_the_password(client, owner):
    response = _sign_in(client, "Owner@Example.com", PASSWORD)

    assert response.status_code == 302
    assert client.session["_auth_user_id"] == str(owner.pk)
    assert _acts() == [("sign-in", "owner@example.com", False)]
    assert entries().get().ip_address == "127.0.0.1"


def test_a_wrong_password_is_refused_and_noted_without_the_password(client, owner):
    response = _sign_in(client, "owner@example.com", "a wrong password")

    assert response.status_code == 200
    assert "_auth_user_id" not in client.session
    assert _acts() == [("sign-in", "owner@example.com", True)]
    assert "a wrong password" not in str(list(entries().values()))


def test_a_password_typed_into_the_wrong_field_is_not_kept(client, owner):
    authenticate(None, username="my secret password", password="x")

    assert _acts() == [("sign-in", "someone", True)]


def test_someone_who_left_does_not_come_in(client, owner):
    User.objects.update(is_active=False)

    _sign_in(client, "owner@example.com", PASSWORD)

    assert "_auth_user_id" not in client.session


def test_guessing_is_slowed_down_for_one_address_also_with_the_right_password(client, owner):
    for _ in range(5):
        _sign_in(client, "owner@example.com", "a wrong password")

    response = _sign_in(client, "owner@example.com", PASSWORD)

    assert "_auth_user_id" not in client.session
    assert "Too many" in str(response.context["form"].errors)
    assert _acts() == [("sign-in", "owner@example.com", True)] * 5 + [("lock-out", "owner@example.com", True)]


def test_a_lock_out_is_noted_once_however_often_it_is_run_into(client, owner):
    for _ in range(9):
        _sign_in(client, "owner@example.com", "a wrong password")

    assert [act for act, *_ in _acts()].count("lock-out") == 1


def test_one_persons_guesses_do_not_keep_others_out(client, owner, editor):
    for _ in range(6):
        _sign_in(client, "owner@example.com", "a wrong password")

    _sign_in(client, "editor@example.com", PASSWORD)

    assert client.session["_auth_user_id"] == str(editor.pk)


def test_signing_out_is_noted(client, owner):
    _sign_in(client, "owner@example.com", PASSWORD)

    client.post(reverse("account_logout"))

    assert _acts()[-1] == ("sign-out", "owner@example.com", False)
    assert "_auth_user_id" not in client.session


def test_g31_nobody_signs_up_by_themselves(client, owner):
    for send in (client.get, client.post):
        send(reverse("account_signup"), {"email": "eve@example.com", "password1": PASSWORD})

    assert User.objects.count() == 1


def test_nobody_is_told_which_addresses_exist(client, owner):
    known = _sign_in(client, "owner@example.com", "a wrong password")
    unknown = _sign_in(client, "nobody@example.com", "a wrong password")

    assert known.context["form"].errors == unknown.context["form"].errors
