"""Configuration as code: documents in and out."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
import yaml
from django.utils import timezone

from llmadmin.accounts.actors import actor_of_person, command_actor
from llmadmin.accounts.models import User
from llmadmin.audit.actor import Actor
from llmadmin.audit.models import AuditEntry
from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.catalog.selectors import find_model, get_provider, price_at
from llmadmin.catalog.services import create_model, create_provider, set_price, update_provider
from llmadmin.config.exporting import export_document, export_yaml
from llmadmin.config.importing import apply_document, plan_changes
from llmadmin.config.models import ConfigVersion
from llmadmin.config.selectors import current_publication, latest
from llmadmin.config.services import change
from llmadmin.config.tasks import publish_due_prices
from llmadmin.core.errors import DomainError, ForbiddenError, InUseError, InvalidError
from llmadmin.routing.models import AgentMapping, Alias, DefaultModel
from llmadmin.routing.selectors import default_name, get_alias
from llmadmin.routing.services import create_alias
from llmadmin.vault.models import ApiKey, KeyState
from llmadmin.vault.opening import open_sealed, sealed_rows
from llmadmin.vault.selectors import keys
from llmadmin.vault.services import add_key
from providers.config import LLMConfig

pytestmark = pytest.mark.django_db
BY = command_actor(source="file")
TEXT = """
default_provider: openai
default_model: fast
providers:
  openai: {api_base: https://api.openai.com/v1, organization: org-123, api_key: test-key-alpha, timeout_s: 60, max_retries: 2}
  lab: {kind: local, api_base: "http://127.0.0.1:9000/v1", headers: {X-Team: lab}}
models:
  - {name: gpt-4.1-mini, provider: openai, max_tokens: 4096, temperature: 0.7, is_default: true, context_window: 1047576,
     price: {input_usd_per_mtok: "0.40", cached_input_usd_per_mtok: "0.10", output_usd_per_mtok: "1.60"}}
  - {name: llama-lab, provider: lab, max_tokens: 4096, price: {input_usd_per_mtok: "0", output_usd_per_mtok: "0"}}
aliases:
  fast: openai/gpt-4.1-mini
  safe: {strategy: priority, targets: [openai/gpt-4.1-mini, lab/llama-lab], params: {temperature: 0.2}}
agents:
  coder: {alias: safe, params: {max_tokens: 800}}
"""


@pytest.fixture
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(TEXT)
    return found


def short(changes: list[dict[str, Any]]) -> list[str]:
    return [f"{one['op']} {one['object']} {one['name'].partition(' from')[0]}" for one in changes]


def empty_the_installation() -> None:
    DefaultModel.objects.all().delete()
    AgentMapping.objects.all().delete()
    Alias.objects.all().delete()
    LanguageModel.objects.all().delete()
    ApiKey.objects.all().delete()
    Provider.objects.all().delete()
    ConfigVersion.objects.all().delete()


def test_the_file_of_the_design_is_applied_in_one_version(document: dict[str, Any]) -> None:
    result = apply_document(document, by=BY)

    assert (result.version, result.changed) == (1, True)
    assert short(result.changes) == [
        "create provider lab",
        "create provider openai",
        "create key openai/default",
        "create model lab/llama-lab",
        "create model openai/gpt-4.1-mini",
        "create price lab/llama-lab",
        "create price openai/gpt-4.1-mini",
        "create alias fast",
        "create alias safe",
        "create agent coder",
        "create default default_model",
    ]
    openai = get_provider("openai")
    assert (openai.options, openai.source) == ({"organization": "org-123"}, "file")
    assert find_model("openai/gpt-4.1-mini").parameters == {"max_tokens": 4096, "temperature": 0.7}
    assert default_name() == "fast"
    assert latest().source == "file"
    assert "test-key-alpha" not in str(result)
    assert "test-key-alpha" not in str(list(AuditEntry.objects.values()))


def test_the_key_in_the_file_goes_to_the_vault_and_opens(document: dict[str, Any]) -> None:
    apply_document(document, by=BY)

    [sealed] = sealed_rows()

    assert open_sealed(sealed, origin="https://api.openai.com:443") == "test-key-alpha"


def test_what_is_published_behaves_as_the_file_read_without_a_server(document: dict[str, Any]) -> None:
    apply_document(document, by=BY)

    ours = LLMConfig.from_document(latest().document)
    alone = LLMConfig.from_yaml(TEXT, use_environment=False)

    for name in ("fast", "safe", "coder", "lab/llama-lab"):
        assert [(one.name, one.params) for one in ours.resolve(name).targets] == [
            (one.name, one.params) for one in alone.resolve(name).targets
        ]
    assert ours.default_model == alone.default_model


def test_the_same_file_again_changes_nothing(document: dict[str, Any]) -> None:
    apply_document(document, by=BY)
    before = current_publication()

    result = apply_document(document, by=BY)

    assert (result.version, result.changed, result.changes) == (1, False, [])
    assert current_publication() == before


def test_a_dry_run_says_the_same_and_writes_nothing(document: dict[str, Any]) -> None:
    planned = apply_document(document, by=BY, dry_run=True)

    assert not Provider.objects.exists()
    assert not AuditEntry.objects.exists()
    assert current_publication() == (0, 0)
    assert short(planned.changes) == short(apply_document(document, by=BY).changes)
    assert plan_changes(document, by=BY) == []


def test_an_export_holds_no_key_and_applies_to_the_same_hash_on_an_empty_installation(document: dict[str, Any]) -> None:
    apply_document(document, by=BY)
    text, published = export_yaml(), latest().hash
    assert "test-key-alpha" not in text
    assert apply_document(text, by=BY).changes == []

    empty_the_installation()
    apply_document(text, by=BY)

    assert latest().hash == published
    waiting = keys().get()
    assert (waiting.state, waiting.label) == (KeyState.LOCKED, "default")
    assert "enter it" in waiting.state_reason
    assert sealed_rows() == []
    assert yaml.safe_load(export_yaml()) == export_document()


def test_a_published_document_itself_can_be_applied(document: dict[str, Any]) -> None:
    apply_document(document, by=BY)

    assert apply_document(latest().document, by=BY).changes == []


def test_a_key_that_waits_opens_once_the_file_brings_its_text(document: dict[str, Any]) -> None:
    del document["providers"]["openai"]["api_key"]
    document["providers"]["openai"]["keys"] = [{"label": "main", "weight": 3}]
    apply_document(document, by=BY)
    document["providers"]["openai"]["keys"][0]["api_key"] = "test-key-beta"

    result = apply_document(document, by=BY)

    assert short(result.changes) == ["update key openai/main"]
    [sealed] = sealed_rows()
    assert (sealed.weight, open_sealed(sealed, origin="https://api.openai.com:443")) == (3, "test-key-beta")


def test_another_key_in_the_file_rotates_it_and_says_so(document: dict[str, Any]) -> None:
    apply_document(document, by=BY)
    document["providers"]["openai"]["api_key"] = "test-key-beta-0002"

    result = apply_document(document, by=BY)

    assert short(result.changes) == ["update key openai/default"]
    assert (result.changed, result.version) == (True, 1)
    assert current_publication() == (1, 2)
    assert "test-key" not in str(result.changes)
    assert open_sealed(sealed_rows()[0], origin="https://api.openai.com:443") == "test-key-beta-0002"


def test_g8_a_key_that_the_file_leaves_out_is_kept_and_a_mask_is_refused(document: dict[str, Any]) -> None:
    apply_document(document, by=BY)
    del document["providers"]["openai"]["api_key"]
    assert apply_document(document, by=BY).changes == []

    document["providers"]["openai"]["api_key"] = "••••1234"
    with pytest.raises(InvalidError) as problem:
        apply_document(document, by=BY)

    assert list(problem.value.fields) == ["providers.openai.keys.default.api_key"]
    assert open_sealed(sealed_rows()[0], origin="https://api.openai.com:443") == "test-key-alpha"


def test_keys_that_the_file_lists_replace_the_files_earlier_ones_but_not_those_of_people(
    document: dict[str, Any], actor: Actor
) -> None:
    apply_document(document, by=BY)
    with change(by=actor):
        add_key(get_provider("openai"), label="by hand", api_key="test-key-gamma")
    del document["providers"]["openai"]["api_key"]
    document["providers"]["openai"]["keys"] = [{"label": "second", "api_key": "test-key-delta"}]

    result = apply_document(document, by=BY)

    assert short(result.changes) == ["delete key openai/default", "create key openai/second"]
    assert set(keys().values_list("label", flat=True)) == {"by hand", "second"}


def test_g10_a_new_address_in_the_file_locks_keys_unless_it_brings_them_again(document: dict[str, Any]) -> None:
    apply_document(document, by=BY)
    document["providers"]["openai"]["api_base"] = "https://else.example/v1"
    key = document["providers"]["openai"].pop("api_key")

    result = apply_document(document, by=BY)

    assert short(result.changes) == ["update provider openai", "update key openai/default"]
    assert keys().get().state == KeyState.LOCKED
    document["providers"]["openai"]["api_key"] = key
    apply_document(document, by=BY)
    assert open_sealed(sealed_rows()[0], origin="https://else.example:443") == "test-key-alpha"


def test_g14_what_the_file_owned_and_no_longer_names_goes(document: dict[str, Any]) -> None:
    apply_document(document, by=BY)
    del document["providers"]["lab"], document["models"][1], document["agents"], document["aliases"]["safe"]
    del document["default_model"], document["default_provider"], document["models"][0]["is_default"]

    result = apply_document(document, by=BY)

    assert short(result.changes) == [
        "delete provider lab",
        "delete model lab/llama-lab",
        "delete price lab/llama-lab",
        "delete alias safe",
        "delete agent coder",
        "delete default default_model",
    ]


def test_an_empty_file_takes_back_all_that_files_made_and_nothing_else(document: dict[str, Any], catalogue) -> None:
    apply_document(document, by=BY)

    apply_document({}, by=BY)

    assert [provider.slug for provider in Provider.objects.all()] == ["sim"]
    assert not Alias.objects.filter(source="file").exists()
    assert [key.label for key in keys()] == ["main"]


def test_what_people_made_stays_and_what_the_file_names_becomes_the_files(
    document: dict[str, Any], actor: Actor
) -> None:
    with change(by=actor):
        lab = create_provider(slug="lab", kind="local", base_url="http://127.0.0.1:9000/v1", label="Our lab")
        create_model(lab, name="by-hand")
        create_alias(name="mine", targets=["lab/by-hand"])

    result = apply_document(document, by=BY)

    lab.refresh_from_db()
    assert (lab.source, lab.label) == ("file", "Our lab")
    assert "update provider lab" in short(result.changes)
    assert find_model("lab/by-hand").source == "ui"
    assert get_alias("mine")


def test_what_people_still_need_can_not_be_taken_away_by_the_file(document: dict[str, Any], actor: Actor) -> None:
    apply_document(document, by=BY)
    with change(by=actor):
        create_alias(name="mine", targets=["lab/llama-lab"])
    before = current_publication()
    del document["models"][1], document["agents"], document["aliases"]["safe"]

    with pytest.raises(InUseError, match="alias mine"):
        apply_document(document, by=BY)

    assert current_publication() == before
    assert get_alias("safe")


def test_a_provider_that_people_switched_off_stays_off_through_an_apply(document: dict[str, Any], actor: Actor) -> None:
    apply_document(document, by=BY)
    with change(by=actor):
        update_provider(get_provider("lab"), enabled=False, label="The lab")

    result = apply_document(document, by=BY)

    assert not result.changed
    assert (get_provider("lab").enabled, get_provider("lab").label) == (False, "The lab")


@pytest.mark.parametrize(
    ("broken", "path", "says"),
    [
        ({"colours": {}}, "colours", "no section"),
        ({"aliases": {"a": "fast-one"}}, "aliases.a.targets.0.model", "no model"),
        ({"aliases": {"a": "openai/x", "b": "a"}}, "aliases.b.targets.0.model", "itself an alias"),
        (
            {"models": [{"name": "x", "provider": "openai", "price": {"input_usd_per_mtok": "-1"}}]},
            "models.0.price",
            "negative",
        ),
        ({"models": [{"name": "x", "provider": "nobody"}]}, "models.nobody/x.provider", "no provider"),
        ({"providers": {"openai": {"kind": "nobody"}}}, "providers.openai.kind", "Choose one of"),
        ({"providers": {"Bad Slug": {"kind": "openai"}}, "models": []}, "providers.Bad Slug.slug", "lower-case"),
        (
            {"providers": {"openai": {"headers": {"Authorization": "x"}}}},
            "providers.openai.headers.Authorization",
            "API keys",
        ),
        ({"providers": {"openai": {"api_key": "${OPENAI_API_KEY}"}}}, "providers.openai.api_key", "command line only"),
        (
            {"providers": {"openai": {"keys": [{"api_key": "${K}"}]}}},
            "providers.openai.keys.0.api_key",
            "command line only",
        ),
        ({"agents": {"x": {"alias": "nothing"}}}, "agents.x.alias", "no alias"),
        ({"default_model": "nothing"}, "default_model", "nothing"),
        ({"providers": ["openai"]}, "providers", "mapping"),
    ],
)
def test_a_broken_document_is_refused_with_the_place_and_a_sentence(
    broken: dict[str, Any], path: str, says: str
) -> None:
    base = {"providers": {"openai": {}}, "models": [{"name": "x", "provider": "openai"}]}

    with pytest.raises(InvalidError) as problem:
        apply_document({**base, **broken}, by=BY)

    where = next(iter(problem.value.fields))
    assert where.startswith(path)
    assert says in problem.value.fields[where]
    assert not Provider.objects.exists()


@pytest.mark.parametrize("text", ["a: [", "- a", "just text: : :", "\tx: 1", "a: &a [*a]"])
def test_text_that_is_no_yaml_document_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        apply_document(f"{text}\n", by=BY)


@pytest.mark.parametrize("document", [[], "text", None, 5])
def test_a_document_that_is_no_mapping_is_refused(document: Any) -> None:
    with pytest.raises(InvalidError):
        apply_document(document, by=BY)


def test_a_reference_outside_of_keys_and_addresses_is_kept_as_it_is() -> None:
    apply_document(
        {
            "providers": {"openai": {}},
            "models": [{"name": "x", "provider": "openai", "parameters": {"prompt": "Say ${NAME}"}}],
        },
        by=BY,
    )

    assert find_model("openai/x").parameters == {"prompt": "Say ${NAME}"}


def test_an_editor_may_apply_and_a_viewer_may_not(document: dict[str, Any], editor: User, viewer: User) -> None:
    with pytest.raises(ForbiddenError):
        apply_document(document, by=actor_of_person(viewer), dry_run=True)

    assert apply_document(document, by=actor_of_person(editor)).version == 1


def test_a_model_with_an_address_and_a_key_of_its_own_makes_its_provider() -> None:
    apply_document(
        {
            "providers": {"custom": {"kind": "local"}},
            "models": [
                {"name": "m", "provider": "custom", "api_url": "http://127.0.0.1:5000/v1", "api_key": "test-key-alpha"}
            ],
        },
        by=BY,
    )

    assert get_provider("custom").base_url == "http://127.0.0.1:5000/v1"
    assert find_model("custom/m").api_url == ""
    assert open_sealed(sealed_rows()[0], origin="http://127.0.0.1:5000") == "test-key-alpha"


def test_a_models_address_on_another_server_is_refused(document: dict[str, Any]) -> None:
    document["models"][0]["api_url"] = "https://else.example/v1"

    with pytest.raises(InvalidError) as problem:
        apply_document(document, by=BY)

    assert list(problem.value.fields) == ["models.openai/gpt-4.1-mini.api_url"]


# Prices


def priced(price: dict[str, Any] | None) -> dict[str, Any]:
    model = {"name": "x", "provider": "openai"} | ({"price": price} if price else {})
    return {"providers": {"openai": {}}, "models": [model]}


def test_another_price_without_a_day_holds_from_now_and_leaves_the_history() -> None:
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        apply_document(priced({"input_usd_per_mtok": "1", "output_usd_per_mtok": "2"}), by=BY)
    with time_machine.travel("2026-04-01T12:00:00Z", tick=False):
        result = apply_document(priced({"input_usd_per_mtok": "3", "output_usd_per_mtok": "4"}), by=BY)

    assert short(result.changes) == ["create price openai/x"]
    model = find_model("openai/x")
    assert price_at(model, dt.datetime(2026, 3, 15, tzinfo=dt.UTC)).input_usd_per_mtok == 1
    assert price_at(model, dt.datetime(2026, 4, 2, tzinfo=dt.UTC)).input_usd_per_mtok == 3


def test_a_price_with_a_day_in_the_past_replaces_what_began_since() -> None:
    apply_document(priced({"input_usd_per_mtok": "1", "effective_from": "2026-01-01"}), by=BY)
    apply_document(priced({"input_usd_per_mtok": "2", "effective_from": "2026-02-01"}), by=BY)

    apply_document(priced({"input_usd_per_mtok": "5", "effective_from": "2026-01-15"}), by=BY)

    assert [str(price.effective_from.date()) for price in Price.objects.order_by("effective_from")] == [
        "2026-01-01",
        "2026-01-15",
    ]
    assert latest().document["models"]["openai/x"]["price"] == {
        "input_usd_per_mtok": "5",
        "effective_from": "2026-01-15",
    }


def test_a_price_that_the_file_drops_is_unknown_again() -> None:
    apply_document(priced({"input_usd_per_mtok": "1", "output_usd_per_mtok": "2"}), by=BY)

    apply_document(priced(None), by=BY)

    assert latest().document["models"]["openai/x"]["price"] is None


def test_a_price_by_hand_stays_when_the_file_names_none(actor: Actor) -> None:
    apply_document(priced(None), by=BY)
    with change(by=actor):
        set_price(find_model("openai/x"), input_usd_per_mtok="1", output_usd_per_mtok="2")

    assert apply_document(priced(None), by=BY).changes == []


def test_tiers_survive_the_way_out_and_in() -> None:
    tiers = [{"above_input_tokens": 200000, "input_usd_per_mtok": "6", "output_usd_per_mtok": "22.50"}]
    apply_document(priced({"input_usd_per_mtok": "3", "output_usd_per_mtok": "15", "tiers": tiers}), by=BY)

    assert apply_document(export_yaml(), by=BY).changes == []
    assert Price.objects.get().tiers[0]["output_usd_per_mtok"] == "22.5"


def test_a_price_of_the_future_is_published_when_its_day_comes(actor: Actor) -> None:
    tomorrow = timezone.now() + dt.timedelta(days=1)
    apply_document(priced({"input_usd_per_mtok": "1", "effective_from": "2026-01-01"}), by=BY)
    apply_document(priced({"input_usd_per_mtok": "9", "effective_from": tomorrow.date()}), by=BY)
    assert latest().document["models"]["openai/x"]["price"]["input_usd_per_mtok"] == "1"
    number = latest().number
    assert publish_due_prices() is None

    with time_machine.travel(tomorrow, tick=False):
        assert publish_due_prices() == number + 1
        assert publish_due_prices() is None

    version = latest()
    assert version.document["models"]["openai/x"]["price"]["input_usd_per_mtok"] == "9"
    assert (version.actor_label, version.why) == ("price dates", "A price came into force")


def test_nothing_due_costs_two_queries(catalogue, django_assert_num_queries) -> None:
    with django_assert_num_queries(2):
        assert publish_due_prices() is None


def test_a_refused_document_leaves_no_trace(document: dict[str, Any]) -> None:
    document["aliases"]["last"] = {"targets": [{"model": "lab/llama-lab", "weight": 5000}]}

    with pytest.raises(DomainError) as problem:
        apply_document(document, by=BY)

    assert list(problem.value.fields) == ["aliases.last.targets.0.weight"]
    assert not Provider.objects.exists()
    assert not ApiKey.objects.exists()
    assert not AuditEntry.objects.exists()
