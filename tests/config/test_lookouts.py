"""What would not work is said before it is published, and never stands in the way of who means it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from llmadmin.audit.actor import Actor
from llmadmin.catalog.services import create_model, create_provider, set_price, update_model, update_provider
from llmadmin.config import checks
from llmadmin.config.importing import apply_document
from llmadmin.config.rollback import rehearse_rollback
from llmadmin.config.selectors import latest
from llmadmin.config.services import change
from llmadmin.config.tables import Tables
from llmadmin.core.errors import UnheededError
from llmadmin.routing.models import Alias
from llmadmin.routing.services import create_agent, create_alias, update_alias
from llmadmin.vault.services import add_key, set_state, update_key
from providers.config import LLMConfig

pytestmark = pytest.mark.django_db


def keyless(catalogue: Any) -> None:
    provider = create_provider(slug="openai", kind="openai")
    model = create_model(provider, name="m")
    set_price(model, input_usd_per_mtok="1")
    create_alias(name="smart", targets=["openai/m"])


def expired(catalogue: Any) -> None:
    keyless(catalogue)
    from llmadmin.catalog.selectors import get_provider

    key = add_key(get_provider("openai"), label="old", api_key="test-key-alpha-0002")
    update_key(key, expires_at=timezone.now() + dt.timedelta(seconds=1))
    type(key).objects.filter(pk=key.pk).update(expires_at=timezone.now() - dt.timedelta(days=1))


def past_its_sunset(catalogue: Any) -> None:
    create_agent(name="late", alias="fast")
    Alias.objects.filter(name="fast").update(deprecated="Use slow.", sunset_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))


CASES: dict[str, tuple[Callable[[Any], object], str, str]] = {
    "a provider without a key": (
        keyless,
        "no_usable_key",
        "Provider openai has no API key that can be used, and alias smart needs it. Add one, or enter it again.",
    ),
    "a provider whose key expired": (
        expired,
        "no_usable_key",
        "Provider openai has no API key that can be used (old: expired), and alias smart needs it. Add one, or enter it again.",
    ),
    "an alias whose provider is off": (
        lambda catalogue: update_provider(catalogue.provider, enabled=False),
        "no_live_target",
        (
            "Alias fast has no target that is switched on (provider sim is off), so calls to it fail. Switch one on, or give it "
            "another target."
        ),
    ),
    "an agent on an alias past its sunset": (
        past_its_sunset,
        "agent_past_sunset",
        "Agent coder runs on alias fast, whose sunset was 2026-01-01. Move it to another alias.",
    ),
}


@pytest.mark.parametrize(("act", "code", "sentence"), [pytest.param(*case, id=name) for name, case in CASES.items()])
def test_what_would_not_work_is_published_with_a_warning(
    catalogue: Any, actor: Actor, act: Callable[[Any], object], code: str, sentence: str
) -> None:
    with change(by=actor) as made:
        act(catalogue)

    assert sentence in made.grave
    (kept,) = [one for one in latest().warnings if one["code"] == code and one["message"] == sentence]
    assert kept["level"] == "warning"


@pytest.mark.parametrize("act", [pytest.param(case[0], id=name) for name, case in CASES.items()])
def test_who_heeds_warnings_is_stopped_and_nothing_is_written(
    catalogue: Any, actor: Actor, act: Callable[[Any], object]
) -> None:
    before = latest().number

    with pytest.raises(UnheededError) as stopped, change(by=actor, heeds_warnings=True):
        act(catalogue)

    assert stopped.value.warnings
    assert latest().number == before


NOTES: dict[str, tuple[Callable[[Any], object], str]] = {
    "a link of a chain that is off": (
        lambda catalogue: update_model(catalogue.models[0], enabled=False),
        "Alias fast skips sim/alpha: switched off.",
    ),
    "a target without a price": (
        lambda catalogue: create_alias(name="new", targets=[create_model(catalogue.provider, name="free")]),
        "Model sim/free has no price, so its calls count as unpriced. Give it one, 0 for what is free.",
    ),
    "an agent on a deprecated alias": (
        lambda catalogue: update_alias(catalogue.alias, deprecated="Use slow."),
        "Agent coder runs on the deprecated alias fast. Move it to another alias.",
    ),
}


@pytest.mark.parametrize(("act", "sentence"), [pytest.param(*case, id=name) for name, case in NOTES.items()])
def test_what_is_worth_knowing_stops_nobody(
    catalogue: Any, actor: Actor, act: Callable[[Any], object], sentence: str
) -> None:
    with change(by=actor, heeds_warnings=True) as made:
        act(catalogue)

    assert made.warnings == [sentence]
    assert made.grave == []


def test_an_expired_key_beside_a_good_one_is_a_note(catalogue: Any, actor: Actor) -> None:
    with change(by=actor):
        keyless(catalogue)
        provider = create_provider(slug="spare", kind="openai")
        add_key(provider, label="good", api_key="test-key-alpha-0003")
        old = add_key(provider, label="old", api_key="test-key-alpha-0004")
        type(old).objects.filter(pk=old.pk).update(expires_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))

    assert "API key spare/old expired on 2026-01-01. Rotate it, or delete it." in [
        one["message"] for one in latest().warnings
    ]


def test_a_warning_is_said_once_and_goes_with_its_cause(catalogue: Any, actor: Actor) -> None:
    with change(by=actor):
        update_provider(catalogue.provider, enabled=False)

    with change(by=actor, heeds_warnings=True) as later:
        update_alias(Alias.objects.get(), description="Still off")
    with change(by=actor, heeds_warnings=True) as mended:
        update_provider(catalogue.provider, enabled=True)

    assert (later.warnings, mended.warnings) == ([], [])
    assert latest().warnings == []


def test_a_dry_run_and_a_rehearsed_rollback_say_it_before(catalogue: Any, actor: Actor) -> None:
    with change(by=actor):
        set_state(catalogue.key, "disabled")
        keyless(catalogue)
    with change(by=actor):
        update_provider(catalogue.provider, enabled=False)
    file = {
        "providers": {"mistral": {}},
        "models": [{"provider": "mistral", "name": "m"}],
        "aliases": {"x": "mistral/m"},
    }
    before = latest().number

    dry = apply_document(file, by=actor, dry_run=True)
    back = rehearse_rollback(1, by=actor)

    assert any("Provider mistral has no API key" in sentence for sentence in dry.warnings)
    assert back.did_publish
    assert latest().number == before


def test_rooms_above_add_lookouts_of_their_own(catalogue: Any, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_bananas(rows: Tables, config: LLMConfig) -> list[checks.Finding]:
        return [checks.Finding("bananas", checks.WARNING, "alias", name, "No bananas.") for name in config.aliases]

    monkeypatch.setattr(checks, "LOOKOUTS", [*checks.LOOKOUTS])
    checks.register_lookout(no_bananas)

    with change(by=actor) as made:
        update_alias(catalogue.alias, description="x")

    assert made.grave == ["No bananas."]
