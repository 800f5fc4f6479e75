"""The playground: what can be chosen and set, and a run that streams through the gateway as markup."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.test import AsyncClient, Client

from llmadmin.catalog.services import create_model, create_provider, set_price
from llmadmin.config.services import change
from llmadmin.console.playground.parameters import allowances
from llmadmin.console.playground.pieces import sent
from llmadmin.console.playground.snippets import snippets
from llmadmin.gateway.runtime import Runtime
from llmadmin.routing.services import create_agent, create_alias
from llmadmin.simulator.server import SimulatorServer
from llmadmin.vault.services import add_key
from tests.console.traffic import HOSTILE

RUN = "/playground/run/"


# The page and its form


@pytest.fixture
def page_of(owner, signed_in):
    client = signed_in(owner)
    return lambda query="": client.get(f"/playground/{query}")


@pytest.mark.django_db
def test_without_anything_to_run_it_says_what_to_add(page_of):
    page = page_of()

    assert page.status_code == 200
    assert b"Nothing to run yet" in page.content


@pytest.mark.django_db
def test_aliases_agents_and_models_can_be_chosen(page_of, catalogue):
    groups = page_of().context["groups"]

    assert groups == [
        ("Aliases", [("fast", "fast")]),
        ("Agents", [("agent:coder", "coder → fast")]),
        ("Models", [("sim/alpha", "sim/alpha"), ("sim/beta", "sim/beta")]),
    ]


@pytest.mark.django_db
def test_a_link_chooses_for_the_reader_and_says_when_the_name_is_gone(page_of, catalogue):
    found = page_of("?model=agent%3Acoder&model=sim/beta").context
    gone = page_of(f"?{urlencode({'model': HOSTILE})}")

    assert [name for name, _ in found["chosen"]] == ["agent:coder", "sim/beta"]
    assert [name for name, _ in gone.context["chosen"]] == ["fast"]
    assert "is not there any more" in gone.content.decode()
    assert "<script>alert" not in gone.content.decode()


@pytest.mark.django_db
def test_a_model_of_fixed_temperature_offers_none(actor, page_of):
    with change(by=actor):
        provider = create_provider(slug="openai", kind="openai")
        model = create_model(provider, name="o3")

    allowed = allowances([model])

    assert allowed["temperature"].reason == "openai/o3 always runs with 1."
    assert allowed["top_p"].reason == "openai/o3 does not take it."
    assert allowed["seed"].is_allowed
    page = page_of("?model=openai/o3").content.decode()
    assert 'name="temperature"' not in page
    assert 'name="seed"' in page


@pytest.mark.django_db
def test_a_parameter_that_would_be_left_out_is_not_offered(actor):
    with change(by=actor):
        model = create_model(create_provider(slug="anthropic", kind="anthropic"), name="claude-opus-5-5")

    allowed = allowances([model])

    assert allowed["temperature"].reason == "anthropic/claude-opus-5-5 sets it itself."
    assert [name for name, allowance in allowed.items() if not allowance.is_allowed] == ["temperature", "top_p"]


@pytest.mark.django_db
def test_parameters_of_several_models_are_those_that_all_take(owner, signed_in, actor, catalogue):
    with change(by=actor):
        create_model(create_provider(slug="openai", kind="openai"), name="o3")

    fragment = signed_in(owner).get("/playground/parameters/?model=fast&model=openai/o3&seed=7&temperature=0.4")

    text = fragment.content.decode()
    assert "openai/o3 always runs with 1." in text
    assert 'name="seed" value="7"' in text
    assert 'hx-swap-oob="true"' in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"prompt": ""}, "Write a message first."),
        ({"model": ""}, "Choose an alias, an agent or a model to run."),
        ({"model": "gone"}, "“gone” is not there any more."),
        ({"temperature": "3"}, "less than or equal to 2"),
        ({"temperature": "hot"}, "Enter a number."),
        ({"max_tokens": "0"}, "greater than or equal to 1"),
        ({"stop": "a,b,c,d,e"}, "Give at most four texts"),
    ],
)
def test_a_wrong_field_is_said_beside_it_and_nothing_runs(owner, signed_in, catalogue, fields, sentence):
    answer = signed_in(owner).post(RUN, {"model": "fast", "prompt": "Hi"} | fields)

    assert answer.status_code == 422
    assert answer["HX-Retarget"] == "#playground-settings"
    assert sentence in html.unescape(answer.content.decode())


@pytest.mark.django_db
def test_typed_text_is_kept_and_escaped_when_the_form_comes_back(owner, signed_in, catalogue):
    text = signed_in(owner).post(RUN, {"model": "fast", "prompt": HOSTILE, "temperature": "9"}).content.decode()

    assert "<script>alert" not in text
    assert "مساعد&lt;script&gt;" in text


@pytest.mark.django_db
def test_a_viewer_may_not_run(viewer, signed_in, catalogue):
    client = signed_in(viewer)

    assert client.get("/playground/").status_code == 403
    assert client.post(RUN, {"model": "fast", "prompt": "Hi"}).status_code == 403


@pytest.mark.django_db
def test_a_run_needs_the_forms_token(owner, catalogue):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")

    assert client.post(RUN, {"model": "fast", "prompt": "Hi"}).status_code == 403


@pytest.mark.django_db
def test_each_chosen_name_gets_a_column_with_its_own_stream(owner, signed_in, catalogue):
    answer = signed_in(owner).post(RUN, {"model": ["fast", "sim/beta", "fast"], "prompt": "Hi"})

    runs = re.findall(r'sse-connect="(/playground/runs/[\w-]+/events/)"', answer.content.decode())
    assert len(set(runs)) == len(runs) == 2


@pytest.mark.django_db
def test_g27_queries_do_not_grow_with_the_choices(queries_of, actor, catalogue):
    few = queries_of("/playground/")

    with change(by=actor):
        for index in range(30):
            create_model(catalogue.provider, name=f"m{index}")
            create_alias(name=f"a{index}", targets=[{"model": f"sim/m{index}"}, {"model": "sim/alpha"}])
            create_agent(name=f"g{index}", alias=f"a{index}")

    assert queries_of("/playground/") == few


# Pieces


def test_line_ends_and_blanks_survive_a_server_sent_event():
    assert sent("text", " a\n\r\nb") == "event: text\ndata:  a\ndata: \ndata: b\n\n"


def test_snippets_carry_the_call_and_no_key():
    call = {"model": "fast", "messages": [{"role": "user", "content": 'It\'s "fine"'}], "temperature": 0.2}

    code = dict(snippets(call, base_url="http://127.0.0.1:1/v1"))

    assert json.loads(code["JSON"]) == call
    assert "It'\\''s" in code["curl"]
    compile(code["Python"], "snippet", "exec")
    assert "$LLMADMIN_SERVICE_KEY" in code["curl"]


# Runs


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    with SimulatorServer(api_key="test-key-upstream-alpha") as server:
        yield server


@pytest.fixture
def reader(transactional_db, simulator, owner, actor, signed_in) -> Iterator[AsyncClient]:
    """The owner's browser, with a provider that answers."""
    with change(by=actor, why="Set up"):
        provider = create_provider(slug="sim", kind="local", base_url=simulator.base_url, max_retries=0)
        add_key(provider, label="main", api_key="test-key-upstream-alpha")
        for name in ("sim-large", "sim-small"):
            set_price(create_model(provider, name=name), input_usd_per_mtok="10", output_usd_per_mtok="20")
        create_alias(name="safe", targets=[{"model": "sim/sim-large"}, {"model": "sim/sim-small"}])
    client = AsyncClient()
    client.cookies = signed_in(owner).cookies
    yield client
    for model in list(simulator.app.board.show()["models"]):
        simulator.set(model)


