"""Whatever a name may be, its page can be opened: no name is taken for an action, and no browser rewrites it."""

from __future__ import annotations

import re

import pytest
from django.urls import resolve, reverse

from llmadmin.accounts.services import create_service
from llmadmin.catalog.services import create_provider
from llmadmin.config.services import change
from llmadmin.routing.services import create_agent, create_alias

NAMES = ["add", "default", "team/edit", "team/delete", "a/steps", "edit/fast", "a/../b", "a/./b", "a//b", "a/"]
SLUGS = ["add", "detect", "edit", "keys"]


def heading_of(browser, path: str) -> str:
    page = browser.get(path)
    assert page.status_code == 200
    (heading,) = re.findall(r"<h1>(.*?)</h1>", page.content.decode(), re.DOTALL)
    return heading


@pytest.mark.parametrize("name", NAMES)
def test_an_alias_and_an_agent_of_any_name_have_their_pages(catalogue, actor, browser, name):
    with change(by=actor):
        create_alias(name=name, targets=[{"model": "sim/alpha"}])
        create_agent(name=name, alias="fast")

    for noun in ("aliases", "agents"):
        for page, words in (("detail", f"{name}"), ("edit", f"Edit {name}"), ("delete", f"{name}?")):
            assert words in heading_of(browser, reverse(f"{noun}:{page}", args=[name]))
    assert browser.get(reverse("aliases:canary", args=[name])).status_code == 200


@pytest.mark.parametrize("slug", SLUGS)
def test_a_provider_and_a_service_of_any_name_have_their_pages(catalogue, actor, browser, slug):
    with change(by=actor):
        create_provider(slug=slug, kind="local", base_url="http://127.0.0.1:9/v1")
        create_service(name=slug, scopes=["gateway:call"])

    for noun in ("providers", "services"):
        for page, words in (("detail", slug), ("edit", f"Edit {slug}"), ("delete", f"{slug}?")):
            assert words in heading_of(browser, reverse(f"{noun}:{page}", args=[slug]))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("page", ["detail", "edit", "delete", "canary"])
def test_an_address_leads_back_to_the_name_it_was_made_of(name, page):
    path = reverse(f"aliases:{page}", args=[name])
    found = resolve(path)

    assert (found.view_name, found.kwargs) == (f"aliases:{page}", {"name": name})
    assert not {"", ".", ".."} & set(path.strip("/").split("/"))
