"""Addresses of every Configure, History and Settings page, over the catalogue of tests/conftest.py and a service."""

from __future__ import annotations

from django.urls import reverse

from llmadmin.accounts.models import Service
from llmadmin.accounts.services import create_service, issue_key
from llmadmin.audit.actor import Actor
from llmadmin.config.services import change
from tests.conftest import Catalogue


def add_service(actor: Actor, *, name: str = "billing") -> tuple[Service, str]:
    """A service with one key, and that key's plaintext."""
    with change(by=actor):
        service = create_service(name=name, scopes=["gateway:call", "usage:read"], aliases=["fast"], team="platform")
        _, plaintext = issue_key(service, label="laptop")
    return service, plaintext


def reading_pages(catalogue: Catalogue) -> list[str]:
    """What everybody who may see the configuration may open. Needs the service `billing`."""
    return [
        *(
            reverse(f"{noun}:list")
            for noun in ("providers", "models", "aliases", "agents", "services", "versions", "audit")
        ),
        reverse("providers:detail", args=["sim"]),
        reverse("keys:detail", args=[catalogue.key.pk]),
        reverse("models:detail", args=[catalogue.models[0].pk]),
        reverse("models:options"),
        reverse("aliases:detail", args=["fast"]),
        reverse("agents:detail", args=["coder"]),
        *(
            f"{reverse('impact:page')}?{query}"
            for query in ("provider=sim", "alias=fast", "agent=coder", "service=billing")
        ),
        *(f"{reverse('impact:resolve')}?{query}" for query in ("alias=fast", "agent=coder", "service=billing")),
        reverse("services:detail", args=["billing"]),
        reverse("versions:detail", args=[1]),
        reverse("switches:list"),
        reverse("settings:page"),
        reverse("settings:transfer"),
        reverse("settings:encryption"),
        reverse("settings:export"),
        reverse("search"),
        reverse("account_change_password"),
        reverse("account:page"),
        reverse("teams:list"),
        reverse("teams:detail", args=["platform"]),
        reverse("mfa_index"),
        reverse("mfa_list_webauthn"),
    ]


def editing_pages(catalogue: Catalogue) -> list[str]:
    """Forms of what an editor may change."""
    model = catalogue.models[0]
    return [
        f"{reverse('switches:stop')}?scope=everything",
        reverse("providers:add"),
        f"{reverse('providers:add')}?kind=local",
        f"{reverse('providers:add')}?kind=openai",
        *(
            reverse(f"providers:{page}", args=["sim"])
            for page in ("edit", "delete", "add_key", "add_model", "catalogue", "live")
        ),
        *(reverse(f"keys:{page}", args=[catalogue.key.pk]) for page in ("edit", "rotate", "delete")),
        *(reverse(f"models:{page}", args=[model.pk]) for page in ("edit", "delete")),
        reverse("aliases:add"),
        *(reverse(f"aliases:{page}", args=["fast"]) for page in ("edit", "delete", "canary")),
        reverse("agents:add"),
        *(reverse(f"agents:{page}", args=["coder"]) for page in ("edit", "delete")),
    ]


def managing_pages() -> list[str]:
    """Services, teams and people, which owners and admins manage."""
    return [
        reverse("webhooks:list"),
        reverse("webhooks:add"),
        reverse("services:add"),
        *(reverse(f"services:{page}", args=["billing"]) for page in ("edit", "delete")),
        reverse("teams:add"),
        *(reverse(f"teams:{page}", args=["platform"]) for page in ("edit", "delete")),
        *(reverse(f"people:{page}") for page in ("list", "invite", "rules")),
    ]
