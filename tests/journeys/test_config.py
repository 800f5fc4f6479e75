"""The resolved config as a service reads it: its form, its ETag, and how quickly a change is in it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping

import httpx
import openai

from tests.journeys.stand import HELLO, Rest, Stand, until

WITHIN_S = 5.0
"""The promise is a second; a loaded machine gets more time to keep it."""


def _reader(stand: Stand) -> Rest:
    return Rest(stand.server, stand.service("config:read"))


def test_the_config_has_the_form_of_the_contract_and_no_key_in_it(stand: Stand) -> None:
    alias = stand.alias(params={"temperature": 0.2})

    document = _reader(stand).get("config/")

    assert {"version", "published_at", "default_model", "providers", "models", "aliases", "agents"} <= set(document)
    assert document["providers"]["sim"]["base_url"] == stand.simulator.base_url
    assert ["api_key" in key for key in document["providers"]["sim"]["keys"]] == [False]
    assert document["models"]["sim/sim-large"]["price"]["input_usd_per_mtok"] == "10"
    assert document["aliases"][alias]["params"] == {"temperature": 0.2}
    assert [target["model"] for target in document["aliases"][alias]["targets"]] == ["sim/sim-large", "sim/sim-small"]


def test_a_second_call_with_the_etag_is_304_and_empty(stand: Stand) -> None:
    reader = _reader(stand)
    first = reader.raw("GET", "config/")

    second = reader.raw("GET", "config/", headers={"If-None-Match": first.headers["etag"]})

    assert (first.status_code, second.status_code, second.content) == (200, 304, b"")
    assert second.headers["etag"] == first.headers["etag"]
    assert second.headers["x-llmadmin-config-version"] == first.headers["x-llmadmin-config-version"]


def test_g15_an_edited_alias_changes_the_etag_and_the_answers_within_a_second(stand: Stand) -> None:
    alias, reader = stand.alias(), _reader(stand)
    first = reader.raw("GET", "config/")

    stand.admin.patch(f"aliases/{alias}/", {"targets": [{"model": "sim/sim-small"}]})
    changed_at = time.monotonic()
    second = until(lambda: _changed(reader, first.headers["etag"]), "the config of the edited alias", within_s=WITHIN_S)
    took_s = time.monotonic() - changed_at

    assert took_s < WITHIN_S
    assert second.headers["etag"] != first.headers["etag"]
    assert second.json()["version"] > first.json()["version"]
    assert [target["model"] for target in second.json()["aliases"][alias]["targets"]] == ["sim/sim-small"]
    answer = stand.client(stand.service("gateway:call")).chat.completions.with_raw_response.create(
        model=alias, messages=HELLO
    )
    assert answer.headers["x-llmadmin-model"] == "sim/sim-small"


def test_a_long_poll_ends_with_the_change_that_it_waited_for(stand: Stand) -> None:
    alias, reader = stand.alias(), _reader(stand)
    first = reader.raw("GET", "config/")

    change = threading.Timer(0.5, stand.admin.patch, [f"aliases/{alias}/", {"params": {"temperature": 0.4}}])
    change.start()
    second = reader.raw("GET", "config/?wait=20", headers={"If-None-Match": first.headers["etag"]})
    change.join()

    assert second.status_code == 200
    assert second.json()["aliases"][alias]["params"] == {"temperature": 0.4}


def test_resolve_says_where_a_name_leads_and_404_names_what_is_near(stand: Stand) -> None:
    alias, reader = stand.alias(), _reader(stand)

    found = reader.get("resolve/", alias=alias)
    missing = reader.raw("GET", "resolve/", params={"alias": f"{alias}x"})

    assert [target["model"] for target in found["targets"]] == ["sim/sim-large", "sim/sim-small"]
    assert missing.status_code == 404
    assert alias in missing.json()["error"]["message"]


def test_g15_a_file_applied_on_the_command_line_reaches_the_running_server(stand: Stand) -> None:
    name, key = f"lab-{uuid.uuid4().hex[:6]}", stand.service("gateway:call")
    file = stand.server.data_dir / f"{name}.yaml"
    file.write_text(
        f"providers:\n  {name}: {{kind: local, api_base: '{stand.server.url}/simulated/v1'}}\n"
        f"models:\n  - {{name: sim-small, provider: {name}}}\naliases:\n  {name}: {name}/sim-small\n",
        encoding="utf-8",
    )

    stand.server.run("apply", str(file))
    answer = until(lambda: _answer(stand, key, name), "the applied alias answers", within_s=WITHIN_S)

    assert answer["x-llmadmin-model"] == f"{name}/sim-small"
    assert "sim" in stand.admin.get("config/")["providers"], "what no file owns stays"


def _changed(reader: Rest, etag: str) -> httpx.Response | None:
    answer = reader.raw("GET", "config/", headers={"If-None-Match": etag})
    return answer if answer.status_code == 200 else None


def _answer(stand: Stand, key: str, model: str) -> Mapping[str, str] | None:
    try:
        return stand.client(key).chat.completions.with_raw_response.create(model=model, messages=HELLO).headers
    except openai.NotFoundError:
        return None
