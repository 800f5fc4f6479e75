"""A real Chromium against a real server process, both thrown away afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.chromium import find_browser
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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_browser()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("There is no Chromium here.")
        pytest.skip("There is no Chromium here; `make test` installs one where it can.")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    """`llmadmin serve` on an empty data folder."""
    with ServerProcess() as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile. A script error or a refused resource on any page fails the test."""
    opened = browser.new_context(viewport={"width": 1440, "height": 900})
    opened.set_default_timeout(15_000)
    problems: list[str] = []
    opened.on("weberror", lambda error: problems.append(str(error.error)))
    opened.on("console", lambda line: problems.append(line.text) if line.type == "error" and "Content Security" in line.text else None)
    yield opened
    opened.close()
    assert problems == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
