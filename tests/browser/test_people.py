"""Coming in: by invitation, with a second factor, with a passkey, through a real OpenID Connect provider; and being put out.

On `localhost`, since browsers keep passkeys off IP addresses.
"""

from __future__ import annotations

import hmac
import re
import struct
import time
from base64 import b32decode
from collections.abc import Iterator
from dataclasses import dataclass

import oidc_provider_mock
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Profiles
from tests.browser.people import OWNER, PASSWORD, VIEWER, Person, enrol, sign_in
from tests.live.server import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

DORA = Person("dora@example.com", "editor")
PIA = Person("pia@example.com", "editor")
SAM = Person("sam@example.com", "editor")
NEWCOMER = oidc_provider_mock.User(
    sub="subject-nora",
    claims={"email": "nora@corp.example", "email_verified": True, "name": "Nora New", "groups": ["llm-editors"]},
)
UNVERIFIED = oidc_provider_mock.User(
    sub="subject-eve", claims={"email": OWNER.email, "email_verified": False, "groups": ["llm-editors"]}
)
STRANGER = oidc_provider_mock.User(
    sub="subject-mallory", claims={"email": "mallory@elsewhere.example", "email_verified": True}
)


@dataclass
class Place:
    """The server as browsers reach it."""

    server: ServerProcess
    url: str


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with oidc_provider_mock.run_server_in_thread(user_claims=[NEWCOMER, UNVERIFIED, STRANGER]) as provider:
        issuer = f"http://localhost:{provider.server_port}"
        sign_on = {
            "LLMADMIN_OIDC_ISSUER": issuer,
            "LLMADMIN_OIDC_CLIENT_ID": "llmadmin",
            "LLMADMIN_OIDC_CLIENT_SECRET": "of-the-mock",
            "LLMADMIN_OIDC_NAME": "Corp login",
            "LLMADMIN_OIDC_DOMAINS": "corp.example",
            "LLMADMIN_OIDC_ROLE_CLAIM": "groups",
            "LLMADMIN_OIDC_ROLES": "admin=llm-admins,editor=llm-editors",
        }
        with ServerProcess(**sign_on) as server:
            enrol(server, OWNER, VIEWER, DORA, PIA, SAM)
            yield Place(server, f"http://localhost:{server.port}")


def _code(secret: str) -> str:
    """The six digits of RFC 6238 for now."""
    key = b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06d}"


def _page(profiles: Profiles, place: Place, person: Person | None = None) -> Page:
    context = profiles.open(place.url)
    # The provider's own page asks a style sheet of the open internet.
    context.route(re.compile(r"^https://"), lambda route: route.fulfill(body=""))
    page = context.new_page()
    if person:
        sign_in(page, person)
    return page


