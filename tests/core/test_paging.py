import datetime as dt

import pytest
from django.utils import timezone

from llmadmin.accounts.models import Service, Team
from llmadmin.core.errors import InvalidError
from llmadmin.core.paging import keyset_page

ORDERS = [["pk"], ["-pk"], ["name"], ["-created_at", "pk"], ["team__slug", "-name"], ["-team__slug", "name"]]


@pytest.fixture
def services(db):
    teams = [Team.objects.create(slug=slug, name=slug) for slug in ("a", "b")]
    made = Service.objects.bulk_create(Service(name=f"s{n:02}", team=teams[n % 2]) for n in range(11))
    # Times that repeat, so that the second column of the order decides.
    for n, service in enumerate(made):
        Service.objects.filter(pk=service.pk).update(created_at=timezone.now() + dt.timedelta(days=n // 4))
    return Service.objects.select_related("team")


def _walk(queryset, order, size, *, take):
    cursor, pages = None, []
    while True:
        page = keyset_page(queryset, order=order, cursor=cursor, size=size)
        pages.append(page)
        cursor = take(page)
        if cursor is None:
            return pages


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("size", [1, 3, 4, 11, 50])
def test_walking_forward_meets_every_row_once_in_order(services, order, size):
    pages = _walk(services, order, size, take=lambda page: page.next_cursor)

    assert [row.pk for page in pages for row in page.rows] == [row.pk for row in services.order_by(*order)]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_walking_back_meets_the_same_rows_in_the_same_order(services, order):
    last = _walk(services, order, 3, take=lambda page: page.next_cursor)[-1]
    cursor, seen = last.previous_cursor, [row.pk for row in last.rows]

    while cursor:
        page = keyset_page(services, order=order, cursor=cursor, size=3)
        seen = [row.pk for row in page.rows] + seen
        cursor = page.previous_cursor

    assert seen == [row.pk for row in services.order_by(*order)]


def test_a_row_added_before_the_edge_moves_nothing(services):
    first = keyset_page(services, order=["name"], size=4)
    Service.objects.create(name="s00a")

    second = keyset_page(services, order=["name"], cursor=first.next_cursor, size=4)

    assert [row.name for row in second.rows] == ["s04", "s05", "s06", "s07"]


def test_the_only_page_has_no_cursors(services):
    page = keyset_page(services, order=["pk"], size=11)

    assert (page.next_cursor, page.previous_cursor) == (None, None)


def test_an_empty_list_is_an_empty_page(db):
    page = keyset_page(Service.objects.all(), order=["pk"], size=5)

    assert (page.rows, page.next_cursor, page.previous_cursor) == ([], None, None)


@pytest.mark.parametrize("cursor", ["x", "!!", "WzBd", "bnVsbA", "WzAsIm5vIG51bWJlciJd", "WzAsW11d", "é", "WzIsMV0"])
def test_a_cursor_that_is_not_ours_is_refused_in_words(services, cursor):
    with pytest.raises(InvalidError, match="does not belong to this list"):
        keyset_page(services, order=["pk"], cursor=cursor, size=5)


def test_g26_a_page_is_one_query(services, django_assert_num_queries):
    cursor = keyset_page(services, order=["team__slug", "name"], size=3).next_cursor

    with django_assert_num_queries(1):
        keyset_page(services, order=["team__slug", "name"], cursor=cursor, size=3)