@pytest_asyncio.fixture
async def runtime(reader, tmp_path, settings) -> AsyncIterator[Runtime]:
    settings.DATA_DIR = tmp_path
    made = Runtime()
    await made.start()
    yield made
    await made.stop()


async def begin(reader: AsyncClient, **fields: str) -> str:
    answer = await reader.post(RUN, {"model": "safe", "prompt": "Count to three"} | fields)
    found = re.search(r'sse-connect="([^"]+)"', answer.content.decode())
    assert found, answer.content.decode()
    return found[1]


async def told(reader: AsyncClient, url: str) -> list[tuple[str, str]]:
    """The events of a run as (kind, data), as a browser reads them."""
    answer = await reader.get(url)
    assert answer["Content-Type"] == "text/event-stream"
    text = "".join([piece.decode() if isinstance(piece, bytes) else piece async for piece in answer.streaming_content])
    events = []
    for block in text.split("\n\n")[:-1]:
        first, *rest = block.split("\n")
        events.append((first.removeprefix("event: "), "\n".join(line.removeprefix("data: ") for line in rest)))
    return events


async def test_a_run_streams_its_text_and_ends_with_its_figures(reader, runtime):
    events = await told(reader, await begin(reader))

    kinds = [kind for kind, _ in events]
    assert kinds[0] == "attempt", events
    assert kinds.count("text") > 1
    assert kinds[-2:] == ["end", "close"]
    end = dict(events)["end"]
    for word in ("sim/sim-large", "First token", "tokens/s", "Cost", "Open this call", "HTTP 200"):
        assert word in end


async def test_markup_in_an_answer_stays_text(reader, runtime):
    events = await told(reader, await begin(reader, prompt=HOSTILE))

    text = "".join(data for kind, data in events if kind == "text")
    assert "<script" not in text
    assert "&lt;script&gt;" in text, events
    assert "مساعد" in text


async def test_a_fallback_shows_both_tries(reader, runtime, simulator):
    simulator.set("sim-large", status=503)

    events = await told(reader, await begin(reader))

    end = dict(events)["end"]
    assert end.index("sim/sim-large") < end.rindex("sim/sim-small")
    assert "HTTP 503" in end
    assert "HTTP 200" in end


async def test_a_failure_says_what_happened_and_what_to_do(reader, runtime, simulator):
    simulator.set("*", status=429)

    end = dict(await told(reader, await begin(reader)))["end"]

    assert "Rate limit" in end
    assert "fallback target" in end


async def test_a_run_happens_once(reader, runtime):
    url = await begin(reader)
    await told(reader, url)

    again = await told(reader, url)

    assert [kind for kind, _ in again] == ["end", "close"]
    assert "Run it again." in again[0][1]


async def test_nobody_else_reads_a_run(reader, runtime, editor, signed_in):
    url = await begin(reader)
    other = AsyncClient()
    other.cookies = (await sync_to_async(signed_in)(editor)).cookies

    assert "Run it again." in (await told(other, url))[0][1]
    assert (await AsyncClient().get(url)).status_code == 302
