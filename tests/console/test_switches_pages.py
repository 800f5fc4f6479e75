"""Pages of switches: stopping from an object's page, seeing why, and letting it run again."""

from __future__ import annotations

import pytest
from django.urls import reverse

from llmadmin.accounts.actors import actor_of_person
from llmadmin.limits.models import Stop
from llmadmin.limits.selectors import active_stops
from llmadmin.limits.services import stop_traffic
from tests.console.pages import add_service

LIST = "/switches/"
STOP = "/switches/-/stop/"
WHY = "The bill <b>runs</b> away"


def test_a_provider_s_page_leads_to_its_switch_and_then_says_that_it_is_stopped(catalogue, editor, signed_in):
    browser = signed_in(editor)
    page = reverse("providers:detail", args=["sim"])
    assert f"{STOP}?scope=provider&amp;target=sim" in browser.get(page).content.decode()

    asked = browser.get(STOP, {"scope": "provider", "target": "sim"})
    done = browser.post(f"{STOP}?scope=provider&target=sim", {"reason": WHY, "lifted_by_role": "editor"})

    assert "Stop sim?" in asked.content.decode()
    assert done["Location"] == LIST
    assert active_stops().providers == {"sim": WHY}
    assert "Stopped: see why" in browser.get(page).content.decode()
    shown = browser.get(LIST).content.decode()
    assert "The bill &lt;b&gt;runs&lt;/b&gt; away" in shown
    assert "editor@example.com" in shown


def test_keys_and_services_have_the_same_switch(catalogue, actor, owner, signed_in):
    service, _ = add_service(actor)
    browser = signed_in(owner)
    for scope, target, page in (
        ("key", catalogue.key.pk, reverse("keys:detail", args=[catalogue.key.pk])),
        ("service", service.name, reverse("services:detail", args=[service.name])),
    ):
        address = f"{STOP}?scope={scope}&target={target}"
        assert address.replace("&", "&amp;") in browser.get(page).content.decode()

        browser.post(address, {"reason": WHY, "lifted_by_role": "owner"})

        assert "Stopped: see why" in browser.get(page).content.decode()


def test_while_everything_is_stopped_every_page_says_so(catalogue, owner, viewer, signed_in):
    signed_in(owner).post(f"{STOP}?scope=everything", {"reason": "Incident 7", "lifted_by_role": "owner"})

    for page in (reverse("overview"), reverse("aliases:list"), LIST):
        assert "All calls are stopped" in signed_in(viewer).get(page).content.decode()


def test_run_again_is_offered_to_those_who_may_and_works_once(catalogue, owner, editor, signed_in):
    stop = stop_traffic("everything", by=actor_of_person(owner), reason=WHY, lifted_by_role="owner")
    restart = reverse("switches:restart", args=[stop.pk])
    assert "Run again" not in signed_in(editor).get(LIST).content.decode()
    assert signed_in(editor).post(restart).status_code == 403
    browser = signed_in(owner)
    assert "Run again" in browser.get(LIST).content.decode()

    first, second = browser.post(restart), browser.post(restart, follow=True)

    assert first["Location"] == LIST
    assert "runs again already" in second.content.decode()
    assert not active_stops()
    assert "Earlier" in browser.get(LIST).content.decode()


def test_viewers_see_what_is_stopped_and_no_switch(catalogue, owner, viewer, signed_in):
    stop_traffic("provider", "sim", by=actor_of_person(owner), reason=WHY)
    browser = signed_in(viewer)

    page = browser.get(LIST).content.decode()

    assert "Stopped now" in page
    assert "Stop everything" not in page
    assert "Run again" not in page
    assert browser.get(f"{STOP}?scope=everything").status_code == 403
    assert browser.post(f"{STOP}?scope=everything", {"reason": "x", "lifted_by_role": "editor"}).status_code == 403


def test_an_editor_can_t_choose_a_role_above_their_own(catalogue, editor, signed_in):
    browser = signed_in(editor)

    answer = browser.post(f"{STOP}?scope=everything", {"reason": "x", "lifted_by_role": "owner"})

    assert answer.status_code == 422
    assert not Stop.objects.exists()


@pytest.mark.parametrize("query", ["", "?scope=galaxy", "?scope=provider&target=nobody", "?scope=key&target=%00"])
def test_an_address_that_names_nothing_is_404(catalogue, owner, signed_in, query):
    assert signed_in(owner).get(STOP + query).status_code == 404


def test_a_reason_is_needed(catalogue, owner, signed_in):
    answer = signed_in(owner).post(f"{STOP}?scope=everything", {"reason": "  ", "lifted_by_role": "editor"})

    assert answer.status_code == 422
    assert "Fill this in" in answer.content.decode()


def test_the_list_costs_the_same_with_many_switches(catalogue, actor, owner, signed_in, django_assert_max_num_queries):
    browser = signed_in(owner)
    for number in range(12):
        add_service(actor, name=f"service-{number}")
        stop_traffic("service", f"service-{number}", by=actor, reason=WHY)

    with django_assert_max_num_queries(14):
        browser.get(LIST)