def _sign_in_without_waiting(page: Page, person: Person) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def _authenticator(context: BrowserContext, page: Page) -> None:
    """A device that says yes: what a fingerprint reader is to Chromium."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_someone_invited_follows_the_link_once_and_is_in(profiles: Profiles, place: Place) -> None:
    owner, guest = _page(profiles, place, OWNER), _page(profiles, place)
    owner.goto("/people/")
    owner.get_by_role("link", name="Invite").click()
    owner.get_by_label("E-mail address").fill("ida@example.com")
    owner.get_by_label("Viewer").check()
    owner.get_by_role("button", name="Invite").click()
    link = owner.locator("#invitation-link").inner_text()

    guest.goto(link)
    expect(guest.get_by_text("You sign in as ida@example.com.")).to_be_visible()
    assert "/accounts/invitation/" in guest.url
    assert link not in guest.url
    guest.get_by_label("Your name").fill("Ida")
    guest.get_by_label("Password").fill("quite a long passphrase")
    guest.get_by_role("button", name="Create account and sign in").click()
    expect(guest.get_by_role("heading", name="Overview", level=1)).to_be_visible()

    again = _page(profiles, place)
    again.goto(link)
    expect(again.get_by_role("heading", name="This link opens nothing")).to_be_visible()
    owner.goto("/people/")
    expect(owner.get_by_role("row", name="Ida")).to_contain_text("Viewer")


def test_an_authenticator_app_is_set_up_and_asked_for_and_a_recovery_code_stands_in(
    profiles: Profiles, place: Place
) -> None:
    page = _page(profiles, place, DORA)
    page.goto("/account/")
    page.get_by_role("link", name="Set up a second factor").click()
    page.get_by_role("link", name="Set up an authenticator app").click()
    secret = page.locator("#totp-secret").inner_text()
    page.get_by_label("Authenticator code").fill(_code(secret))
    page.get_by_role("button", name="Turn on").click()
    codes = page.locator("#recovery-codes li").all_inner_texts()
    assert len(codes) == 10

    again = _page(profiles, place)
    _sign_in_without_waiting(again, DORA)
    again.get_by_label("Code").fill("000000")
    again.get_by_role("button", name="Sign in", exact=True).click()
    expect(again.get_by_text("This is not the code.")).to_be_visible()
    again.get_by_label("Code").fill(codes[0])
    again.get_by_role("button", name="Sign in", exact=True).click()
    expect(again.get_by_role("heading", name="Overview", level=1)).to_be_visible()

    once_more = _page(profiles, place)
    _sign_in_without_waiting(once_more, DORA)
    once_more.get_by_label("Code").fill(codes[0])
    once_more.get_by_role("button", name="Sign in", exact=True).click()
    expect(once_more.get_by_text("This is not the code.")).to_be_visible()
    once_more.get_by_label("Code").fill(_code(secret))
    once_more.get_by_role("button", name="Sign in", exact=True).click()
    expect(once_more.get_by_role("heading", name="Overview", level=1)).to_be_visible()


def test_a_passkey_signs_in_alone(profiles: Profiles, place: Place) -> None:
    context = profiles.open(place.url)
    page = context.new_page()
    _authenticator(context, page)
    sign_in(page, PIA)

    page.goto("/accounts/2fa/")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.locator("#recovery-codes")).to_be_visible()
    page.goto("/accounts/2fa/webauthn/")
    expect(page.get_by_role("row", name="Laptop")).to_contain_text("alone")
    context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()

    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    page.goto("/account/")
    expect(page.get_by_role("main").get_by_text(f"{PIA.email} · Editor")).to_be_visible()


def test_single_sign_on_makes_an_account_with_the_role_of_the_groups(profiles: Profiles, place: Place) -> None:
    page = _page(profiles, place)

    page.goto("/accounts/login/?next=/aliases/")
    page.get_by_role("link", name="Sign in with Corp login").click()
    page.get_by_role("button", name="subject-nora").click()

    expect(page.get_by_role("heading", name="Aliases", level=1)).to_be_visible()
    page.goto("/account/")
    expect(page.get_by_role("main").get_by_text("nora@corp.example · Editor")).to_be_visible()


@pytest.mark.parametrize(
    ("subject", "words"),
    [("subject-mallory", "Ask an owner or admin to invite you."), ("subject-eve", "has not verified")],
    ids=["of another company", "with an address that is not verified"],
)
def test_single_sign_on_lets_in_nobody_else(profiles: Profiles, place: Place, subject: str, words: str) -> None:
    page = _page(profiles, place)

    page.goto("/accounts/login/")
    page.get_by_role("link", name="Sign in with Corp login").click()
    page.get_by_role("button", name=subject).click()

    expect(page.get_by_role("heading", name="You can't come in")).to_be_visible()
    expect(page.get_by_text(words)).to_be_visible()
    page.goto("/account/")
    expect(page).to_have_url(re.compile("/accounts/login/"))


def test_whoever_says_no_at_the_provider_comes_back_to_a_page(profiles: Profiles, place: Place) -> None:
    """This provider's answer lacks the `state`, so it can't be told from a forged one: 401, in words."""
    page = _page(profiles, place)

    page.goto("/accounts/login/")
    page.get_by_role("link", name="Sign in with Corp login").click()
    page.get_by_role("button", name="Deny").click()

    expect(page.get_by_role("heading", name="The sign-in did not work")).to_be_visible()
    profiles.problems[:] = [one for one in profiles.problems if "status of 401" not in one]


def test_a_session_ended_elsewhere_is_over_with_the_next_click(profiles: Profiles, place: Place) -> None:
    here, there = _page(profiles, place, SAM), _page(profiles, place, SAM)

    here.goto("/account/")
    here.get_by_role("button", name="Sign out everywhere else").click()
    expect(here.get_by_text("Signed out everywhere else.")).to_be_visible()
    there.get_by_role("link", name="Models").click()

    expect(there.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
    here.goto("/models/")
    expect(here.get_by_role("heading", name="Models", level=1)).to_be_visible()


def test_someone_switched_off_is_out_with_the_next_click(profiles: Profiles, place: Place) -> None:
    owner, victor = _page(profiles, place, OWNER), _page(profiles, place, VIEWER)

    owner.goto("/people/")
    owner.get_by_role("link", name=VIEWER.email).click()
    owner.get_by_role("button", name="Switch off").click()
    expect(owner.get_by_role("button", name="Switch on")).to_be_visible()
    victor.get_by_role("link", name="Models").click()

    expect(victor.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
    owner.get_by_role("button", name="Switch on").click()
