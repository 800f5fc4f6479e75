"""Where private addresses are not allowed, no call reaches one, whatever the config says."""

from __future__ import annotations

import httpx
import pytest


@pytest.fixture
def strict(settings):
    settings.ALLOW_PRIVATE_ADDRESSES = False


def test_a_private_address_is_refused_after_resolution(strict, live):
    live.simulator.app.seen.clear()

    answer = httpx.post(
        f"{live.server.gateway_url}/chat/completions",
        json={"model": "only", "messages": [{"role": "user", "content": "hi"}]},
        headers=live.bearer(),
    )

    assert answer.status_code == 502
    assert "private address" in answer.json()["error"]["message"]
    assert live.simulator.app.seen == []


def test_every_process_takes_the_policy_of_the_settings(settings):
    from django.apps import apps

    from providers.transport import get_address_policy, set_address_policy

    before = get_address_policy()
    settings.ALLOW_PRIVATE_ADDRESSES = False
    apps.get_app_config("gateway").ready()
    taken = get_address_policy()
    set_address_policy(before)

    assert taken.allow_private is False
