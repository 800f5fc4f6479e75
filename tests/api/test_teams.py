"""`teams/` over REST."""

import pytest

from llmadmin.accounts.models import Team


@pytest.fixture
def search(admin, editor):
    answer = admin.post("/api/v1/teams/", {"slug": "search", "members": ["editor@example.com"]})
    assert answer.status_code == 201
    return answer.json()


def test_a_team_as_programs_see_it(admin, search):
    admin.post("/api/v1/services/", {"name": "indexer", "scopes": ["gateway:call"], "team": "search"})

    team = admin.get("/api/v1/teams/search/").json()

    assert set(team) == {"slug", "name", "members", "services", "source", "revision", "created_at", "updated_at"}
    assert {name: team[name] for name in ("slug", "name", "members", "services", "source", "revision")} == {
        "slug": "search", "name": "search", "members": ["editor@example.com"], "services": ["indexer"],
        "source": "api", "revision": 1,
    }  # fmt: skip


def test_it_changes_under_the_etag_that_was_read(admin, search, viewer):
    read = admin.get("/api/v1/teams/search/")
    first = admin.patch("/api/v1/teams/search/", {"name": "Search"}, headers={"If-Match": read.headers["ETag"]})

    second = admin.patch("/api/v1/teams/search/", {"name": "Mine"}, headers={"If-Match": read.headers["ETag"]})

    assert (first.status_code, second.status_code) == (200, 412)
    assert Team.objects.get().name == "Search"
    assert first.json()["members"] == ["editor@example.com"]


def test_replacing_it_without_members_empties_it(admin, search):
    answer = admin.put("/api/v1/teams/search/", {"slug": "search", "name": "Search"})

    assert answer.json()["members"] == []


def test_a_team_with_services_is_in_use(admin, search):
    admin.post("/api/v1/services/", {"name": "indexer", "scopes": ["gateway:call"], "team": "search"})

    answer = admin.delete("/api/v1/teams/search/")

    assert answer.status_code == 409
    assert answer.json()["error"]["fields"]["dependents"] == ["service indexer"]


def test_a_reader_reads_and_changes_nothing(service_client, search):
    reader = service_client("config:read", name="reader")

    statuses = (
        reader.get("/api/v1/teams/").status_code,
        reader.post("/api/v1/teams/", {"slug": "mine"}).status_code,
        reader.delete("/api/v1/teams/search/").status_code,
    )

    assert statuses == (200, 403, 403)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"slug": "Not a slug"},
        {"slug": "x", "members": "a"},
        {"slug": "x", "members": ["nobody@example.com"]},
        {"slug": 7},
    ],
    ids=["nothing", "no slug", "no list", "a stranger", "a number"],
)
def test_what_is_no_team_is_refused(admin, body):
    assert admin.post("/api/v1/teams/", body).status_code == 400
    assert not Team.objects.exists()


def test_the_list_s_queries_do_not_grow(admin, editor, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert admin.get("/api/v1/teams/").status_code == 200
        return len(captured)

    def add(number: int) -> None:
        for place in range(number):
            Team.objects.create(slug=f"t{Team.objects.count()}-{place}", name="T").members.add(editor)

    add(2)
    few = queries()
    add(20)

    assert queries() == few
