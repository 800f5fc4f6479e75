"""Forms: what is saved, what is refused and where it says so, stale forms, deletions that others stand in the way of."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from llmadmin.audit.models import AuditEntry
from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.config.models import ConfigVersion
from llmadmin.config.services import change
from llmadmin.routing.models import AgentMapping, Alias
from llmadmin.routing.services import update_alias
from llmadmin.vault.models import ApiKey, KeyState

PROVIDER = {"slug": "lab", "base_url": "http://127.0.0.1:9/v1", "timeout_s": "30", "max_retries": "1", "enabled": "on"}
ADD_LOCAL = "/providers/-/add/?kind=local"


def toasts(answer) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def alias_form(**changes) -> dict[str, object]:
    return {
        "name": "fast",
        "strategy": "priority",
        "cache_ttl_s": "0",
        "target_model": ["sim/alpha", "sim/beta"],
        "target_weight": ["1", "1"],
        "target_params": ["", ""],
        **changes,
    }


def test_a_provider_is_added_with_its_key_in_one_version(owner, signed_in):
    browser = signed_in(owner)

    answer = browser.post(
        ADD_LOCAL, PROVIDER | {"api_key": "test-key-alpha", "key_label": "main", "why": "For the lab"}
    )

    provider = Provider.objects.get(slug="lab")
    version = ConfigVersion.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, reverse("providers:detail", args=["lab"]))
    assert (provider.timeout_s, provider.max_retries) == (30, 1)
    assert provider.api_keys.get().last4 == "lpha"
    assert (version.number, version.actor_label, version.why) == (1, owner.email, "For the lab")
    assert toasts(answer) == ["Provider saved as v1"]


def test_options_come_from_the_folder_s_metadata(owner, signed_in):
    browser = signed_in(owner)
    page = browser.get("/providers/-/add/?kind=openai").content.decode()

    browser.post(
        "/providers/-/add/?kind=openai", PROVIDER | {"slug": "openai", "base_url": "", "option_organization": "org-1"}
    )

    assert 'name="option_organization"' in page
    assert "Empty means https://api.openai.com/v1." in page
    assert Provider.objects.get(slug="openai").options == {"organization": "org-1"}


def test_a_wrong_field_is_said_beside_it_and_nothing_is_kept(owner, signed_in):
    browser = signed_in(owner)

    answer = browser.post(
        ADD_LOCAL, PROVIDER | {"slug": "Big Lab", "headers": "Authorization: Bearer abc", "api_key": "test-key-beta"}
    )

    form = answer.context["form"]
    assert answer.status_code == 422
    assert set(form.errors) == {"slug", "headers"}
    assert "Use lower-case letters" in form.errors["slug"][0]
    assert 'aria-invalid="true"' in answer.content.decode()
    assert "test-key-beta" not in answer.content.decode()
    assert not Provider.objects.exists()
    assert not ApiKey.objects.exists()


def test_a_key_refused_undoes_the_provider_too(owner, signed_in):
    answer = signed_in(owner).post(ADD_LOCAL, PROVIDER | {"api_key": "••••1234"})

    assert answer.status_code == 422
    assert answer.context["form"].errors["api_key"]
    assert not Provider.objects.exists()


def test_a_new_host_locks_the_keys_and_the_pages_say_so(catalogue, owner, signed_in):
    browser = signed_in(owner)
    form = browser.get(reverse("providers:edit", args=["sim"]))

    browser.post(
        reverse("providers:edit", args=["sim"]),
        PROVIDER | {"slug": "sim", "base_url": "http://127.0.0.1:10/v1", "revision": "1"},
    )

    catalogue.key.refresh_from_db()
    page = browser.get(reverse("providers:detail", args=["sim"])).content.decode()
    assert "locked until entered again" in form.content.decode()
    assert catalogue.key.state == KeyState.LOCKED
    assert "waits to be entered again" in page


def test_a_locked_key_opens_when_it_is_entered_again(catalogue, owner, signed_in):
    browser = signed_in(owner)
    browser.post(
        reverse("providers:edit", args=["sim"]),
        PROVIDER | {"slug": "sim", "base_url": "http://127.0.0.1:10/v1", "revision": "1"},
    )
    catalogue.key.refresh_from_db()

    answer = browser.post(
        reverse("keys:rotate", args=[catalogue.key.pk]),
        {"api_key": "test-key-gamma-0002", "revision": catalogue.key.revision},
    )

    catalogue.key.refresh_from_db()
    assert answer.status_code == 302
    assert (catalogue.key.state, catalogue.key.last4) == (KeyState.ACTIVE, "0002")


def test_editing_a_key_keeps_what_is_stored(catalogue, owner, signed_in):
    before = bytes(ApiKey.objects.get().ciphertext)

    answer = signed_in(owner).post(
        reverse("keys:edit", args=[catalogue.key.pk]),
        {"label": "prod", "environment": "production", "weight": "3", "revision": "1"},
    )

    key = ApiKey.objects.get()
    assert answer.status_code == 302
    assert (key.label, key.weight, bytes(key.ciphertext)) == ("prod", 3, before)


def test_a_key_goes_only_when_its_label_is_typed(catalogue, owner, signed_in):
    browser, path = signed_in(owner), reverse("keys:delete", args=[catalogue.key.pk])

    refused = browser.post(path, {"confirm": "mian"})
    still_there = ApiKey.objects.count()
    browser.post(path, {"confirm": "main"})

    assert (refused.status_code, still_there) == (422, 1)
    assert "Type main to confirm" in refused.content.decode()
    assert not ApiKey.objects.exists()


def test_the_order_of_the_rows_is_the_order_of_the_targets(catalogue, owner, signed_in):
    browser = signed_in(owner)
    posted = alias_form(
        target_model=["sim/beta", "", "sim/alpha"],
        target_weight=["2", "1", "1"],
        target_params=['{"temperature": 0}', "", ""],
        revision="1",
    )

    browser.post(reverse("aliases:edit", args=["fast"]), posted)

    targets = [(one.model.name, one.weight, one.params) for one in Alias.objects.get().targets.order_by("position")]
    assert targets == [("beta", 2, {"temperature": 0}), ("alpha", 1, {})]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"target_model": ["sim/alpha", "sim/none"]}, "There is no model"),
        ({"target_model": ["sim/alpha", "fast"]}, "is itself an alias"),
        ({"target_params": ["", "{oops"]}, "Write the parameters as a JSON object"),
        ({"target_weight": ["1", "many"]}, "Give the weight as a whole number"),
    ],
)
def test_a_wrong_target_is_said_in_its_row_and_the_rows_are_kept(changed, sentence, catalogue, owner, signed_in):
    answer = signed_in(owner).post(
        reverse("aliases:edit", args=["fast"]), alias_form(revision="1", description="mine", **changed)
    )

    rows = answer.context["form"].rows
    assert answer.status_code == 422
    assert sentence in rows[1].error
    assert rows[0].error == ""
    assert sentence in answer.content.decode()
    assert answer.context["form"]["description"].value() == "mine"
    assert Alias.objects.get().description == ""


def test_a_stale_form_says_who_was_first_keeps_what_was_typed_and_saves_the_second_time(
    catalogue, actor, owner, signed_in
):
    browser, path = signed_in(owner), reverse("aliases:edit", args=["fast"])
    with change(by=actor):
        update_alias(catalogue.alias, description="theirs")

    first = browser.post(path, alias_form(revision="1", description="mine"))
    page = first.content.decode()
    unchanged = Alias.objects.get().description
    second = browser.post(path, alias_form(revision="2", description="mine"))

    assert first.status_code == 422
    assert f"{actor.label} changed this" in page
    assert "description: theirs" in page
    assert 'name="revision" value="2"' in page
    assert 'value="mine"' in page
    assert unchanged == "theirs"
    assert second.status_code == 302
    assert Alias.objects.get().description == "mine"


@pytest.mark.parametrize(
    ("path", "dependents"),
    [
        ("/providers/sim/delete/", ["model sim/alpha", "model sim/beta"]),
        ("/aliases/-/delete/fast/", ["agent coder"]),
    ],
)
def test_what_is_in_use_stays_and_its_users_are_linked(path, dependents, catalogue, owner, signed_in):
    answer = signed_in(owner).post(path)

    page = answer.content.decode()
    linked = {one.words: one.url for one in answer.context["refusal"].dependents}
    assert answer.status_code == 409
    assert set(dependents) <= set(linked)
    assert all(linked[words] and f'href="{linked[words]}"' in page for words in dependents)
    assert Provider.objects.exists()
    assert Alias.objects.exists()


def test_a_model_in_use_is_not_deleted(catalogue, owner, signed_in):
    answer = signed_in(owner).post(reverse("models:delete", args=[catalogue.models[0].pk]))

    assert answer.status_code == 409
    assert "alias fast" in answer.content.decode()


def test_an_agent_is_added_moved_and_deleted(catalogue, owner, signed_in):
    browser = signed_in(owner)

    browser.post(
        reverse("agents:add"),
        {"name": "writer/long.v2", "alias": "fast", "params": '{"temperature": 1}', "headers": "X-Team: lab"},
    )
    agent = AgentMapping.objects.get(name="writer/long.v2")
    page = browser.get(reverse("agents:detail", args=["writer/long.v2"]))
    browser.post(reverse("agents:delete", args=["writer/long.v2"]))

    assert (agent.params, agent.headers) == ({"temperature": 1}, {"X-Team": "lab"})
    assert page.status_code == 200
    assert not AgentMapping.objects.filter(name="writer/long.v2").exists()


def test_a_price_is_set_and_a_negative_one_refused(catalogue, owner, signed_in):
    browser, path = signed_in(owner), reverse("models:add_price", args=[catalogue.models[0].pk])

    refused = browser.post(path, {"input_usd_per_mtok": "-1", "output_usd_per_mtok": "2"})
    browser.post(path, {"input_usd_per_mtok": "0.075", "output_usd_per_mtok": "0"})

    assert refused.status_code == 422
    assert refused.context["form"].errors["input_usd_per_mtok"]
    assert Price.objects.filter(model=catalogue.models[0]).count() == 2
    assert "$0.075" in browser.get(reverse("models:detail", args=[catalogue.models[0].pk])).content.decode()


def test_models_are_added_from_the_catalogue_with_prices_and_once(owner, signed_in):
    browser = signed_in(owner)
    browser.post("/providers/-/add/?kind=openai", PROVIDER | {"slug": "openai", "base_url": ""})
    offered = [offer.name for offer in browser.get(reverse("providers:catalogue", args=["openai"])).context["offers"]][
        :3
    ]

    browser.post(reverse("providers:catalogue", args=["openai"]), {"name": offered})
    browser.post(reverse("providers:catalogue", args=["openai"]), {"name": [*offered, "made-up"]})

    assert set(LanguageModel.objects.values_list("name", flat=True)) == {*offered, "made-up"}
    assert Price.objects.exists()


def test_a_server_that_is_not_there_is_told_apart_and_named_in_words(catalogue, owner, signed_in):
    browser = signed_in(owner)

    report = browser.post(reverse("providers:test", args=["sim"]), headers={"HX-Request": "true"})
    listed = browser.get(reverse("providers:live", args=["sim"]))

    assert "The connection was refused" in report.content.decode()
    assert "<html" not in report.content.decode()
    assert (
        "The list can&#x27;t be read" in listed.content.decode() or "The list can't be read" in listed.content.decode()
    )


def test_a_pasted_key_tells_whose_it_is_without_standing_in_an_address(owner, signed_in):
    browser = signed_in(owner)

    other = browser.post(reverse("providers:detect"), {"api_key": "sk-ant-test", "chosen": "openai"}).content.decode()
    same = browser.post(reverse("providers:detect"), {"api_key": "sk-ant-test", "chosen": "anthropic"}).content.decode()
    unknown = browser.post(reverse("providers:detect"), {"api_key": "test-key", "chosen": "openai"}).content.decode()

    assert "Add Anthropic instead" in other
    assert "Looks like a key of Anthropic" in same
    assert unknown.strip() == ""
    assert "sk-ant-test" not in other + same
    assert browser.get(reverse("providers:detect")).status_code == 405


def test_ten_megabytes_are_refused_and_not_put_back(catalogue, owner, signed_in):
    answer = signed_in(owner).post(reverse("agents:add"), {"name": "a", "alias": "fast", "params": "[" * 10_000_000})

    assert answer.status_code == 422
    assert answer.context["form"].errors["params"]
    assert not AgentMapping.objects.filter(name="a").exists()


def test_json_nested_without_end_is_refused(catalogue, owner, signed_in):
    answer = signed_in(owner).post(reverse("agents:add"), {"name": "a", "alias": "fast", "params": '{"a":' * 9000})

    assert answer.status_code == 422


def test_every_save_leaves_an_audit_entry_of_its_person(catalogue, owner, signed_in):
    signed_in(owner).post(reverse("aliases:edit", args=["fast"]), alias_form(revision="1", description="mine"))

    entry = AuditEntry.objects.filter(object_type="alias", action="update").get()
    assert (entry.actor_label, entry.source, entry.object_name, entry.after) == (
        owner.email,
        "ui",
        "fast",
        {"description": "mine"},
    )


def test_the_default_is_set_from_an_alias_s_page(catalogue, owner, signed_in):
    browser = signed_in(owner)

    browser.post(reverse("aliases:default"), {"name": "fast"})
    refused = browser.post(reverse("aliases:default"), {"name": "none"})

    assert browser.get(reverse("aliases:list")).context["default_name"] == "fast"
    assert refused.status_code == 409
