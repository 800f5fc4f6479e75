"""Webhooks: signed, one message for each version, tried until taken, lost by no crash."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from dataclasses import replace

import pytest
import time_machine
from django.test import override_settings
from django.utils import timezone

from llmadmin.accounts.actors import actor_of_person, command_actor
from llmadmin.alerts import services
from llmadmin.alerts.models import Delivery, Webhook
from llmadmin.audit.models import AuditEntry
from llmadmin.config.selectors import latest
from llmadmin.config.services import change
from llmadmin.core import sealed
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError, UnconfirmedError
from llmadmin.routing.services import create_alias
from llmadmin.vault.reencryption import begin, walk

ME = command_actor()


@pytest.fixture
def hook(catalogue, receiver) -> Webhook:
    made, made.plaintext = services.create_webhook(by=ME, label="Ops", url=receiver.url)
    return made


def _publish(name: str, why: str = "Because") -> int:
    with change(by=ME, why=why) as made:
        create_alias(name=name, targets=[{"model": "sim/alpha"}])
    return made.version


def _deliver() -> int:
    services.write_down()
    return services.deliver_due()


def _signature(secret: str, message) -> str:
    """Computed anew from the specification, not by the code under test."""
    signed = b".".join(
        (message.headers["webhook-id"].encode(), message.headers["webhook-timestamp"].encode(), message.body)
    )
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def test_each_version_is_told_once_with_who_why_and_what(hook, receiver):
    first, second = _publish("one", "A first"), _publish("two")

    assert _deliver() == 2
    assert _deliver() == 0

    told = [json.loads(message.body) for message in receiver.messages]
    assert sorted(one["data"]["version"] for one in told) == [first, second]
    body = next(one for one in told if one["data"]["version"] == first)
    assert body["type"] == "config.published"
    assert body["data"]["why"] == "A first"
    assert body["data"]["by"] == ME.label
    assert {"object": "alias", "name": "one", "op": "create"} in body["data"]["changes"]
    assert len(body["data"]["hash"]) == 64
    assert {one.state for one in Delivery.objects.all()} == {"delivered"}


def test_a_message_is_signed_over_id_time_and_body(hook, receiver):
    _publish("one")
    _deliver()

    message = receiver.messages[0]
    assert message.headers["webhook-signature"] == _signature(hook.plaintext, message)
    assert message.headers["webhook-id"] == str(Delivery.objects.get().pk)
    assert abs(int(message.headers["webhook-timestamp"]) - timezone.now().timestamp()) < 60


def test_versions_from_before_the_webhook_are_not_told(hook, receiver):
    assert latest().number > 0
    assert _deliver() == 0
    assert receiver.messages == []


def test_a_refused_message_is_tried_again_later_with_the_same_id_and_then_taken(hook, receiver):
    receiver.status, receiver.answer = 503, b"Busy <b>\x00"
    _publish("one")
    _deliver()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.tries, delivery.status, delivery.answer) == ("pending", 1, 503, "Busy <b>")
    assert services.deliver_due() == 0

    receiver.status = 200
    with time_machine.travel(timezone.now() + dt.timedelta(seconds=services.WAITS_S[0] + 1)):
        assert services.deliver_due() == 1

    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("delivered", 2)
    first, second = receiver.messages
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_what_nobody_takes_is_given_up_after_the_last_try_and_can_be_sent_again(hook, receiver):
    receiver.status = 500
    _publish("one")
    services.write_down()
    moment = timezone.now()
    for _ in range(20):
        with time_machine.travel(moment, tick=False):
            services.deliver_due()
        moment += dt.timedelta(hours=13)

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.tries) == ("failed", len(services.WAITS_S) + 1)
    assert len(receiver.messages) == delivery.tries

    receiver.status = 200
    services.redeliver(delivery, by=ME)
    services.deliver_due()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("delivered", 1)


def test_a_message_that_another_process_has_taken_is_left_to_it_until_its_lease_is_over(hook, receiver):
    _publish("one")
    services.write_down()
    Delivery.objects.update(due_at=timezone.now() + dt.timedelta(seconds=services.LEASE_S))

    assert services.deliver_due() == 0
    with time_machine.travel(timezone.now() + dt.timedelta(seconds=services.LEASE_S + 1)):
        assert services.deliver_due() == 1


def test_a_server_that_is_away_a_redirect_and_a_refused_address_are_told_apart(hook, receiver):
    receiver.status, receiver.headers = 302, {"location": receiver.url}
    assert services.send_test(hook, by=ME).status == 302
    assert len(receiver.messages) == 1

    Webhook.objects.update(url="http://127.0.0.1:9/none")
    hook.refresh_from_db()
    away = services.send_test(hook, by=ME)
    assert (away.state, away.status) == ("failed", None)
    assert away.answer

    with override_settings(ALLOW_PRIVATE_ADDRESSES=False):
        assert "private address" in services.send_test(hook, by=ME).answer


def test_a_switched_off_webhook_is_told_nothing_and_later_only_what_comes_then(hook, receiver):
    services.update_webhook(hook, by=ME, label="Ops", url=hook.url, enabled=False)
    _publish("one")
    assert _deliver() == 0

    services.update_webhook(hook, by=ME, label="Ops", url=hook.url, enabled=True)
    third = _publish("two")
    _deliver()

    assert [json.loads(one.body)["data"]["version"] for one in receiver.messages] == [third]


def test_a_test_message_is_signed_too_and_tried_once(hook, receiver):
    receiver.status = 500
    delivery = services.send_test(hook, by=ME)

    assert (delivery.state, delivery.tries) == ("failed", 1)
    assert receiver.messages[0].headers["webhook-signature"] == _signature(hook.plaintext, receiver.messages[0])
    assert json.loads(receiver.messages[0].body)["type"] == "webhook.test"


def test_a_new_secret_signs_from_then_on(hook, receiver):
    secret = services.renew_secret(hook, by=ME)
    services.send_test(hook, by=ME)

    assert secret != hook.plaintext
    assert receiver.messages[0].headers["webhook-signature"] == _signature(secret, receiver.messages[0])


def test_g9_the_secret_is_encrypted_and_stands_in_no_message_or_audit_entry(hook, receiver):
    key = hook.plaintext.removeprefix("whsec_")
    services.send_test(hook, by=ME)

    assert key.encode() not in bytes(Webhook.objects.get().secret)
    assert key not in json.dumps(list(AuditEntry.objects.values("before", "after", "why")), default=str)
    assert key not in receiver.messages[0].body.decode() + str(receiver.messages[0].headers)


def test_g7_secrets_move_to_a_new_encryption_key(hook, receiver, settings):
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = base64.urlsafe_b64encode(b"n" * 32).decode() + "," + old

    assert services.reencrypt_webhooks() == 1
    assert services.reencrypt_webhooks() == 0

    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS.split(",")[0]
    assert services.send_test(Webhook.objects.get(), by=ME).state == "delivered"
    settings.ENCRYPTION_KEYS = old
    assert "can't be read" in services.send_test(Webhook.objects.get(), by=ME).answer


@pytest.mark.parametrize(
    ("label", "url", "field"),
    [
        ("", "https://a.test/", "label"),
        ("x" * 121, "https://a.test/", "label"),
        ("a", "ftp://a.test/", "url"),
        ("a", "https://", "url"),
        ("a", "https://a.test:99999/", "url"),
        ("a", "https://a.test/" + "x" * 500, "url"),
        ("a", "https://user:word@a.test/", "url"),
        ("a", "http://169.254.169.254/latest", "url"),
        ("a", "https://a.test/\nx", "url"),
    ],
)
def test_what_can_be_no_webhook_is_refused_at_its_field(catalogue, label, url, field):
    with pytest.raises(InvalidError) as refused:
        services.create_webhook(by=ME, label=label, url=url)
    assert field in refused.value.fields
    assert not Webhook.objects.exists()


def test_names_are_taken_once(hook):
    with pytest.raises(ConflictError):
        services.create_webhook(by=ME, label="Ops", url="https://a.test/")


def test_editors_manage_no_webhooks(hook, editor):
    by = actor_of_person(editor)
    for act in (
        lambda: services.create_webhook(by=by, label="Mine", url="https://a.test/"),
        lambda: services.renew_secret(hook, by=by),
        lambda: services.delete_webhook(hook, by=by),
        lambda: services.send_test(hook, by=by),
    ):
        with pytest.raises(ForbiddenError):
            act()
    assert Webhook.objects.count() == 1


def test_old_finished_messages_are_forgotten_and_waiting_ones_kept(hook, receiver, monkeypatch):
    monkeypatch.setattr(services, "KEPT", 2)
    for number in range(4):
        _publish(f"a{number}")
        _deliver()
    _publish("last")
    services.write_down()

    assert services.prune() == 2
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["delivered", "delivered", "pending"]


def test_two_processes_at_once_send_a_message_once(hook, receiver, monkeypatch):
    _publish("one")
    services.write_down()
    post = services.sending.post

    def post_while_another_process_looks(*args, **kwargs):
        monkeypatch.setattr(services.sending, "post", post)
        assert services.deliver_due() == 0
        return post(*args, **kwargs)

    monkeypatch.setattr(services.sending, "post", post_while_another_process_looks)

    assert services.deliver_due() == 1
    assert len(receiver.messages) == 1


def test_a_version_whose_message_was_forgotten_is_not_told_again(hook, receiver):
    _publish("one")
    _deliver()
    Delivery.objects.all().delete()

    assert _deliver() == 0


def test_what_waits_for_a_switched_off_webhook_goes_on_waiting(hook, receiver):
    _publish("one")
    services.write_down()
    services.update_webhook(hook, by=ME, label="Ops", url=hook.url, enabled=False)

    assert services.deliver_due() == 0
    assert Delivery.objects.get().state == "pending"


def test_a_redirect_is_not_taken_for_a_yes(hook, receiver):
    receiver.status = 302

    assert services.send_test(hook, by=ME).state == "failed"


def test_a_receiver_that_says_the_secret_back_does_not_get_it_into_our_pages(hook, receiver):
    receiver.status, receiver.answer = 200, f"you sent {hook.plaintext}".encode()

    answer = services.send_test(hook, by=ME).answer

    assert answer.startswith("you sent")
    assert hook.plaintext not in answer


def test_where_messages_go_is_changed_by_people_who_just_proved_who_they_are(hook, owner):
    by = replace(actor_of_person(owner), is_fresh=False)

    for act in (
        lambda: services.create_webhook(by=by, label="Mine", url="https://a.test/"),
        lambda: services.renew_secret(hook, by=by),
        lambda: services.update_webhook(hook, by=by, label="Ops", url="https://a.test/", enabled=True),
    ):
        with pytest.raises(UnconfirmedError):
            act()


def test_g7_rotating_the_encryption_key_takes_webhook_secrets_along(hook, settings):
    settings.ENCRYPTION_KEYS = base64.urlsafe_b64encode(b"n" * 32).decode() + "," + settings.ENCRYPTION_KEYS

    before = sealed.elsewhere()

    walk(begin(by="a test"))

    assert before == {"webhook secrets": 1}
    assert sealed.elsewhere() == {}
    assert services.reencrypt_webhooks() == 0


def test_before_anything_was_published_there_is_nothing_to_tell(db):
    assert services.write_down() == 0
