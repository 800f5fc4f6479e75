"""Which key a call really goes over: its end, its models, its limits, and what the caller hears where none is left."""

from __future__ import annotations

import datetime as dt
import time

import openai
import pytest

from tests.gateway.conftest import UPSTREAM_KEY, eventually

HELLO = [{"role": "user", "content": "Say hello"}]
SECOND_KEY = "test-key-upstream-beta"


@pytest.fixture
def upstream(live):
    """How many calls each key was used for; both are accepted."""
    live.simulator.app.accept(SECOND_KEY)
    live.simulator.app.calls_by_key.clear()
    yield live.simulator.app.calls_by_key
    live.simulator.app.accept(UPSTREAM_KEY)


def test_an_expired_key_is_not_taken_from_that_second_on_without_a_new_version(live, upstream):
    from django.utils import timezone

    ends_at = timezone.now() + dt.timedelta(seconds=3)
    _second_key(live, weight=1)
    _change_main(live, expires_at=ends_at, weight=1000)
    version = live.server.runtime.snapshot.version

    while timezone.now() < ends_at:
        assert _call(live)
    over_main = upstream[UPSTREAM_KEY]
    for _ in range(30):
        assert _call(live)

    assert over_main > 0
    assert upstream[UPSTREAM_KEY] == over_main
    assert live.server.runtime.snapshot.version == version


def test_the_plan_itself_ends_with_the_key_even_if_nobody_looks_at_the_database(live, upstream):
    """A snapshot that was loaded before the end is not asked to know better."""
    from django.utils import timezone

    _second_key(live)
    _change_main(live, expires_at=timezone.now() + dt.timedelta(hours=1), weight=1000)
    snapshot = live.server.runtime.snapshot
    planned = {key.label: key for key in snapshot.keys_for(snapshot.providers["sim"], "sim")}

    assert planned["main"].expires_s == pytest.approx(time.time() + 3600, abs=30)
    assert planned["second"].expires_s is None


def test_a_key_is_used_for_its_models_only(live, upstream):
    _second_key(live, allowed_models=["sim-small"])
    _change_main(live, allowed_models=["sim-large"])

    for model in ("sim/sim-small", "sim/sim-large", "sim/sim-small") * 6:
        assert _call(live, model=model)

    assert dict(upstream) == {SECOND_KEY: 12, UPSTREAM_KEY: 6}


def test_a_model_that_no_key_is_for_says_so_and_the_provider_is_not_asked(live, upstream):
    _change_main(live, allowed_models=["sim-large"])

    with pytest.raises(openai.APIStatusError, match="No API key of sim may be used for sim-small"):
        _call(live)

    assert not upstream


def test_a_provider_whose_keys_wait_to_be_entered_is_not_asked_without_one(live, upstream):
    from llmadmin.catalog.selectors import get_provider
    from llmadmin.vault.services import lock_keys

    with _change():
        lock_keys(get_provider("sim"), after="http://elsewhere.example:80")
    _taken_up(live, lambda snapshot: not snapshot.sealed.get("sim"))

    with pytest.raises(openai.APIStatusError, match="'main' of sim waits to be entered again"):
        _call(live)
    assert not upstream


def test_a_key_at_its_limit_is_passed_over_and_without_another_the_caller_is_told_when(live, upstream):
    _change_main(live, calls_per_minute=3)
    _second_key(live, calls_per_minute=2)

    for _ in range(5):
        assert _call(live)
    with pytest.raises(openai.RateLimitError, match="at the limit that was set for it") as refused:
        _call(live)

    assert dict(upstream) == {UPSTREAM_KEY: 3, SECOND_KEY: 2}
    assert 0 < int(refused.value.response.headers["retry-after"]) <= 60


def test_tokens_of_streams_count_against_a_keys_limit(live, upstream):
    _change_main(live, tokens_per_minute=10, weight=1000)
    _second_key(live)

    for _ in range(3):
        with live.client().chat.completions.create(model="only", messages=HELLO, stream=True) as stream:
            assert list(stream)

    assert upstream[UPSTREAM_KEY] == 1
    assert upstream[SECOND_KEY] == 2


