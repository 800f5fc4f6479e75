"""Pages of webhooks: added with a secret shown once, tried, watched, sent again."""

from __future__ import annotations

import json
import re

import pytest
from django.urls import reverse

from llmadmin.accounts.actors import command_actor
from llmadmin.alerts import services
from llmadmin.alerts.models import Delivery, Webhook
from tests.alerts.conftest import receiver

__all__ = ["receiver"]

LIST = "/webhooks/"


@pytest.fixture
def hook(catalogue, receiver) -> Webhook:
    return services.create_webhook(by=command_actor(), label="Ops <b>", url=receiver.url)[0]


def test_a_webhook_is_added_and_its_secret_shown_on_that_answer_alone(catalogue, receiver, owner, signed_in):
    browser = signed_in(owner)
    assert "No webhook yet" in browser.get(LIST).content.decode()

    answer = browser.post(reverse("webhooks:add"), {"label": "Ops", "url": receiver.url})

    secret = re.search(r"whsec_[A-Za-z0-9+/=]{40,}", answer.content.decode())
    assert secret is not None
    assert answer["Cache-Control"].startswith("max-age=0")
    detail = reverse("webhooks:detail", args=[Webhook.objects.get().pk])
    assert secret.group() not in browser.get(detail).content.decode()
    assert "Ops" in browser.get(LIST).content.decode()


def test_a_test_says_whether_it_was_taken(hook, receiver, owner, signed_in):
    browser = signed_in(owner)
    test = reverse("webhooks:test", args=[hook.pk])

    assert "taken with status 204" in browser.post(test, follow=True).content.decode()
    receiver.status, receiver.answer = 500, b"<script>steal(7)</script>"
    refused = browser.post(test, follow=True).content.decode()

    assert "It answered 500" in refused
    assert "&lt;script&gt;steal(7)" in refused
    assert "Ops &lt;b&gt;" in refused


def test_a_message_given_up_is_sent_again(hook, receiver, owner, signed_in):
    given_up = hook.deliveries.create(
        event="config.published", version=1, state="failed", tries=8, due_at=hook.created_at, status=500
    )
    browser = signed_in(owner)
    again = reverse("webhooks:redeliver", args=[hook.pk, given_up.pk])
    assert again in browser.get(reverse("webhooks:detail", args=[hook.pk])).content.decode()

    browser.post(again)
    services.deliver_due()

    assert Delivery.objects.get(pk=given_up.pk).state == "delivered"
    assert json.loads(receiver.messages[0].body)["data"]["version"] == 1


def test_it_is_edited_renewed_and_deleted(hook, owner, signed_in):
    browser = signed_in(owner)
    edit = reverse("webhooks:edit", args=[hook.pk])

    browser.post(edit, {"label": "Night shift", "url": "https://hooks.example.com/a"})
    renewed = browser.post(reverse("webhooks:secret", args=[hook.pk])).content.decode()

    hook.refresh_from_db()
    assert (hook.label, hook.url, hook.enabled) == ("Night shift", "https://hooks.example.com/a", False)
    assert "whsec_" in renewed
    assert browser.post(edit, {"label": "x", "url": "nowhere"}).status_code == 422
    browser.post(reverse("webhooks:delete", args=[hook.pk]))
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("role", ["editor", "viewer"])
def test_those_who_manage_no_services_see_none_of_it(hook, request, signed_in, role):
    browser = signed_in(request.getfixturevalue(role))

    assert browser.get(LIST).status_code == 403
    assert browser.post(reverse("webhooks:test", args=[hook.pk])).status_code == 403
    assert "/webhooks/" not in browser.get(reverse("settings:page")).content.decode()
