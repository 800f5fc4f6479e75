"""Lists: their queries do not grow with their rows, their pages meet, and each works with and without the last slash."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from llmadmin.accounts.services import create_service, issue_key
from llmadmin.audit.actor import Actor
from llmadmin.catalog.services import create_model, create_provider, set_price
from llmadmin.config.services import change
from llmadmin.routing.services import create_agent, create_alias
from llmadmin.usage.services import ingest
from llmadmin.vault.services import add_key


def add_providers(actor: Actor, catalogue: Any, numbers: range) -> None:
    with change(by=actor):
        for number in numbers:
            create_provider(slug=f"p{number}", kind="openai")


def add_keys(actor: Actor, catalogue: Any, numbers: range) -> None:
    with change(by=actor):
        for number in numbers:
            add_key(catalogue.provider, label=f"k{number}", api_key=f"test-key-number-{number}")


def add_models(actor: Actor, catalogue: Any, numbers: range) -> None:
    with change(by=actor):
        for number in numbers:
            set_price(create_model(catalogue.provider, name=f"m{number}"), input_usd_per_mtok="1")


def add_aliases(actor: Actor, catalogue: Any, numbers: range) -> None:
    with change(by=actor):
        for number in numbers:
            create_alias(name=f"a{number}", targets=[{"model": "sim/alpha"}, {"model": "sim/beta"}])


def add_agents(actor: Actor, catalogue: Any, numbers: range) -> None:
    with change(by=actor):
        for number in numbers:
            create_agent(name=f"g{number}", alias="fast")


def add_services(actor: Actor, catalogue: Any, numbers: range) -> None:
    with change(by=actor):
        for number in numbers:
            service = create_service(name=f"s{number}", scopes=["config:read"], team=f"t{number}")
            issue_key(service)
            issue_key(service)


def add_service_keys(actor: Actor, catalogue: Any, numbers: range) -> None:
    from llmadmin.accounts.selectors import get_service

    with change(by=actor):
        for _ in numbers:
            issue_key(get_service("caller"))


def add_versions(actor: Actor, catalogue: Any, numbers: range) -> None:
    for number in numbers:
        with change(by=actor):
            create_agent(name=f"v{number}", alias="fast")


def add_records(actor: Actor, catalogue: Any, numbers: range) -> None:
    attempt = {"model": "sim/alpha", "status": "ok"}
    at = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    ingest(
        [
            {"id": str(uuid.uuid4()), "model": "sim/alpha", "started_at": (at + dt.timedelta(seconds=n)).isoformat(),
             "attempts": [attempt, attempt]}
            for n in numbers
        ],
        service="caller",
    )  # fmt: skip


Add = Callable[[Actor, Any, range], None]
LISTS: dict[str, Add] = {
    "providers": add_providers,
    "keys": add_keys,
    "models": add_models,
    "prices": add_models,
    "aliases": add_aliases,
    "agents": add_agents,
    "services": add_services,
    "services/caller/keys": add_service_keys,
    "versions": add_versions,
    "audit": add_versions,
    "usage": add_records,
}


@pytest.mark.parametrize(("address", "add"), LISTS.items(), ids=LISTS.keys())
def test_g27_the_queries_of_a_list_do_not_grow(
    admin: APIClient, actor: Actor, catalogue: Any, address: str, add: Add
) -> None:
    def queries_and_rows() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as caught:
            answer = admin.get(f"/api/v1/{address}/")
        assert answer.status_code == 200, answer.content
        return len(caught), len(answer.json()["results"])

    add(actor, catalogue, range(3))
    few_queries, few_rows = queries_and_rows()
    add(actor, catalogue, range(3, 30))
    many_queries, many_rows = queries_and_rows()

    assert many_rows >= few_rows + 27
    assert many_queries == few_queries
    assert many_queries <= 8


@pytest.mark.parametrize(("address", "add"), LISTS.items(), ids=LISTS.keys())
def test_pages_meet_and_lead_both_ways(admin: APIClient, actor: Actor, catalogue: Any, address: str, add: Add) -> None:
    if address.endswith("caller/keys"):
        pytest.skip("a service has few keys: they come on one page")
    add(actor, catalogue, range(7))
    whole = admin.get(f"/api/v1/{address}/").json()["results"]

    page = admin.get(f"/api/v1/{address}?page_size=3").json()
    forward = list(page["results"])
    while page["next"]:
        page = admin.get(page["next"]).json()
        forward += page["results"]
    backward = list(page["results"])
    while page["previous"]:
        page = admin.get(page["previous"]).json()
        backward = page["results"] + backward

    assert forward == whole == backward


def test_every_address_works_with_and_without_the_slash_at_its_end(admin: APIClient, catalogue: Any) -> None:
    number = admin.get("/api/v1/services/caller").json()["id"]
    key = admin.get("/api/v1/services/caller/keys").json()["results"][0]["id"]
    addresses = [
        "providers", "keys", "models", "prices", "aliases", "agents", "services", "versions", "audit", "usage",
        "usage/summary", "export", "providers/sim", f"keys/{catalogue.key.pk}", f"models/{catalogue.models[0].pk}",
        "aliases/fast", "agents/coder", "services/caller", f"services/{number}", f"services/{number}/keys", "versions/1",
        "versions/1/diff", "versions/1/diff/?to=1",
    ]  # fmt: skip
    for address in addresses:
        path, _, query = address.partition("?")
        bare, slashed = (
            admin.get(f"/api/v1/{path.rstrip('/')}?{query}"),
            admin.get(f"/api/v1/{path.rstrip('/')}/?{query}"),
        )

        assert bare.status_code == slashed.status_code == 200, (address, bare.content)
        assert bare.content.replace(b"/?", b"?") == slashed.content.replace(b"/?", b"?"), address
    for address in (f"services/{number}/keys", f"services/{number}/keys/{key}/rotate"):
        assert admin.post(f"/api/v1/{address}").status_code == 201
        assert admin.post(f"/api/v1/{address}/").status_code == 201


def test_a_service_is_found_by_name_and_by_number_and_the_name_wins(admin: APIClient) -> None:
    made = admin.post("/api/v1/services/", {"name": "batch", "scopes": ["config:read"]}).json()
    number = made["id"]
    assert admin.get(f"/api/v1/services/{number}/").json()["name"] == "batch"
    assert admin.patch(f"/api/v1/services/{number}/", {"description": "Nightly"}).json()["description"] == "Nightly"
    issued = admin.post(f"/api/v1/services/{number}/keys/", {"label": "one"}).json()
    assert [one["id"] for one in admin.get("/api/v1/services/batch/keys/").json()["results"]] == [
        issued["service_key"]["id"]
    ]

    namesake = admin.post("/api/v1/services/", {"name": str(number), "scopes": ["usage:read"]})

    assert namesake.status_code == 201, namesake.content
    assert admin.get(f"/api/v1/services/{number}/").json()["id"] == namesake.json()["id"]
    assert admin.delete(f"/api/v1/services/batch/keys/{issued['service_key']['id']}/").status_code == 204
    assert admin.delete(f"/api/v1/services/{number}/keys/{issued['service_key']['id']}/").status_code == 404
    assert admin.delete("/api/v1/services/batch/").status_code == 204


def test_lists_are_narrowed_by_what_they_say_they_take(admin: APIClient, actor: Actor, catalogue: Any) -> None:
    add_providers(actor, catalogue, range(1))

    assert len(admin.get("/api/v1/models/?provider=sim").json()["results"]) == 2
    assert admin.get("/api/v1/models/?provider=p0").json()["results"] == []
    assert len(admin.get("/api/v1/keys/?provider=sim&state=active").json()["results"]) == 1
    assert len(admin.get("/api/v1/prices/?model=sim/alpha").json()["results"]) == 1
    assert len(admin.get("/api/v1/agents/?alias=fast").json()["results"]) == 1
    assert {one["name"] for one in admin.get("/api/v1/audit/?object=provider").json()["results"]} == {"sim", "p0"}
    refused = admin.get("/api/v1/models/?providr=sim")
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["providr"])
