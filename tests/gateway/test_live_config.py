"""`GET /api/v1/config/` and `GET /api/v1/resolve/` for service keys."""

from __future__ import annotations

import threading
import time

import httpx
import pytest

from tests.gateway.conftest import UPSTREAM_KEY, eventually


def _config(live, key: str, *, etag: str | None = None, wait: str = "") -> httpx.Response:
    headers = live.bearer(key) | ({"If-None-Match": etag} if etag else {})
    return httpx.get(f"{live.server.url}/api/v1/config/{wait}", headers=headers, timeout=40)


def _resolve(live, key: str, query: str) -> httpx.Response:
    return httpx.get(f"{live.server.url}/api/v1/resolve/?{query}", headers=live.bearer(key))


def _publish_alias(name: str) -> None:
    from llmadmin.accounts.actors import system_actor
    from llmadmin.config.services import change
    from llmadmin.routing.services import create_alias

    with change(by=system_actor("tests")):
        create_alias(name=name, targets=[{"model": "sim/sim-small"}])


def test_the_document_is_what_was_published(live):
    from llmadmin.config.selectors import latest

    answer = _config(live, live.reader_key)

    assert answer.status_code == 200
    assert answer.json() == latest().document
    assert answer.headers["x-llmadmin-config-version"] == str(latest().number)
    assert answer.headers["vary"] == "Authorization"


def test_a_second_read_with_the_etag_is_304(live):
    etag = _config(live, live.reader_key).headers["etag"]

    again = _config(live, live.reader_key, etag=etag)

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


@pytest.mark.parametrize("form", ["W/{etag}", '"other", {etag}', "*"])
def test_other_forms_of_the_etag_match_too(live, form):
    etag = _config(live, live.reader_key).headers["etag"]

    assert _config(live, live.reader_key, etag=form.format(etag=etag)).status_code == 304


def test_keys_are_shown_with_the_scope_for_secrets_only(live):
    plain, secret = _config(live, live.reader_key), _config(live, live.secrets_key)

    assert UPSTREAM_KEY not in plain.text
    assert secret.json()["providers"]["sim"]["keys"][0]["api_key"] == UPSTREAM_KEY
    assert secret.headers["cache-control"] == "no-store"
    assert plain.headers["etag"] != secret.headers["etag"]


def test_each_answer_that_holds_keys_is_audited(live):
    from llmadmin.audit.models import AuditEntry

    etag = _config(live, live.secrets_key).headers["etag"]
    _config(live, live.secrets_key, etag=etag)
    _config(live, live.reader_key)

    entries = AuditEntry.objects.filter(action="read_secrets")
    assert [entry.actor_label for entry in entries] == ["keeper"]


def test_secrets_are_not_kept_in_memory_as_text(live):
    _config(live, live.secrets_key)

    kept = [document.body for document in live.server.runtime.snapshot.documents.values()]
    assert kept
    assert all(UPSTREAM_KEY.encode() not in body for body in kept)


def test_a_limited_key_sees_what_its_aliases_need(live):
    document = _config(live, live.limited_key).json()

    assert list(document["aliases"]) == ["only"]
    assert list(document["models"]) == ["sim/sim-small"]
    assert document["agents"] == {}
    assert list(document["providers"]) == ["sim"]


def test_without_the_scope_it_is_403_in_the_api_s_form(live):
    answer = _config(live, live.key)

    assert answer.status_code == 403
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]
    assert set(answer.json()["error"]) == {"type", "code", "message", "request_id"}


def test_a_bad_key_is_401(live):
    assert _config(live, "lla_nobody").status_code == 401


def test_a_long_poll_answers_as_soon_as_something_changes(live):
    etag = _config(live, live.reader_key).headers["etag"]
    answers: list[tuple[float, httpx.Response]] = []

    def poll() -> None:
        answer = _config(live, live.reader_key, etag=etag, wait="?wait=20")
        answers.append((time.monotonic(), answer))

    poller = threading.Thread(target=poll)
    poller.start()
    eventually(lambda: _polls() == 1)
    _publish_alias("brand-new")
    changed_at = time.monotonic()
    poller.join(10)

    answered_at, answer = answers[0]
    assert answer.status_code == 200
    assert "brand-new" in answer.json()["aliases"]
    assert answered_at - changed_at < 2


