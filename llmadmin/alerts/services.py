"""Changing webhooks, and bringing their messages on the way: written down first, sent until they are taken or given up."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from llmadmin.accounts.permissions import SERVICES_MANAGE, guard_confirmed
from llmadmin.alerts import sending
from llmadmin.alerts.messages import PUBLISHED, TEST, body_of
from llmadmin.alerts.models import Delivery, DeliveryState, Webhook
from llmadmin.alerts.signing import headers_of, is_current, new_secret, seal, unseal
from llmadmin.audit.actor import Actor
from llmadmin.audit.services import note
from llmadmin.config.models import ConfigVersion
from llmadmin.config.selectors import current_publication
from llmadmin.config.services import operate
from llmadmin.core.errors import ConflictError, InvalidError
from llmadmin.core.keyring import UnreadableError
from llmadmin.core.redaction import redact_text
from providers.addresses import AddressPolicy, AddressRefusedError

WAITS_S = (5, 30, 120, 600, 3600, 6 * 3600, 12 * 3600)
"""Between one try and the next; after the last one it is given up, about a day after the first."""
LEASE_S = 120
"""For so long a message belongs to the process that took it; if that dies, another one takes it then."""
MAX_URL_CHARS = 500
MAX_CATCH_UP = 500
KEPT = 1000
"""Finished messages kept for each webhook."""


def create_webhook(*, by: Actor, label: str, url: str) -> tuple[Webhook, str]:
    """A webhook and the secret that its messages are signed with, shown this once. It is told of versions from now on.

    Raises ForbiddenError, InvalidError, ConflictError.
    """
    hook, secret = Webhook(label=label.strip(), url=url.strip(), version_seen=0), new_secret()
    _check(hook)
    with operate(by=by, permission=SERVICES_MANAGE):
        guard_confirmed("add a webhook")
        hook.secret = seal(secret, webhook_id=hook.pk)
        hook.version_seen = current_publication()[0]
        _save(hook, is_new=True)
        note("create", "webhook", hook.label, after={"url": hook.url})
    return hook, secret


def update_webhook(hook: Webhook, *, by: Actor, label: str, url: str, enabled: bool) -> Webhook:
    """Raises ForbiddenError, InvalidError, ConflictError. One that is switched on again hears of versions from then on."""
    before = {"label": hook.label, "url": hook.url, "enabled": hook.enabled}
    was_off = not hook.enabled
    hook.label, hook.url, hook.enabled = label.strip(), url.strip(), enabled
    _check(hook)
    with operate(by=by, permission=SERVICES_MANAGE):
        if hook.url != before["url"]:
            guard_confirmed("send a webhook's messages elsewhere")
        if was_off and enabled:
            hook.version_seen = current_publication()[0]
        _save(hook)
        after = {"label": hook.label, "url": hook.url, "enabled": hook.enabled}
        note("update", "webhook", hook.label, before=before, after=after)
    return hook


def renew_secret(hook: Webhook, *, by: Actor) -> str:
    """A new secret, shown this once; messages are signed with it from the next try on."""
    secret = new_secret()
    with operate(by=by, permission=SERVICES_MANAGE):
        guard_confirmed("renew a webhook's secret")
        hook.secret = seal(secret, webhook_id=hook.pk)
        hook.save(update_fields=["secret"])
        note("rotate", "webhook", hook.label)
    return secret


def delete_webhook(hook: Webhook, *, by: Actor) -> None:
    with operate(by=by, permission=SERVICES_MANAGE):
        note("delete", "webhook", hook.label, before={"url": hook.url})
        hook.delete()


def send_test(hook: Webhook, *, by: Actor) -> Delivery:
    """Send a test message now and answer what became of it; it is not tried again."""
    with operate(by=by, permission=SERVICES_MANAGE):
        delivery = hook.deliveries.create(event=TEST, due_at=_later(LEASE_S))
        note("test", "webhook", hook.label)
    _try(delivery, is_last=True)
    return delivery


def redeliver(delivery: Delivery, *, by: Actor) -> None:
    """Have a message sent again, with all its tries."""
    with operate(by=by, permission=SERVICES_MANAGE):
        delivery.state, delivery.tries, delivery.due_at = DeliveryState.PENDING, 0, timezone.now()
        delivery.finished_at = None
        delivery.save(update_fields=["state", "tries", "due_at", "finished_at"])
        note("redeliver", "webhook", delivery.webhook.label, after={"version": delivery.version})


def write_down() -> int:
    """A message for each version that a webhook has not been told of; returns how many. Safe to repeat and to run twice."""
    written = 0
    for hook in Webhook.objects.filter(enabled=True, version_seen__lt=current_publication()[0]):
        with transaction.atomic():
            held = Webhook.objects.select_for_update().get(pk=hook.pk)
            numbers = list(
                ConfigVersion.objects.filter(number__gt=held.version_seen)
                .order_by("number")
                .values_list("number", flat=True)[:MAX_CATCH_UP]
            )
            now = timezone.now()
            rows = [Delivery(webhook=held, event=PUBLISHED, version=number, due_at=now) for number in numbers]
            Delivery.objects.bulk_create(rows, ignore_conflicts=True)
            if numbers:
                Webhook.objects.filter(pk=held.pk).update(version_seen=numbers[-1])
        written += len(numbers)
    return written


def deliver_due(*, most: int = 50) -> int:
    """Try the messages that are due, each by one process alone; returns how many were tried."""
    now = timezone.now()
    due = Delivery.objects.filter(state=DeliveryState.PENDING, due_at__lte=now, webhook__enabled=True)
    tried = 0
    for delivery in due.select_related("webhook").order_by("due_at")[:most]:
        free = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.PENDING, due_at=delivery.due_at)
        if free.update(due_at=_later(LEASE_S)):
            _try(delivery, is_last=delivery.tries >= len(WAITS_S))
            tried += 1
    return tried


def prune() -> int:
    """Delete finished messages beyond the last of each webhook; returns how many."""
    gone = 0
    for hook in Webhook.objects.all():
        finished = hook.deliveries.exclude(state=DeliveryState.PENDING).order_by("-created_at", "-id")
        old = list(finished.values_list("pk", flat=True)[KEPT : KEPT + 1000])
        gone += Delivery.objects.filter(pk__in=old).delete()[0]
    return gone


def reencrypt_webhooks() -> int:
    """Move readable secrets to the current encryption key and return how many moved. Safe to repeat, beside the server."""
    moved = 0
    for hook in _on_other_keys():
        try:
            secret = unseal(hook.secret, webhook_id=hook.pk)
        except UnreadableError:
            continue
        unchanged = Webhook.objects.filter(pk=hook.pk, secret=hook.secret)
        moved += unchanged.update(secret=seal(secret, webhook_id=hook.pk))
    return moved


def count_elsewhere() -> int:
    """How many secrets do not stand on the current encryption key."""
    return len(_on_other_keys())


def _on_other_keys() -> list[Webhook]:
    return [hook for hook in Webhook.objects.order_by("pk") if not is_current(hook.secret)]


def _try(delivery: Delivery, *, is_last: bool) -> None:
    """Send it once and write down what became of it."""
    hook = delivery.webhook
    try:
        secret = unseal(hook.secret, webhook_id=hook.pk)
    except UnreadableError as problem:
        _settle(delivery, sending.Result(None, f"The secret can't be read. {problem} Renew it."), is_last=True)
        return
    body = body_of(delivery)
    signed = headers_of(secret, message_id=str(delivery.pk), timestamp=int(timezone.now().timestamp()), body=body)
    _settle(delivery, sending.post(hook.url, body, headers=signed), is_last=is_last)


def _settle(delivery: Delivery, result: sending.Result, *, is_last: bool) -> None:
    delivery.tries += 1
    delivery.status, delivery.answer = result.status, redact_text(result.words)[:300]
    if result.was_taken or is_last:
        delivery.state = DeliveryState.DELIVERED if result.was_taken else DeliveryState.FAILED
        delivery.finished_at = timezone.now()
    else:
        delivery.due_at = _later(WAITS_S[min(delivery.tries, len(WAITS_S)) - 1])
    delivery.save(update_fields=["tries", "status", "answer", "state", "finished_at", "due_at"])


def _later(seconds: float) -> dt.datetime:
    return timezone.now() + dt.timedelta(seconds=seconds)


def _save(hook: Webhook, *, is_new: bool = False) -> None:
    try:
        with transaction.atomic():
            hook.save(force_insert=is_new)
    except IntegrityError:
        raise ConflictError(
            f"There is a webhook called {hook.label!r} already.", fields={"label": "Choose another name."}
        ) from None


def _check(hook: Webhook) -> None:
    if not hook.label or len(hook.label) > 120 or not hook.label.isprintable():
        raise InvalidError.of(label="Give it a name of 1 to 120 characters.")
    sentence = "Give the whole address, such as https://hooks.example.com/llmadmin."
    try:
        parts = urlsplit(hook.url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidError.of(url=sentence) from None
    if parts.scheme not in ("http", "https") or not host or len(hook.url) > MAX_URL_CHARS or not hook.url.isprintable():
        raise InvalidError.of(url=sentence)
    if parts.username or parts.password:
        raise InvalidError.of(url="Leave name and password out of the address: messages carry a signature instead.")
    try:
        AddressPolicy(allow_private=settings.ALLOW_PRIVATE_ADDRESSES).check_host(host)
    except AddressRefusedError as refused:
        raise InvalidError.of(url=str(refused)) from None
