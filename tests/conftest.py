"""What every test may ask for: three personas, an actor, and a small catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.cached import forget

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker

    from llmadmin.accounts.models import User
    from llmadmin.audit.actor import Actor
    from llmadmin.catalog.models import LanguageModel, Provider
    from llmadmin.routing.models import AgentMapping, Alias
    from llmadmin.vault.models import ApiKey

PASSWORD = "a password of some length"
CATALOGUE_KEY = "test-key-alpha-0001"


@dataclass
class Catalogue:
    """One provider with a key and two priced models, an alias over both, and an agent on the alias."""

    provider: Provider
    key: ApiKey
    models: list[LanguageModel]
    alias: Alias
    agent: AgentMapping
    plaintext: str = CATALOGUE_KEY


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """PostgreSQL drops no database that somebody is connected to, as the threads of async tests still are."""
    yield
    from django.db import connection

    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    """Rate limits count in the cache."""
    forget()


@pytest.fixture
def owner(db: None) -> User:
    return _person("owner@example.com", "owner")


@pytest.fixture
def editor(db: None) -> User:
    return _person("editor@example.com", "editor")


@pytest.fixture
def viewer(db: None) -> User:
    return _person("viewer@example.com", "viewer")


@pytest.fixture
def actor(owner: User) -> Actor:
    """The owner, acting."""
    from llmadmin.accounts.actors import actor_of_person

    return actor_of_person(owner)


@pytest.fixture
def catalogue(actor: Actor) -> Catalogue:
    from llmadmin.catalog.services import create_model, create_provider, set_price
    from llmadmin.config.services import change
    from llmadmin.routing.services import create_agent, create_alias
    from llmadmin.vault.services import add_key

    with change(by=actor, why="A catalogue for a test"):
        provider = create_provider(slug="sim", kind="local", base_url="http://127.0.0.1:9/v1")
        key = add_key(provider, label="main", api_key=CATALOGUE_KEY)
        models = [create_model(provider, name=name) for name in ("alpha", "beta")]
        set_price(models[0], input_usd_per_mtok="1", output_usd_per_mtok="2")
        set_price(models[1], input_usd_per_mtok="10", output_usd_per_mtok="20")
        alias = create_alias(name="fast", targets=[{"model": "sim/alpha"}, {"model": "sim/beta"}])
        agent = create_agent(name="coder", alias="fast")
    return Catalogue(provider, key, models, alias, agent)


def _person(email: str, role: str) -> User:
    from llmadmin.accounts.models import User

    return User.objects.create_user(email, PASSWORD, role=role)
