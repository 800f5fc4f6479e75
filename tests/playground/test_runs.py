from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.core.cache import cache

from llmadmin.accounts.actors import actor_of_person
from llmadmin.audit.actor import Actor
from llmadmin.core.errors import ForbiddenError, InvalidError, MissingError
from llmadmin.gateway.runtime import Runtime
from llmadmin.playground import pending
from llmadmin.playground.runs import Event, events, start
from llmadmin.simulator.server import SimulatorServer
from llmadmin.usage.models import UsageRecord
from llmadmin.usage.services import store

UPSTREAM_KEY = "test-key-upstream-alpha"


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    with SimulatorServer(api_key=UPSTREAM_KEY) as server:
        yield server


@pytest.fixture
def person(transactional_db, simulator, owner) -> Iterator[Actor]:
    """The owner, with two priced models behind one alias."""
    from llmadmin.catalog.services import create_model, create_provider, set_price
    from llmadmin.config.services import change
    from llmadmin.routing.services import create_agent, create_alias
    from llmadmin.vault.services import add_key

    actor = actor_of_person(owner)
    with change(by=actor, why="Set up"):
        provider = create_provider(slug="sim", kind="local", base_url=simulator.base_url, max_retries=0)
        add_key(provider, label="main", api_key=UPSTREAM_KEY)
        for name in ("sim-large", "sim-small"):
            set_price(create_model(provider, name=name), input_usd_per_mtok="10", output_usd_per_mtok="20")
        create_model(provider, name="sim-reasoning")
        create_alias(name="safe", targets=[{"model": "sim/sim-large"}, {"model": "sim/sim-small"}])
        create_agent(name="coder", alias="safe")
    yield actor
    for model in list(simulator.app.board.show()["models"]):
        simulator.set(model)


@pytest_asyncio.fixture
async def runtime(person, tmp_path, settings) -> AsyncIterator[Runtime]:
    settings.DATA_DIR = tmp_path
    made = Runtime()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads take turns after every few instructions, so that a gap between two of them is met."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def prompt(text: str = "Count to three", model: str = "safe", **parameters):
    return {"model": model, "messages": [{"role": "user", "content": text}]} | parameters


async def begin(person: Actor, body) -> str:
    return await sync_to_async(start)(person, body)


async def run(person: Actor, body) -> list[Event]:
    run_id = await begin(person, body)
    return [event async for event in events(run_id, actor=person)]


async def record(runtime: Runtime) -> UsageRecord:
    await asyncio.to_thread(runtime.journal.drain, store)
    return await UsageRecord.objects.prefetch_related("attempts").aget()


async def test_a_run_tells_its_attempt_its_text_and_its_figures(person, runtime):
    told = await run(person, prompt(temperature=0.5))

    kinds = [event.kind for event in told]
    assert (kinds[0], kinds[-1]) == ("attempt", "done")
    assert set(kinds[1:-1]) == {"text"}
    assert len(kinds) > 4
    assert "simulated" in "".join(event.data["text"] for event in told[1:-1]).lower()
    done = told[-1].data
    kept = await record(runtime)
    assert (done["target"], done["status"], done["finish_reason"]) == ("sim/sim-large", "ok", "stop")
    assert done["usage"]["output_tokens"] == kept.output_tokens > 0
    assert (done["cost_usd"], done["record_id"]) == (format(kept.cost_usd.normalize(), "f"), str(kept.id))
    assert 0 < done["ttft_ms"] <= done["latency_ms"]
    assert done["tokens_per_s"] > 0
    assert (kept.origin, kept.service, kept.alias, kept.user) == ("playground", "playground", "safe", person.label)
    json.dumps([event.data for event in told])


async def test_g33_a_run_says_all_that_repeating_it_needs(person, runtime):
    body = prompt("Say it again", "agent:coder", temperature=0.1, seed=7)
    body["messages"].insert(0, {"role": "system", "content": "Be brief."})

    first = (await run(person, body))[-1].data

    assert first["run"] == {
        "request": body,
        "target": "sim/sim-large",
        "config_version": runtime.snapshot.version,
    }
    again = (await run(person, first["run"]["request"]))[-1].data
    assert again["usage"] == first["usage"]


async def test_a_fallback_shows_both_attempts(person, runtime, simulator):
    simulator.set("sim-large", status=503)

    told = await run(person, prompt())

    tries = [(event.data["model"], event.data["status"], event.data["upstream_status"]) for event in told[:2]]
    assert tries == [("sim/sim-large", "error", 503), ("sim/sim-small", "ok", 200)]
    assert (told[-1].data["status"], told[-1].data["target"]) == ("recovered", "sim/sim-small")
    assert len(told[-1].data["attempts"]) == 2


