"""Signed-in browsers for the tests of pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from llmadmin.accounts.models import User
from tests.console.traffic import NOW


@pytest.fixture
def frozen():
    """The pages' now, so that "today" and "the last hour" hold still."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    def sign_in(person: User) -> Client:
        client = Client()
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


@pytest.fixture
def browser(frozen, owner, signed_in) -> Client:
    """The owner's browser at the fixed moment."""
    return signed_in(owner)


@pytest.fixture
def queries_of(browser) -> Callable[[str], int]:
    """How many queries a page of the owner's browser makes, what a process learns once left out."""

    def count(path: str) -> int:
        browser.get(path)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(path).status_code == 200
        return len(captured)

    return count
