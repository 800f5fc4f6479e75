"""Who sits at the browser, and how they get in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.live.server import ServerProcess

PASSWORD = "a password of some length"


@dataclass(frozen=True)
class Person:
    email: str
    role: str


OWNER = Person("olga@example.com", "owner")
VIEWER = Person("victor@example.com", "viewer")


def enrol(server: ServerProcess, *people: Person) -> None:
    """Make accounts in the server's database, without the invitations that test_people.py goes through."""
    lines = [
        "from llmadmin.accounts.models import User",
        *(f"User.objects.create_user({one.email!r}, {PASSWORD!r}, role={one.role!r})" for one in people),
    ]
    server.run("shell", "--no-imports", "-c", "\n".join(lines))


def sign_in(page: Page, person: Person) -> None:
    page.goto("/accounts/login/")
    page.get_by_label(re.compile("^e-?mail", re.IGNORECASE)).fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
