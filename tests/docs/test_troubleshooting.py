"""What the guide "Troubleshoot by error class" says is what the code does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from llmadmin.gateway.errors import from_provider
from providers import LLMConfig
from providers.errors import ERROR_CLASSES, error_class_of
from tests.docs.guides import blocks, read, run, sections
from tests.docs.raised_codes import raised_codes
from tests.providers.upstream import Upstream, UpstreamServer

GUIDE = read("troubleshooting")
ROWS = {
    cells[0].strip(" `"): [cell.strip() for cell in cells[1:]]
    for line in GUIDE.split("\n\n")[2].splitlines()[2:]
    if (cells := line.strip("|").split("|"))
}


@pytest.fixture
def upstreams() -> Iterator[list[Upstream]]:
    server = UpstreamServer()
    yield [server.new(), server.new()]
    server.close()


def test_every_class_has_its_row_and_its_section():
    names = {error_class_of(kind) for kind in ERROR_CLASSES}

    assert set(ROWS) == names
    assert names <= set(sections(GUIDE))


def test_every_code_that_is_raised_stands_in_the_section_of_its_class_with_a_mend():
    told = {
        (name, row[1], bool(row[2].strip() and row[3].strip()))
        for name, text in sections(GUIDE).items()
        for row in (line.split("|") for line in text.splitlines() if line.startswith("| `"))
        if name in ROWS
    }

    assert {(name, code.strip(" `")) for name, code, _ in told if code.strip() != "`code`"} == raised_codes()
    assert all(has_mend for _, _, has_mend in told)


@pytest.mark.parametrize("kind", ERROR_CLASSES, ids=error_class_of)
def test_the_table_says_what_happens(kind):
    _, again, _, next_target, gateway = ROWS[error_class_of(kind)]
    error = kind("it failed", status=400 if gateway == "the same" else None)

    assert again.startswith("yes" if error.retryable else "no")
    assert next_target == ("yes" if error.fails_over else "no")
    assert gateway.startswith("the same" if error.status == 400 else str(from_provider(error).status))


async def test_the_snippet_shows_every_attempt(upstreams: list[Upstream], capsys):
    for upstream, status in zip(upstreams, (401, 404), strict=True):
        upstream.answer(status, {"error": {"message": f"no {status}"}}, headers={"x-request-id": f"req-{status}"})
    providers = {
        name: {"kind": "local", "base_url": upstream.base_url, "max_retries": 0}
        for name, upstream in zip("ab", upstreams, strict=True)
    }
    models = [{"name": "m", "provider": name} for name in "ab"]
    config = LLMConfig(providers=providers, models=models, aliases={"safe": {"targets": ["a/m", "b/m"]}})

    for block in blocks(GUIDE, "python"):
        await run(block, {"config": config})

    first, *attempts = capsys.readouterr().out.splitlines()
    assert first == "authentication 401 req-401"
    assert attempts == ["a error 401 authentication no 401", "b error 404 model no 404"]