def test_a_draining_key_waits_behind_the_others_and_stands_by(live, upstream):
    from llmadmin.vault.services import set_state

    _second_key(live)
    with _change():
        set_state(_main(), "draining")
    _taken_up(live, lambda snapshot: {key.state for key in snapshot.sealed["sim"]} == {"draining", "active"})

    for _ in range(10):
        assert _call(live)
    live.simulator.app.refuse(SECOND_KEY)
    assert _call(live)
    live.simulator.app.accept(SECOND_KEY)

    assert upstream[SECOND_KEY] == 10
    assert upstream[UPSTREAM_KEY] == 1


def test_services_that_run_on_the_config_are_told_the_same(live):
    import httpx
    from django.utils import timezone

    ends_at = timezone.now() + dt.timedelta(days=3)
    _change_main(live, allowed_models=["sim-small"], calls_per_minute=7, tokens_per_minute=9, expires_at=ends_at)

    answer = httpx.get(f"{live.server.url}/api/v1/config/", headers=live.bearer(live.secrets_key)).json()

    (key,) = answer["providers"]["sim"]["keys"]
    told = {name: key[name] for name in ("allowed_models", "calls_per_minute", "tokens_per_minute", "api_key")}
    assert told == {
        "allowed_models": ["sim-small"],
        "calls_per_minute": 7,
        "tokens_per_minute": 9,
        "api_key": UPSTREAM_KEY,
    }
    assert dt.datetime.fromisoformat(key["expires_at"]) == ends_at


def test_a_key_in_a_file_is_taken_up_when_it_changes_and_its_new_ending_is_shown(live, upstream, tmp_path, settings):
    from llmadmin.vault.services import rotate_key

    (tmp_path / "sim").write_text(UPSTREAM_KEY)
    settings.KEY_SOURCES = f"file:{tmp_path}/*"
    with _change():
        rotate_key(_main(), source_ref=f"file:{tmp_path}/sim")
    _taken_up(live, lambda snapshot: bool(snapshot.sealed["sim"][0].source_ref))
    assert _call(live)

    (tmp_path / "sim").write_text(SECOND_KEY)
    assert _call(live)
    live.server.runtime._note_used()

    assert dict(upstream) == {UPSTREAM_KEY: 1, SECOND_KEY: 1}
    eventually(lambda: _main().last4 == SECOND_KEY[-4:])


@pytest.mark.redis
def test_servers_share_the_load_of_a_key_through_redis():
    import uuid

    from django.conf import settings

    from llmadmin.gateway.key_loads import KeyLoads
    from providers.quotas import Load

    if not settings.REDIS_URL:
        pytest.skip("There is no Redis here.")
    key_id = uuid.uuid4().hex
    one, other = KeyLoads(), KeyLoads()

    assert one.exchange({key_id: Load(3, 100)}) == {key_id: Load()}
    assert other.exchange({key_id: Load(4, 50)}) == {key_id: Load(3, 100)}
    assert one.exchange({key_id: Load(5, 100)}) == {key_id: Load(4, 50)}


# Steps


def _call(live, *, model="only"):
    return live.client().chat.completions.create(model=model, messages=HELLO)


def _second_key(live, **fields):
    from llmadmin.catalog.selectors import get_provider
    from llmadmin.vault.services import add_key

    with _change():
        key = add_key(get_provider("sim"), label="second", api_key=SECOND_KEY, **fields)
    _taken_up(live, lambda snapshot: str(key.pk) in snapshot.keys_by_id)


def _change_main(live, **fields):
    from llmadmin.vault.services import update_key

    key = _main()
    before = live.server.runtime.snapshot.revision
    with _change():
        update_key(key, **fields)
    _taken_up(live, lambda snapshot: snapshot.revision > before)


def _main():
    from llmadmin.vault.models import ApiKey

    return ApiKey.objects.select_related("provider").get(label="main")


def _taken_up(live, is_so) -> None:
    eventually(lambda: is_so(live.server.runtime.snapshot))


def _change():
    from llmadmin.accounts.actors import system_actor
    from llmadmin.config.services import change

    return change(by=system_actor("tests"), why="For a test")
