"""The set-up: the first owner, made by whoever can read the server's output (G31)."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from llmadmin.accounts.first_owner import ensure_setup_token
from llmadmin.accounts.models import Role, User

PERSON = {"email": "ada@example.com", "password": "a password of some length"}


@pytest.fixture
def visitor(db) -> Client:
    return Client()


def test_before_there_is_an_owner_every_page_leads_to_the_set_up(visitor):
    assert visitor.get(reverse("providers:list"))["Location"] == reverse("setup:page")


def test_the_right_token_makes_the_owner_and_signs_in(visitor):
    token = ensure_setup_token()

    answer = visitor.post(reverse("setup:page"), PERSON | {"token": token})

    assert answer["Location"] == reverse("overview")
    assert User.objects.get().role == Role.OWNER
    assert visitor.get(reverse("providers:list")).status_code == 200


def test_a_wrong_token_is_refused_beside_its_field(visitor):
    ensure_setup_token()

    answer = visitor.post(reverse("setup:page"), PERSON | {"token": "not-the-token"})

    assert answer.status_code == 422
    assert "not the setup token" in answer.context["form"].errors["token"][0]
    assert not User.objects.exists()


def test_a_weak_password_is_refused_and_not_put_back(visitor):
    answer = visitor.post(reverse("setup:page"), PERSON | {"token": ensure_setup_token(), "password": "1234567"})

    assert answer.context["form"].errors["password"]
    assert 'value="1234567"' not in answer.content.decode()
    assert not User.objects.exists()


def test_once_there_is_an_owner_the_set_up_is_over(owner, visitor):
    assert visitor.get(reverse("setup:page")).status_code == 302
