"""Calls that belong together go to the same target and key: by header, or by OpenAI's `prompt_cache_key`."""

from __future__ import annotations

import pytest

from tests.gateway.conftest import UPSTREAM_KEY, eventually

HELLO = [{"role": "user", "content": "Say hello"}]
CALLERS = [f"conversation {number}" for number in range(8)]


@pytest.fixture
def spread(live):
    """The setting, with the alias `safe` spread over both its models and two keys at their provider."""
    from llmadmin.accounts.actors import system_actor
    from llmadmin.catalog.models import Provider
    from llmadmin.config.services import change
    from llmadmin.routing.models import Alias
    from llmadmin.routing.services import update_alias
    from llmadmin.vault.services import add_key

    before = live.server.runtime.snapshot.version
    with change(by=system_actor("tests"), why="Spread the load"):
        add_key(Provider.objects.get(slug="sim"), label="second", api_key=UPSTREAM_KEY)
        update_alias(Alias.objects.get(name="safe"), strategy="weighted")
    eventually(lambda: live.server.runtime.snapshot.version > before)
    return live


def answered_by(setting, **options):
    """The model and the key that one call went to."""
    client = setting.client()
    headers = client.chat.completions.with_raw_response.create(model="safe", messages=HELLO, **options).headers
    return headers["x-llmadmin-model"], setting.record().key_id


@pytest.mark.parametrize(
    "belonging",
    [
        lambda text: {"extra_headers": {"x-llmadmin-affinity": text}},
        lambda text: {"prompt_cache_key": text},
    ],
    ids=["header", "prompt_cache_key"],
)
def test_calls_that_belong_together_go_to_one_model_and_key(spread, belonging):
    seen = {text: {answered_by(spread, **belonging(text)) for _ in range(3)} for text in CALLERS}

    assert all(len(places) == 1 for places in seen.values())
    assert len(set().union(*seen.values())) > 1


def test_they_move_on_while_their_target_fails_and_come_back(spread):
    together = {"extra_headers": {"x-llmadmin-affinity": "conversation 1"}}
    home, _ = answered_by(spread, **together)
    spread.simulator.set(home.removeprefix("sim/"), status=503)

    away, _ = answered_by(spread, **together)
    spread.simulator.set(home.removeprefix("sim/"))
    back, _ = answered_by(spread, **together)

    assert away != home
    assert back == home


def test_the_header_wins_over_the_body_and_streams_obey_it_too(spread):
    home, _ = answered_by(spread, extra_headers={"x-llmadmin-affinity": "conversation 1"})
    client = spread.client()

    models = set()
    for text in CALLERS:
        stream = client.chat.completions.with_raw_response.create(
            model="safe",
            messages=HELLO,
            stream=True,
            prompt_cache_key=text,
            extra_headers={"x-llmadmin-affinity": "conversation 1"},
        )
        list(stream.parse())
        models.add(stream.headers["x-llmadmin-model"])

    assert models == {home}
