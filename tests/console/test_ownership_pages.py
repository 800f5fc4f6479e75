"""What a config file owns: said on its page, read-only there, taken over and given back; and saves that would not work."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from llmadmin.accounts.actors import command_actor
from llmadmin.catalog.services import create_model, create_provider
from llmadmin.config.importing import apply_document
from llmadmin.config.reading.documents import read_mapping, read_text
from llmadmin.config.selectors import latest
from llmadmin.config.services import change
from llmadmin.routing.models import Alias
from tests.config.test_passphrases import PASSPHRASE

pytestmark = pytest.mark.django_db
FILE = {
    "providers": {"lab": {"kind": "local", "base_url": "http://127.0.0.1:9/v1"}},
    "models": [{"provider": "lab", "name": "one", "price": {"input_usd_per_mtok": "1"}}],
    "aliases": {"fast": "lab/one"},
    "agents": {"coder": "fast"},
}


@pytest.fixture
def applied() -> None:
    apply_document(read_mapping(FILE, name="team.yaml"), by=command_actor(source="file"))


def pages_of_owned() -> list[str]:
    from llmadmin.catalog.selectors import find_model

    return [
        reverse("providers:detail", args=["lab"]),
        reverse("models:detail", args=[find_model("lab/one").pk]),
        reverse("aliases:detail", args=["fast"]),
        reverse("agents:detail", args=["coder"]),
    ]


def take(browser: Client, owner: str = "people", **more: str) -> Any:
    return browser.post(reverse("versions:owner"), {"object": "alias", "name": "fast", "owner": owner, **more})


def alias_form(name: str, model: str) -> dict[str, Any]:
    target = {"target_model": model, "target_weight": "1", "target_params": ""}
    return {"name": name, "strategy": "priority", "cache_ttl_s": "0", **target}


def test_every_page_says_which_file_it_came_from_and_who_applied_it(applied: None, browser: Client) -> None:
    for page in pages_of_owned():
        text = browser.get(page).content.decode()

        assert "From team.yaml" in text, page
        assert "applied by command line" in text, page
        assert "Take over" in text, page


def test_an_edit_is_refused_with_the_way_out(applied: None, browser: Client) -> None:
    page = reverse("aliases:edit", args=["fast"])
    form = browser.get(page).context["form"]
    sent = {**alias_form("fast", "lab/one"), "revision": form["revision"].value() or "1", "params": '{"seed": 1}'}

    answer = browser.post(page, sent)

    assert "take it over first" in answer.content.decode()
    assert Alias.objects.get(name="fast").params == {}


def test_a_viewer_sees_whose_it_is_and_no_button(applied: None, signed_in: Any, viewer: Any, frozen: None) -> None:
    text = signed_in(viewer).get(reverse("aliases:detail", args=["fast"])).content.decode()

    assert "From team.yaml" in text
    assert "Take over" not in text
    assert take(signed_in(viewer)).status_code == 403


def test_taking_over_and_giving_back_from_the_page(applied: None, browser: Client) -> None:
    page = reverse("aliases:detail", args=["fast"])

    assert take(browser, next=page)["Location"] == page
    assert Alias.objects.get(name="fast").source == "ui"
    assert "Taken over from the config file by owner@example.com" in browser.get(page).content.decode()
    take(browser, "file", next=page)
    assert Alias.objects.get(name="fast").source == "file"


def test_the_way_back_leads_to_no_other_host(applied: None, browser: Client) -> None:
    assert take(browser, next="https://else.example/")["Location"] == "/"
    assert take(browser, "file", next="//else.example/")["Location"] == "/"


def test_the_file_in_charge_is_shown_and_everything_can_be_taken_over(applied: None, browser: Client) -> None:
    page = reverse("settings:transfer")
    context = browser.get(page).context

    assert (context["file"].name, context["owned"]["alias"]) == ("team.yaml", 1)
    browser.post(reverse("versions:take-everything"))
    assert not any(browser.get(page).context["owned"].values())


def test_a_save_that_would_not_work_is_said_first_and_done_when_meant(
    catalogue: Any, actor: Any, browser: Client
) -> None:
    with change(by=actor):
        create_model(create_provider(slug="openai", kind="openai"), name="m")
    before = latest().number
    sent = alias_form("smart", "openai/m")

    told = browser.post(reverse("aliases:add"), sent)
    done = browser.post(reverse("aliases:add"), {**sent, "anyway": "1"})

    assert told.context["form"].unheeded == [
        "Provider openai has no API key that can be used, and alias smart needs it. Add one, or enter it again."
    ]
    assert "Save anyway" in told.content.decode()
    assert done.status_code == 302
    assert latest().number == before + 1


def test_an_import_once_is_editable_and_litellms_file_is_shown_with_its_warnings(browser: Client, db: None) -> None:
    text = "model_list: [{model_name: m, litellm_params: {model: groq/llama-3, api_key: test-key-1, rpm: 5}}]"
    page = reverse("settings:transfer")

    seen = browser.post(page, {"text": text, "once": "on"})
    browser.post(page, {"text": text, "once": "on", "apply": "1"})

    assert "rpm and tpm became the weights of targets" in seen.content.decode()
    assert Alias.objects.get(name="m").source == "ui"


def test_keys_are_downloaded_sealed(catalogue: Any, browser: Client) -> None:
    page = reverse("settings:export-sealed")

    wrong = browser.post(page, {"passphrase": PASSPHRASE, "again": "another one of length"})
    short = browser.post(page, {"passphrase": "short", "again": "short"})
    found = browser.post(page, {"passphrase": PASSPHRASE, "again": PASSPHRASE})

    assert (wrong.status_code, short.status_code) == (422, 422)
    assert found["Content-Disposition"].endswith('with-keys.yaml"')
    assert found["Cache-Control"] == "no-store"
    reading = read_text(found.content.decode(), passphrase=PASSPHRASE)
    assert reading.config.providers["sim"].api_key == catalogue.plaintext


def test_restoring_shows_first_what_it_would_change(catalogue: Any, actor: Any, browser: Client) -> None:
    from llmadmin.routing.services import update_alias

    with change(by=actor):
        update_alias(catalogue.alias, targets=["sim/beta"])

    context = browser.get(reverse("versions:restore", args=[1])).context

    (block,) = context["blocks"]
    assert [(line.field, line.before, line.after) for line in block.lines] == [("target 1", None, "sim/alpha")]
    assert latest().number == 2


def test_any_two_versions_are_compared_from_the_list(catalogue: Any, actor: Any, browser: Client) -> None:
    from llmadmin.routing.services import update_alias

    for words in ("two", "three"):
        with change(by=actor):
            update_alias(Alias.objects.get(), description=words)
    page = reverse("versions:compare")

    assert browser.get(page, {"one": "3", "other": "1"})["Location"] == f"{reverse('versions:detail', args=[3])}?to=1"
    assert browser.get(page, {"one": "x", "other": "1"})["Location"] == reverse("versions:list")
    assert browser.get(page, {"one": "99", "other": "1"}).status_code == 404


def test_a_diff_of_thousands_comes_in_pages(actor: Any, browser: Client) -> None:
    models = [{"provider": "lab", "name": f"m{number}"} for number in range(230)]
    apply_document({**FILE, "models": [*FILE["models"], *models]}, by=actor)  # type: ignore[misc]
    page = reverse("versions:detail", args=[latest().number])

    first, third, far = (browser.get(page, {"page": number}).context for number in ("1", "3", "99"))

    total = len(latest().changes)
    assert (len(first["blocks"]), first["page"].next, first["counts"]["added"]) == (100, 2, total)
    assert (len(third["blocks"]), third["page"].next) == (total - 200, None)
    assert far["page"].number == 3
    assert not {block.name for block in first["blocks"]} & {block.name for block in third["blocks"]}
