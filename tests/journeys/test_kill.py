"""`kill -9` in the middle of streams: what was answered is recorded once, what was cut off is told apart."""

from __future__ import annotations

import threading

import httpx
import openai

from llmadmin.simulator.server import SimulatorServer
from tests.journeys.stand import HELLO, Stand, furnish, until
from tests.live.server import ServerProcess

ANSWERED, HANGING = 30, 4
SLOWLY = [{"role": "user", "content": "[simulate: chunk_delay_ms=300; words=400]"}]


def test_g3_after_kill_9_each_call_has_exactly_one_settled_record(simulator: SimulatorServer) -> None:
    with ServerProcess() as server:
        stand = furnish(server, simulator)
        alias, key = stand.alias(), stand.service("gateway:call")
        answered = [_stream(stand, key, alias, text=HELLO) for _ in range(ANSWERED)]
        first_pieces = threading.Barrier(HANGING + 1)
        callers = [
            threading.Thread(target=_hang, args=(stand, key, alias, first_pieces), daemon=True) for _ in range(HANGING)
        ]
        for caller in callers:
            caller.start()
        first_pieces.wait(timeout=30)

        server.kill()
        for caller in callers:
            caller.join(timeout=30)
        server.start()
        records = until(lambda: _all_records(stand, alias), "every call is recorded", within_s=40)

    identities = {record["id"] for record in records}
    assert len(identities) == len(records) == ANSWERED + HANGING
    assert {record["settlement"] for record in records} == {"final", "aborted"}
    assert sum(record["settlement"] == "aborted" for record in records) == HANGING
    assert all(answered)
    assert [record["status"] for record in records].count("ok") == ANSWERED
    assert sum(record["cost_usd"] is not None for record in records if record["settlement"] == "final") == ANSWERED


def _stream(stand: Stand, key: str, alias: str, *, text: list[dict[str, str]]) -> str:
    with stand.client(key).chat.completions.create(model=alias, messages=text, stream=True) as stream:
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def _hang(stand: Stand, key: str, alias: str, first_pieces: threading.Barrier) -> None:
    """Wait in a stream that has begun until the server is gone."""
    try:
        with stand.client(key).chat.completions.create(model=alias, messages=SLOWLY, stream=True) as stream:
            for place, chunk in enumerate(stream):
                if place == 2 and chunk:
                    first_pieces.wait(timeout=30)
    except (openai.APIError, httpx.HTTPError):
        return


def _all_records(stand: Stand, alias: str) -> list[dict[str, object]] | None:
    found = stand.admin.get("usage/", alias=alias)["results"]
    is_complete = len(found) >= ANSWERED + HANGING and all(one["settlement"] != "open" for one in found)
    return found if is_complete else None