async def test_a_failure_is_told_in_a_sentence_with_every_attempt(person, runtime, simulator):
    simulator.set("sim-large", status=500)
    simulator.set("sim-small", status=503)

    (told,) = await run(person, prompt())

    assert told.kind == "error"
    assert told.data["class"] == "service"
    assert told.data["sentence"].startswith("The provider failed")
    assert [attempt["upstream_status"] for attempt in told.data["attempts"]] == [500, 503]
    assert told.data["run"]["request"] == prompt()


async def test_a_stream_that_breaks_off_ends_in_an_error_and_not_in_done(person, runtime, simulator):
    simulator.set("sim-large", cut_after=3, words=40)

    told = await run(person, prompt())

    assert [told[0].kind, told[-1].kind] == ["attempt", "error"]
    assert any(event.kind == "text" for event in told)
    assert told[-1].data["status"] != 200
    kept = await record(runtime)
    assert (kept.status, str(kept.id)) == ("truncated", told[-1].data["record_id"])


async def test_an_unknown_name_is_told_as_an_error(person, runtime):
    (told,) = await run(person, prompt(model="saef"))

    assert told.kind == "error"
    assert told.data["class"] == "model_not_found"
    assert "safe" in told.data["sentence"]


async def test_leaving_early_stops_the_upstream_and_keeps_what_was_seen(person, runtime, simulator):
    simulator.set("sim-large", words=400, chunk_delay_ms=20)
    told = events(await begin(person, prompt()), actor=person)

    async for event in told:
        if event.kind == "text":
            break
    await told.aclose()

    kept = await record(runtime)
    assert kept.status == "cancelled"
    assert 0 < kept.output_tokens < 100


async def test_a_cancelled_reader_leaves_a_record_too(person, runtime, simulator):
    simulator.set("sim-large", delay_ms=20_000)
    run_id = await begin(person, prompt())

    async def read() -> None:
        async for _ in events(run_id, actor=person):
            pass

    task = asyncio.create_task(read())
    while not runtime.journal.in_flight:  # noqa: ASYNC110 - the journal is no coroutine
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await record(runtime)).status == "cancelled"
    assert runtime.journal.in_flight == 0


async def test_a_run_is_read_once_and_only_by_whoever_started_it(person, runtime):
    run_id = await begin(person, prompt())
    stranger = Actor(kind="person", label="Somebody else", person_id=-1, role="owner")

    for reader, wanted in ((stranger, run_id), (person, "never-started")):
        with pytest.raises(MissingError):
            await anext(events(wanted, actor=reader))
    assert (await anext(events(run_id, actor=person))).kind == "attempt"
    with pytest.raises(MissingError):
        await anext(events(run_id, actor=person))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "field"),
    [
        (prompt(temperature="hot"), "temperature"),
        (prompt(max_tokens=0), "max_tokens"),
        ({"model": "safe", "messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": "Hi"}]}, "model"),
    ],
)
def test_a_run_that_can_not_be_sent_is_refused_at_once(actor, body, field):
    with pytest.raises(InvalidError) as refused:
        start(actor, body)

    assert set(refused.value.fields) == {field}


@pytest.mark.django_db
def test_a_viewer_may_not_run_prompts(viewer):
    with pytest.raises(ForbiddenError):
        start(actor_of_person(viewer), prompt())


@pytest.mark.django_db
def test_two_pages_that_read_one_run_at_once_do_not_call_twice(actor, hasty_threads):
    taken: list[str] = []

    def read(run_id: str, gate: threading.Barrier) -> None:
        gate.wait()
        with contextlib.suppress(MissingError):
            taken.append(pending.take(actor, run_id)["model"])

    for _ in range(50):
        arguments = (start(actor, prompt()), threading.Barrier(3))
        threads = [threading.Thread(target=read, args=arguments) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(taken) == 50


@pytest.mark.django_db
def test_the_runs_that_wait_for_one_person_are_few(actor):
    ids = [start(actor, prompt(str(number))) for number in range(pending.MOST_OF_ONE_PERSON + 3)]

    for forgotten in ids[:3]:
        with pytest.raises(MissingError):
            pending.take(actor, forgotten)
    assert pending.take(actor, ids[3])["messages"][0]["content"] == "3"
    cache.clear()
    with pytest.raises(MissingError):
        pending.take(actor, ids[-1])
