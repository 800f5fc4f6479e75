"""The config of a server, and the last known one when the server is away."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from providers.client import ConfigAccessError, ConfigClient, ConfigUnavailableError, EncryptedStore
from tests.providers.upstream import Upstream

DOCUMENT = {
    "version": 7,
    "published_at": "2026-01-01T00:00:00Z",
    "default_model": None,
    "providers": {
        "lab": {
            "kind": "local",
            "base_url": "http://127.0.0.1:9/v1",
            "keys": [{"id": "k1", "label": "prod", "weight": 1, "api_key": "test-key-alpha"}],
        }
    },
    "models": {},
    "aliases": {},
    "agents": {},
}
SERVICE_KEY = "test-service-key"


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def store(tmp_path: Path) -> EncryptedStore:
    return EncryptedStore(tmp_path / "kept" / "config", key=SERVICE_KEY, bound_to="http://server")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(upstream: Upstream, store: EncryptedStore, clock: Clock) -> ConfigClient:
    return ConfigClient(upstream.base_url, SERVICE_KEY, store=store, max_age_s=3_600, timeout_s=5, now_s=clock)


def test_the_config_is_fetched_with_the_service_key(upstream: Upstream, client: ConfigClient):
    upstream.answer(200, DOCUMENT)

    config = client.fetch()

    assert config.version == 7
    assert config.providers["lab"].api_key == "test-key-alpha"
    assert upstream.seen[0].path == "/api/v1/config/"
    assert upstream.seen[0].headers["authorization"] == f"Bearer {SERVICE_KEY}"


def test_an_unchanged_config_is_not_sent_again(upstream: Upstream, client: ConfigClient):
    upstream.answer(200, json.dumps(DOCUMENT), headers={"etag": '"v7"'})
    upstream.answer(304)
    client.fetch()

    config = client.fetch()

    assert config.version == 7
    assert client.age_s == 0
    assert upstream.seen[1].headers["if-none-match"] == '"v7"'


@pytest.mark.parametrize("status", [500, 503, 429, 302, 404])
def test_g19_a_server_that_fails_leaves_the_last_known_config(
    upstream: Upstream, client: ConfigClient, clock: Clock, status
):
    upstream.answer(200, DOCUMENT)
    upstream.answer(status, b"")
    client.fetch()
    clock.seconds += 60

    config = client.fetch()

    assert config.version == 7
    assert client.age_s == 60


def test_g19_a_server_that_is_gone_leaves_the_last_known_config(upstream: Upstream, client: ConfigClient, store, clock):
    upstream.answer(200, DOCUMENT)
    client.fetch()
    elsewhere = ConfigClient("http://127.0.0.1:1", SERVICE_KEY, store=store, timeout_s=5, now_s=clock)

    assert elsewhere.fetch().version == 7


def test_an_answer_that_is_no_config_leaves_the_last_known_one(upstream: Upstream, client: ConfigClient):
    upstream.answer(200, DOCUMENT)
    upstream.answer(200, b"<html>maintenance</html>")
    upstream.answer(200, {"providers": []})
    client.fetch()

    assert [client.fetch().version for _ in range(2)] == [7, 7]


def test_a_last_known_config_has_a_maximum_age(upstream: Upstream, client: ConfigClient, clock: Clock, store):
    upstream.answer(200, DOCUMENT)
    upstream.answer(503, b"")
    client.fetch()
    clock.seconds += 3_601

    with pytest.raises(ConfigUnavailableError, match="no earlier config is kept"):
        client.fetch()

    assert not store.path.exists()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_the_kept_config(upstream: Upstream, client: ConfigClient, store: EncryptedStore, status):
    upstream.answer(200, DOCUMENT)
    upstream.answer(status, b"")
    client.fetch()

    with pytest.raises(ConfigAccessError, match="LLMADMIN_SERVICE_KEY"):
        client.fetch()

    assert not store.path.exists()


def test_what_is_kept_is_encrypted_and_for_its_owner_only(
    upstream: Upstream, client: ConfigClient, store: EncryptedStore
):
    upstream.answer(200, DOCUMENT)
    client.fetch()

    blob = store.path.read_bytes()

    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert b"test-key-alpha" not in blob
    assert b"lab" not in blob
    assert list(store.path.parent.iterdir()) == [store.path]


def test_what_is_kept_opens_with_its_own_key_and_server_only(
    upstream: Upstream, client: ConfigClient, store: EncryptedStore
):
    upstream.answer(200, DOCUMENT)
    client.fetch()

    assert store.load() is not None
    assert EncryptedStore(store.path, key="another-key", bound_to="http://server").load() is None
    assert EncryptedStore(store.path, key=SERVICE_KEY, bound_to="http://other").load() is None
    store.path.write_bytes(store.path.read_bytes()[:-1])
    assert store.load() is None


def test_a_folder_that_cannot_be_written_does_not_stop_the_service(upstream: Upstream, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    store = EncryptedStore(tmp_path / "file" / "config", key=SERVICE_KEY, bound_to="x")
    upstream.answer(200, DOCUMENT)

    assert ConfigClient(upstream.base_url, SERVICE_KEY, store=store).fetch().version == 7


def test_the_key_is_in_no_error(client: ConfigClient, upstream: Upstream):
    upstream.answer(401, b"")

    with pytest.raises(ConfigAccessError) as caught:
        client.fetch()

    assert SERVICE_KEY not in str(caught.value)
