"""A filled installation to look at: simulated providers, aliases, agents, services, and a month of usage."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from llmadmin.accounts.actors import command_actor
from llmadmin.accounts.models import User
from llmadmin.accounts.services import create_service, issue_key
from llmadmin.catalog.models import LanguageModel, Provider
from llmadmin.catalog.services import create_model, create_provider, set_price
from llmadmin.config.services import change
from llmadmin.core.errors import ConflictError
from llmadmin.routing.services import create_agent, create_alias, set_default
from llmadmin.usage.seeding import SeedTarget, seed
from llmadmin.vault.services import add_key

OWNER_EMAIL = "demo@example.com"
_MODELS: dict[str, tuple[tuple[str, int, str | None, str | None], ...]] = {
    # provider → (model, context window, input and output USD a million tokens; None: unpriced on purpose)
    "simulated-east": (("sim-large", 200_000, "3", "15"), ("sim-small", 128_000, "0.40", "1.60")),
    "simulated-west": (("sim-fast", 128_000, "0.10", "0.40"), ("sim-preview", 32_000, None, None)),
}
_ALIASES = {
    "smart": ["simulated-east/sim-large", "simulated-west/sim-fast"],
    "fast": ["simulated-west/sim-fast", "simulated-east/sim-small"],
    "cheap": ["simulated-west/sim-fast"],
    "preview": ["simulated-west/sim-preview"],
}
_AGENTS = {"coder": "smart", "summariser": "fast", "classifier": "cheap"}
_SERVICES = {"chatbot": ["smart", "fast"], "back-office": [], "research": ["smart", "preview"]}


@dataclass(frozen=True)
class DemoAccess:
    """How to get in: shown once, on the terminal."""

    email: str
    password: str
    service_key: str


def fill(*, simulator_url: str, password: str, days: int = 30, calls_a_day: int = 600) -> DemoAccess:
    """Fill an empty installation. Raises `ConflictError` when it has providers already."""
    if Provider.objects.exists():
        raise ConflictError("This installation has providers already; the demo is for an empty one.")
    owner = User.objects.create_superuser(OWNER_EMAIL, password, name="Demo Owner")
    with change(by=command_actor(), why="Simulated providers to look at"):
        models = _create_catalogue(simulator_url)
        for name, targets in _ALIASES.items():
            create_alias(name=name, targets=[{"model": target} for target in targets])
        for agent, alias in _AGENTS.items():
            create_agent(name=agent, alias=alias)
        set_default("smart")
    with change(by=command_actor(), why="Services of the demo"):
        keys = {}
        for name, aliases in _SERVICES.items():
            service = create_service(
                name=name, scopes=["config:read", "gateway:call", "usage:write", "usage:read"], aliases=aliases
            )
            keys[name] = issue_key(service, label="demo")[1]
    seed(
        [_seed_target(model) for model in models],
        days=days,
        per_day=calls_a_day,
        seed=1,
        aliases=_ALIASES,
        agents=_AGENTS,
        services=_SERVICES,
    )
    return DemoAccess(email=owner.email, password=password, service_key=keys["back-office"])


def _create_catalogue(simulator_url: str) -> list[LanguageModel]:
    models = []
    for slug, offered in _MODELS.items():
        provider = create_provider(slug=slug, kind="local", label=f"Simulated ({slug[10:]})", base_url=simulator_url)
        add_key(provider, label="demo", api_key="simulated-key-opens-nothing")
        for name, window, input_price, output_price in offered:
            model = create_model(
                provider, name=name, context_window=window, max_output_tokens=8192, capabilities=["chat", "tools"]
            )
            if input_price is not None and output_price is not None:
                set_price(model, input_usd_per_mtok=Decimal(input_price), output_usd_per_mtok=Decimal(output_price))
            models.append(model)
    return models


def _seed_target(model: LanguageModel) -> SeedTarget:
    return SeedTarget(provider=model.provider.slug, model=model.full_name)
