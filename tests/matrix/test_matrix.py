"""Every call times every role and every scope gives what the table says, and every call has its line there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from llmadmin.accounts.models import User
from tests.cached import forget
from tests.conftest import PASSWORD
from tests.matrix.calls import Address, addresses, methods_of
from tests.matrix.objects import example_parts
from tests.matrix.table import DOORS, LIVE, ROLES, SCOPES, TABLE, Door, lines

SIGN_IN = "/accounts/login/"
KEYS = {f"key with {scope}": scope for scope in SCOPES}
WHO = [*ROLES, "signed out", *KEYS]


def test_every_call_has_its_line_and_every_line_its_call() -> None:
    """A new address stands in `calls.txt` with its door before it can be released."""
    there = {(address.name, method) for address in addresses() for method in methods_of(address.callback)}

    assert sorted(there - TABLE.keys()) == [], "add a line for each of these to tests/matrix/calls.txt"
    assert sorted(TABLE.keys() - there) == [], "these lines of tests/matrix/calls.txt have no call any more"


def test_no_call_has_two_lines() -> None:
    assert len(list(lines())) == len(TABLE) + len(LIVE)


@pytest.fixture
def client_of(db: None, actor: Any) -> Callable[[str], Client]:
    """Somebody's client: a role, a key with one scope and nothing else, or nobody."""

    def made(who: str) -> Client:
        client = Client(raise_request_exception=False)
        if who in ROLES:
            person, _ = User.objects.get_or_create(email=f"{who}@example.com", defaults={"role": who})
            person.set_password(PASSWORD)
            person.save()
            client.force_login(person)
        elif who in KEYS:
            client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {_key_with(KEYS[who], actor)}"
        return client

    return made


@pytest.mark.parametrize("who", WHO)
def test_each_call_lets_in_whom_the_table_names(who: str, client_of: Callable[[str], Client], catalogue: Any) -> None:
    client, parts = client_of(who), example_parts(catalogue)
    wrong = []

    for address in addresses():
        for method in methods_of(address.callback):
            if (address.name, method) not in TABLE:
                continue  # the first test names it
            door = DOORS[TABLE[address.name, method]]
            said, heard = _expected(address, door, who), _answer(client, address, method, parts)
            if heard != said:
                wrong.append(f"{method} {address.name}: {who} should be {said}, and is {heard}")

    assert wrong == []


def _answer(client: Client, address: Address, method: str, parts: Callable[[Address], dict[str, Any]]) -> str:
    """How a call is met; whatever it did is taken back."""
    path = reverse(address.name, kwargs=parts(address)) if address.name != "api:" else "/api/nowhere/"
    is_page = not path.startswith("/api/")
    body = {"data": {}} if is_page else {"data": {}, "content_type": "application/json"}
    held = client.cookies.copy()
    with transaction.atomic():
        response = getattr(client, method.lower())(path, **({} if method == "GET" else body))
        transaction.set_rollback(True)
    client.cookies = held
    forget()
    # 503: no gateway runs beside this test, which some calls read from. Whoever is refused hears that first.
    assert response.status_code < 500 or response.status_code == 503, f"{method} {path}: {response.status_code}"
    if response.status_code in (301, 302) and response.headers["Location"].startswith(SIGN_IN):
        return "sent to the sign-in"
    return {401: "refused as nobody", 403: "refused"}.get(response.status_code, "let in")


def _expected(address: Address, door: Door, who: str) -> str:
    is_rest = address.name.startswith("api:")
    if door.is_open or who in door.roles or (is_rest and KEYS.get(who) in door.scopes):
        return "let in"
    if is_rest:
        return "refused as nobody" if who == "signed out" else "refused"
    return "refused" if who in ROLES and door.roles else "sent to the sign-in"


def _key_with(scope: str, actor: Any) -> str:
    from llmadmin.accounts.services import create_service, issue_key
    from llmadmin.config.services import change

    with change(by=actor, permission="services.manage"):
        service = create_service(name=scope.replace(":", "-"), scopes=[scope])
        _, plaintext = issue_key(service)
    return plaintext
