"""Beside owner, editor and viewer: an admin, a second owner, and a way to let each of them change things."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from llmadmin.accounts.actors import actor_of_person
from llmadmin.accounts.models import User
from llmadmin.accounts.permissions import PEOPLE_MANAGE
from llmadmin.config.services import change
from tests.conftest import PASSWORD

ChangeBy = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_user("admin@example.com", PASSWORD, role="admin")


@pytest.fixture
def second_owner(db: None) -> User:
    return User.objects.create_user("second@example.com", PASSWORD, role="owner")


@pytest.fixture
def change_by() -> ChangeBy:
    """A change by `person`; `is_fresh=False` for a session that signed in long ago."""

    def begin(person: User, *, permission: str = PEOPLE_MANAGE, is_fresh: bool = True) -> AbstractContextManager[Any]:
        return change(by=replace(actor_of_person(person), is_fresh=is_fresh), permission=permission)

    return begin


@pytest.fixture
def browser_of() -> Callable[[User], Client]:
    """A browser with a session of its own, signed in just now."""

    def made(person: User) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return made


@pytest.fixture
def grow_stale() -> Callable[[Client], None]:
    """Make a browser's last proof an old one."""

    def age(client: Client) -> None:
        session = client.session
        session["confirmed_at"] = session["confirmed_at"] - 601
        session.save()

    return age
