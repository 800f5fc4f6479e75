"""The first five minutes: what is still missing before a service can call."""

from __future__ import annotations

from dataclasses import dataclass

from llmadmin.accounts.models import ServiceKey
from llmadmin.catalog import selectors as catalog
from llmadmin.console.links import link
from llmadmin.routing import selectors as routing
from llmadmin.usage.selectors import records
from llmadmin.vault import selectors as vault


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. `is_next` marks the first that is not done."""

    title: str
    text: str
    url: str
    action: str
    is_done: bool
    is_next: bool = False


def steps(*, has_calls: bool) -> list[Step]:
    """The checklist in order, in at most five small queries."""
    first = catalog.providers().first()
    has_provider = first is not None
    has_key = vault.keys().exists()
    key_url = link("providers:add_key", first.slug) if first else link("providers:add")
    todo = [
        (
            "Add a provider",
            "The company or server that runs the models.",
            link("providers:add"),
            "Add a provider",
            has_provider,
        ),
        (
            "Enter its API key",
            "Kept encrypted, never shown again. Servers of your own may need none.",
            key_url,
            "Enter a key",
            has_key,
        ),
        (
            "Make an alias",
            "The name that your services use, so that you can change the model behind it any time.",
            link("aliases:add"),
            "Make an alias",
            routing.aliases().exists(),
        ),
        (
            "Issue a service key",
            "The key with which one of your programs opens this door.",
            link("services:add"),
            "Add a service",
            ServiceKey.objects.exists(),
        ),
        (
            "Make the first call",
            "In the playground, or from your program: change its base URL and its key.",
            link("playground:page"),
            "Open the playground",
            has_calls or records().exists(),
        ),
    ]
    following = next((index for index, one in enumerate(todo) if not one[4]), None)
    return [Step(*one, is_next=index == following) for index, one in enumerate(todo)]
