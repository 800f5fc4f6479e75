"""Reading the log: filters on an index, pages, an entry's own page, and files of any length."""

import csv
import datetime as dt
import io
import json

import pytest
import time_machine
from django.db import connection
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone

from llmadmin.accounts.services import create_service, issue_key
from llmadmin.audit.exporting import BATCH, FIELDS
from llmadmin.audit.models import AuditEntry
from llmadmin.audit.selectors import EntryFilter, entries, search
from llmadmin.audit.services import note_now
from llmadmin.config.services import change

ROWS = 3000


@pytest.fixture
def log(actor):
    """Two entries of different days, persons and requests, of which one was refused."""
    from dataclasses import replace

    with time_machine.travel(dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.UTC), tick=False):
        note_now(replace(actor, request_id="req-1"), "create", "alias", "fast", after={"cache_ttl_s": 1})
    with time_machine.travel(dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC), tick=False):
        other = replace(actor, label="viewer@example.com", request_id="req-2")
        note_now(other, "refused", "permission", "config.edit", was_refused=True)


@pytest.fixture
def rest(actor):
    with change(by=actor):
        _, key = issue_key(create_service(name="ci", scopes=["admin"]))
    return Client(headers={"authorization": f"Bearer {key}"})


def _browser(person):
    client = Client()
    client.force_login(person)
    return client


FILTERS = [
    ("by=viewer@example.com", ["config.edit"]),
    ("object=alias", ["fast"]),
    ("name=fast", ["fast"]),
    ("action=create&object=alias", ["fast"]),
    ("request_id=req-2", ["config.edit"]),
    ("refused=1", ["config.edit"]),
    ("refused=0&object=alias", ["fast"]),
    ("from=2026-03-02T00:00:00Z&to=2026-03-03T00:00:00Z", ["config.edit"]),
    ("from=2026-03-01T23:30:00Z&to=2026-03-02T12:00:00Z", ["fast"]),
]


@pytest.mark.parametrize(("query", "names"), FILTERS, ids=[query for query, _ in FILTERS])
def test_each_filter_of_rest_finds_what_it_names(query, names, log, rest):
    answer = rest.get(f"/api/v1/audit/?{query}")

    assert [one["name"] for one in answer.json()["results"]] == names


@pytest.mark.parametrize("query", ["version=x", "from=yesterday", "refused=perhaps", "since=1"])
def test_a_filter_that_makes_no_sense_is_refused(query, rest):
    assert rest.get(f"/api/v1/audit/?{query}").status_code == 400


def test_days_are_those_of_the_viewer(log, owner):
    owner.time_zone = "Europe/Berlin"
    owner.save()

    page = _browser(owner).get(reverse("audit:list"), {"since": "2026-03-02", "until": "2026-03-02"})

    names = [entry.object_name for entry, _ in page.context["rows"]]
    assert names == ["config.edit", "fast"], "half past eleven in UTC is the next day in Berlin"


@pytest.mark.parametrize(
    "query", ["since=never", "version=x", "type=nothing", "since=0001-01-01&until=9999-12-31", "until=9999-12-31"]
)
def test_an_address_that_makes_no_sense_is_a_page_all_the_same(query, log, owner):
    assert _browser(owner).get(f"{reverse('audit:list')}?{query}").status_code == 200


def test_an_entry_shows_before_and_after_and_what_else_its_request_did(log, actor, owner):
    from dataclasses import replace

    note_now(replace(actor, request_id="req-1"), "read_secrets", "config", "version 1", after={"long": "x" * 900})
    secret, first = entries(request_id="req-1")

    page = _browser(owner).get(reverse("audit:detail", args=[secret.pk])).content.decode()

    assert "x" * 900 in page, "nothing is cut"
    assert "req-1" in page
    assert reverse("audit:detail", args=[first.pk]) in page


def test_an_entry_that_is_gone_is_a_404(owner):
    assert _browser(owner).get(reverse("audit:detail", args=[999])).status_code == 404


def _insert(count):
    now = timezone.now()
    AuditEntry.objects.bulk_create(
        [
            AuditEntry(
                at=now, actor_kind="person", actor_label=f"p{n % 40}@example.com", action=("create", "update")[n % 2],
                object_type=("alias", "model", "key")[n % 3], object_name=f"name-{n}", request_id=f"r{n}", version=n + 1,
                was_refused=n % 100 == 0, before=None, after={"a": n},
            )
            for n in range(count)
        ],
        batch_size=1000,
    )  # fmt: skip


