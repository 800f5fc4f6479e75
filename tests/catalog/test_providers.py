"""Providers: what may be typed, who may not be deleted, and when keys must be entered again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from llmadmin.audit.actor import Actor
from llmadmin.audit.models import AuditEntry
from llmadmin.catalog.models import Provider
from llmadmin.catalog.origin import origin_of
from llmadmin.catalog.selectors import get_provider
from llmadmin.catalog.services import create_model, create_provider, delete_provider, update_model, update_provider
from llmadmin.catalog.signals import origin_changed
from llmadmin.config.services import change
from llmadmin.core.errors import ConflictError, DomainError, InUseError, InvalidError, MissingError, StaleError
from llmadmin.vault.models import ApiKey, KeyState

pytestmark = pytest.mark.django_db


@pytest.fixture
def acting(actor: Actor) -> Iterator[None]:
    with change(by=actor):
        yield


@pytest.fixture
def lab(acting: None) -> Provider:
    return create_provider(slug="lab", kind="local", base_url="http://127.0.0.1:9000/v1")


def refused(**fields: object) -> dict[str, str]:
    with pytest.raises(InvalidError) as problem:
        create_provider(**{"slug": "lab", "kind": "local", "base_url": "http://127.0.0.1:9000", **fields})
    assert not Provider.objects.exists()
    return problem.value.fields


@pytest.mark.parametrize(
    ("base_url", "says"),
    [
        ("ftp://example.com", "http://"),
        ("example.com/v1", "http://"),
        ("https://", "http://"),
        ("https://user:secret@example.com", "Put the key under API keys"),
        ("https://example.com/v1?key=1", "without ? and #"),
        ("https://example.com/v1#x", "without ? and #"),
        ("https://example.com:0", "http://"),
        ("https://example.com:notaport", "can't be read"),
        ("https://[::1", "can't be read"),
        ("https://example.com\\@evil.example", "http://"),
        ("https://exa mple.com", "http://"),
        ("${HOST}", "http://"),
        ("https://${HOST}/v1", "command line only"),
        ("http://169.254.169.254/latest", "Choose another address"),
        ("http://2852039166/", "Choose another address"),
        ("https://example.com/" + "x" * 500, "at most 500"),
        (17, "Give text"),
    ],
)
def test_an_address_that_is_none_or_holds_secrets_is_refused(acting: None, base_url: object, says: str) -> None:
    assert says in refused(base_url=base_url)["base_url"]


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "api-key", "X-Goog-Api-Key", "Cookie", "x-auth-token"])
def test_a_header_that_would_hold_a_key_is_refused(acting: None, name: str) -> None:
    assert refused(headers={name: "anything"}) == {
        f"headers.{name}": "Put the key under API keys, where it is kept encrypted."
    }


def test_a_header_whose_value_looks_like_a_key_is_refused(acting: None) -> None:
    assert "API keys" in refused(headers={"X-Team": "Bearer test-key-alpha"})["headers.X-Team"]


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("headers", {"X-Team": 5}, "headers.X-Team"),
        ("headers", {"X Team": "a"}, "headers.X Team"),
        ("headers", {"Host": "a"}, "headers.Host"),
        ("headers", {"X-Team": "a\r\nX-Evil: b"}, "headers.X-Team"),
        ("headers", ["X-Team"], "headers"),
        ("headers", {f"X-{n}": "a" for n in range(51)}, "headers"),
        ("options", {"deep": [{"api_key": "test-key-alpha"}]}, "options.deep.0.api_key"),
        ("options", {"text": "x" * 20_000}, "options"),
        ("options", {"number": float("nan")}, "options"),
        ("options", {"text": "\x00"}, "options"),
        ("options", "text", "options"),
        ("kind", "nobody", "kind"),
        ("slug", "Not A Slug", "slug"),
        ("slug", "lab\n", "slug"),
        ("timeout_s", 0, "timeout_s"),
        ("timeout_s", float("inf"), "timeout_s"),
        ("timeout_s", True, "timeout_s"),
        ("max_retries", 11, "max_retries"),
        ("max_retries", 1.5, "max_retries"),
        ("retry_on", ["bad_weather"], "retry_on"),
        ("colour", "red", "colour"),
    ],
)
def test_a_field_that_can_not_be_taken_is_named(acting: None, field: str, value: object, path: str) -> None:
    assert path in refused(**{field: value})


def test_every_wrong_field_is_named_at_once(acting: None) -> None:
    assert set(refused(slug="?", base_url="?", timeout_s=-1)) == {"slug", "base_url", "timeout_s"}


def test_a_kind_without_an_address_of_its_own_needs_one(acting: None) -> None:
    assert "give the base URL" in refused(base_url="")["base_url"]


def test_a_slug_is_taken_once(lab: Provider) -> None:
    with pytest.raises(ConflictError, match="already") as problem:
        create_provider(slug="lab", kind="openai")

    assert "slug" in problem.value.fields


def test_an_update_that_changes_nothing_leaves_the_revision(lab: Provider) -> None:
    assert update_provider(lab, timeout_s=60, headers={}).revision == 1


def test_an_update_moves_the_revision_and_refuses_whoever_read_an_older_one(lab: Provider) -> None:
    assert update_provider(lab, expected_revision=1, timeout_s=30).revision == 2

    with pytest.raises(StaleError, match="revision 2, you have 1"):
        update_provider(lab, expected_revision=1, timeout_s=10)
    assert get_provider("lab").timeout_s == 30


def test_true_is_not_the_same_as_1(lab: Provider) -> None:
    current = update_provider(lab, options={"flag": 1})

    assert update_provider(current, options={"flag": True}).revision == 3


def test_a_provider_with_a_model_is_not_deleted_and_says_why(lab: Provider) -> None:
    create_model(lab, name="one")

    with pytest.raises(InUseError) as problem:
        delete_provider(lab)

    assert problem.value.dependents == ["model lab/one"]
    assert get_provider("lab")


def test_a_provider_of_its_own_is_deleted(lab: Provider) -> None:
    delete_provider(lab)

    with pytest.raises(MissingError):
        get_provider("lab")
    with pytest.raises(MissingError):
        update_provider(lab, timeout_s=3)


def test_a_change_is_noted_with_what_was_and_what_is(actor: Actor) -> None:
    with change(by=actor):
        provider = create_provider(slug="lab", kind="local", base_url="http://127.0.0.1:9000")
    with change(by=actor):
        update_provider(provider, timeout_s=30)

    entry = AuditEntry.objects.get(action="update", object_type="provider")
    assert (entry.before, entry.after, entry.version) == ({"timeout_s": 60.0}, {"timeout_s": 30.0}, 2)


@pytest.mark.parametrize(
    ("fields", "origin"),
    [
        ({"base_url": "https://API.Example.com/v1"}, "https://api.example.com:443"),
        ({"base_url": "http://[::1]:9000/v1"}, "http://[::1]:9000"),
        ({"base_url": "", "kind": "openai"}, "https://api.openai.com:443"),
        (
            {"base_url": "https://gate.example", "headers": {"X-Portkey-Custom-Host": "https://else.example"}},
            "https://gate.example:443 x-portkey-custom-host=https://else.example",
        ),
        (
            {"base_url": "https://gate.example", "options": {"custom_host": "https://else.example"}},
            "https://gate.example:443 custom-host=https://else.example",
        ),
    ],
)
def test_the_origin_is_where_keys_are_sent(fields: dict[str, object], origin: str) -> None:
    assert origin_of(Provider(**{"kind": "local", **fields})) == origin


@pytest.mark.parametrize(
    "fields",
    [
        {"base_url": "http://127.0.0.1:9001/v1"},
        {"base_url": "https://127.0.0.1:9000/v1"},
        {"kind": "openai", "base_url": ""},
        {"headers": {"x-portkey-custom-host": "https://else.example"}},
        {"options": {"target_url": "https://else.example"}},
    ],
)
def test_g10_whatever_changes_the_origin_locks_the_keys(catalogue, actor: Actor, fields: dict[str, object]) -> None:
    with change(by=actor):
        update_provider(catalogue.provider, **fields)

    assert ApiKey.objects.get().state == KeyState.LOCKED


def test_another_path_on_the_same_server_keeps_the_keys(catalogue, actor: Actor) -> None:
    with change(by=actor):
        update_provider(catalogue.provider, base_url="http://127.0.0.1:9/v2", timeout_s=3)

    assert ApiKey.objects.get().state == KeyState.ACTIVE


def test_the_signal_comes_once_with_both_origins(lab: Provider) -> None:
    heard: list[tuple[str, str]] = []

    def hear(*, before: str, after: str, **_: object) -> None:
        heard.append((before, after))

    origin_changed.connect(hear)
    update_provider(lab, base_url="http://127.0.0.1:9001")
    origin_changed.disconnect(hear)

    assert heard == [("http://127.0.0.1:9000", "http://127.0.0.1:9001")]


def test_a_models_own_address_stays_on_the_providers_server(lab: Provider) -> None:
    model = create_model(lab, name="one", api_url="http://127.0.0.1:9000/special/")
    assert model.api_url == "http://127.0.0.1:9000/special"

    with pytest.raises(InvalidError) as problem:
        update_model(model, api_url="http://127.0.0.1:9001")
    assert set(problem.value.fields) == {"api_url"}
    with pytest.raises(ConflictError, match="Clear it first"):
        update_provider(lab, base_url="http://127.0.0.1:9001")


def test_a_refusal_in_the_middle_undoes_all_of_it(actor: Actor) -> None:
    def one_good_and_one_bad() -> None:
        with change(by=actor):
            create_provider(slug="one", kind="openai")
            create_provider(slug="two", kind="nobody")

    with pytest.raises(DomainError):
        one_good_and_one_bad()

    assert not Provider.objects.exists()
    assert not AuditEntry.objects.exists()