def test_a_new_service_key_is_no_change_of_the_document_and_ends_no_poll(live):
    etag = _config(live, live.reader_key).headers["etag"]
    runtime = live.server.runtime
    revision = runtime.snapshot.revision
    poller = threading.Thread(target=_config, args=(live, live.reader_key), kwargs={"etag": etag, "wait": "?wait=20"})
    poller.start()
    eventually(lambda: _polls() == 1)

    _issue_another_key()
    eventually(lambda: runtime.snapshot.revision > revision)
    poller.join(1)

    assert poller.is_alive()
    assert _polls() == 1
    _publish_alias("to-end-it")
    poller.join(10)
    assert not poller.is_alive()


def _issue_another_key() -> None:
    from llmadmin.accounts.actors import system_actor
    from llmadmin.accounts.services import create_service, issue_key
    from llmadmin.config.services import change

    with change(by=system_actor("tests")):
        issue_key(create_service(name="another", scopes=["gateway:call"]))


def test_a_poll_that_runs_out_is_304(live):
    etag = _config(live, live.reader_key).headers["etag"]

    assert _config(live, live.reader_key, etag=etag, wait="?wait=0.3").status_code == 304


def test_polls_are_capped_for_each_key(live, monkeypatch):
    from llmadmin.gateway import polls

    monkeypatch.setattr(polls, "MAX_FOR_KEY", 0)
    etag = _config(live, live.reader_key).headers["etag"]

    answer = _config(live, live.reader_key, etag=etag, wait="?wait=5")

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 5


def test_a_poller_who_hangs_up_gives_the_place_back(live):
    etag = _config(live, live.reader_key).headers["etag"]
    headers = live.bearer(live.reader_key) | {"If-None-Match": etag}

    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{live.server.url}/api/v1/config/?wait=20", headers=headers, timeout=0.5)

    eventually(lambda: _polls() == 0, within_s=3)


def _polls() -> int:
    from llmadmin.gateway import polls

    return polls._by_key.total()


@pytest.mark.parametrize(
    ("text", "wait_s"), [("30", 30), ("9999", 30), ("-1", 0), ("abc", 0), ("nan", 0), ("2.5", 2.5)]
)
def test_waits_are_bounded(text, wait_s):
    from llmadmin.gateway.polls import wait_of

    assert wait_of(text) == wait_s


def test_resolve_names_the_targets_in_their_order(live):
    answer = _resolve(live, live.reader_key, "alias=safe")

    body = answer.json()
    assert answer.status_code == 200
    assert (body["requested"], body["version"]) == ("safe", live.server.runtime.snapshot.version)
    assert [target["model"] for target in body["targets"]] == ["sim/sim-large", "sim/sim-small"]
    assert body["targets"][0] == {
        "model": "sim/sim-large",
        "provider": "sim",
        "name": "sim-large",
        "base_url": live.simulator.base_url,
        "params": {},
        "why": "Alias 'safe': first choice",
    }


def test_resolve_knows_agents_and_models(live):
    agent, model = _resolve(live, live.reader_key, "agent=coder"), _resolve(live, live.reader_key, "model=sim/sim-free")

    assert agent.json()["targets"][0]["params"] == {"max_tokens": 6}
    assert model.json()["targets"][0]["name"] == "sim-free"


@pytest.mark.parametrize("query", ["alias=nothing", "alias=sim/sim-small", "agent=safe", "model=safe"])
def test_resolving_an_unknown_name_is_404(live, query):
    answer = _resolve(live, live.reader_key, query)

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_resolving_what_is_not_granted_is_404(live):
    assert _resolve(live, live.limited_key, "alias=safe").status_code == 404
    assert _resolve(live, live.limited_key, "alias=only").status_code == 200


@pytest.mark.parametrize("query", ["", "alias=a&model=b", "alias="])
def test_resolve_takes_exactly_one_name(live, query):
    assert _resolve(live, live.reader_key, query).status_code == 400