def test_the_queries_of_a_page_do_not_grow_with_the_log(log, owner, django_assert_max_num_queries):
    browser = _browser(owner)
    browser.get(reverse("audit:list"))
    _insert(200)

    with django_assert_max_num_queries(12):
        assert len(browser.get(reverse("audit:list")).context["rows"]) == 50


PLANS = {
    "by": EntryFilter(by="p1@example.com"),
    "object": EntryFilter(object="alias"),
    "object and name": EntryFilter(object="alias", name="name-3"),
    "act": EntryFilter(action="create"),
    "request": EntryFilter(request_id="r77"),
    "version": EntryFilter(version=77),
    "refused": EntryFilter(refused=True),
    "days": EntryFilter(from_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC), to_at=dt.datetime(2020, 2, 1, tzinfo=dt.UTC)),
}


@pytest.mark.parametrize("wanted", PLANS.values(), ids=PLANS)
def test_g26_each_filter_is_answered_by_an_index(wanted, owner):
    _insert(ROWS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE audit_auditentry")

    plan = search(wanted).select_related(None)[:51].explain()

    assert "SCAN audit_auditentry\n" not in f"{plan}\n"
    assert "Seq Scan on audit_auditentry" not in plan


async def _body(response):
    return b"".join([piece async for piece in response]).decode()


@pytest.mark.django_db(transaction=True)
async def test_a_file_holds_every_entry_in_order_and_is_audited(owner):
    from asgiref.sync import sync_to_async

    await sync_to_async(_insert)(3 * BATCH + 50)
    client = AsyncClient()
    await client.aforce_login(owner)

    response = await client.get("/audit/export/?as=jsonl&type=alias")
    rows = [json.loads(line) for line in (await _body(response)).splitlines()]

    assert len(rows) == len([n for n in range(3 * BATCH + 50) if n % 3 == 0])
    assert list(rows[0]) == list(FIELDS)
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    taken = await entries(action="export").afirst()
    assert (taken.actor_label, taken.after["format"]) == ("owner@example.com", "jsonl")
    assert taken.after["filters"] == {"object_type": "alias"}


@pytest.mark.django_db(transaction=True)
async def test_a_spreadsheet_takes_no_cell_for_a_formula(owner, actor):
    from asgiref.sync import sync_to_async

    await sync_to_async(note_now)(actor, "create", "alias", '=HYPERLINK("http://evil")', why="@SUM(1)")
    client = AsyncClient()
    await client.aforce_login(owner)

    response = await client.get("/audit/export/?as=csv&action=create")
    [row] = csv.DictReader(io.StringIO(await _body(response)))

    assert row["name"] == '\'=HYPERLINK("http://evil")'
    assert row["why"] == "'@SUM(1)"


@pytest.mark.parametrize("who", ["editor", "viewer"])
def test_only_those_with_the_permission_take_a_file_along(who, request):
    person = request.getfixturevalue(who)

    assert _browser(person).get("/audit/export/").status_code == 403
    assert entries(action="refused").get().object_name == "audit.export"


def test_the_page_offers_files_to_those_alone_who_may_have_them(owner, viewer, log):
    assert "audit/export/" in _browser(owner).get(reverse("audit:list")).content.decode()
    assert "audit/export/" not in _browser(viewer).get(reverse("audit:list")).content.decode()


def test_rest_gives_the_same_files(rest):
    assert rest.get("/api/v1/audit/export/?as=csv").headers["Content-Type"].startswith("text/csv")
    assert rest.get("/api/v1/audit/export/?as=pdf").status_code == 400


HISTORIES = {
    "provider": lambda it: reverse("providers:detail", args=["sim"]),
    "key": lambda it: reverse("keys:detail", args=[it.key.pk]),
    "model": lambda it: reverse("models:detail", args=[it.models[0].pk]),
    "alias": lambda it: reverse("aliases:detail", args=["fast"]),
    "agent": lambda it: reverse("agents:detail", args=["coder"]),
}


@pytest.mark.parametrize("kind", HISTORIES)
def test_the_page_of_an_object_shows_what_happened_to_it(kind, catalogue, owner):
    page = _browser(owner).get(HISTORIES[kind](catalogue)).content.decode()

    made = entries(object_type=kind, action="create").last()
    assert reverse("audit:detail", args=[made.pk]) in page


def test_a_long_history_is_cut_and_leads_to_all_of_it(catalogue, actor, owner):
    for _ in range(5):
        note_now(actor, "update", "alias", "fast")

    page = _browser(owner).get(reverse("aliases:detail", args=["fast"])).content.decode()

    oldest = entries(object_type="alias").last()
    assert reverse("audit:detail", args=[oldest.pk]) not in page
    assert f"{reverse('audit:list')}?type=alias&amp;name=fast" in page
