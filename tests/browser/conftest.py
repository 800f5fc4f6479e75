"""A real Chromium against real server processes, all thrown away afterwards.

One furnished server serves every module but the first hour's, which begins on an empty one. Each test has a browser
profile of its own, signed in already where it wants that, and fails on any script error, refused resource or broken
policy that a page of it met.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from llmadmin.simulator.server import SimulatorServer
from tests.browser.people import OWNER, VIEWER, Person, enrol, sign_in
from tests.chromium import find_browser
from tests.journeys.stand import UPSTREAM_KEY, Stand, furnish
from tests.live.server import ServerProcess

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MS = 15_000
EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of (403|404|409|422) ")
"""What Chromium logs for a form that was refused or a page that is not allowed; those answers are asserted apart."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_browser()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("There is no Chromium here.")
        pytest.skip("There is no Chromium here; `make test` installs one where it can.")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def simulator() -> Iterator[SimulatorServer]:
    with SimulatorServer(api_key=UPSTREAM_KEY) as server:
        yield server


@pytest.fixture(scope="session")
def furnished(simulator: SimulatorServer) -> Iterator[Stand]:
    with ServerProcess() as server:
        enrol(server, OWNER, VIEWER)
        yield furnish(server, simulator)


@pytest.fixture
def stand(furnished: Stand) -> Iterator[Stand]:
    """A server with a provider, two priced models, an owner and a viewer; the provider works before and after."""
    furnished.mend()
    yield furnished
    furnished.mend()


class Profiles:
    """Browser profiles for one test, and what went wrong on their pages."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._opened: list[BrowserContext] = []
        self.problems: list[str] = []

    def open(self, base_url: str, *, width: int = 1440, height: int = 900, **options: Any) -> BrowserContext:
        context = self._browser.new_context(
            base_url=base_url, viewport={"width": width, "height": height}, reduced_motion="reduce", **options
        )
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: self.problems.append(f"script: {error.error}"))
        context.on("console", self._hear)
        self._opened.append(context)
        return context

    def _hear(self, line: ConsoleMessage) -> None:
        if line.type == "error" and not EXPECTED.search(line.text):
            self.problems.append(f"{line.text} ({line.page.url if line.page else '?'})")

    def close(self) -> None:
        for context in self._opened:
            context.close()


@pytest.fixture
def profiles(browser: Browser) -> Iterator[Profiles]:
    made = Profiles(browser)
    yield made
    made.close()
    assert made.problems == []


@pytest.fixture(scope="session")
def signed_in(browser: Browser, furnished: Stand) -> dict[str, Any]:
    """The stored sign-in of each person, so that only one test types passwords."""
    return {person.email: _state_of(browser, furnished, person) for person in (OWNER, VIEWER)}


def _state_of(browser: Browser, stand: Stand, person: Person) -> Any:
    context = browser.new_context(base_url=stand.server.url)
    sign_in(context.new_page(), person)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def page(profiles: Profiles, stand: Stand, signed_in: dict[str, Any]) -> Page:
    """A page of the owner."""
    return profiles.open(stand.server.url, storage_state=signed_in[OWNER.email]).new_page()


@pytest.fixture
def viewer_page(profiles: Profiles, stand: Stand, signed_in: dict[str, Any]) -> Page:
    return profiles.open(stand.server.url, storage_state=signed_in[VIEWER.email]).new_page()
