"""`python -m providers` as a newcomer meets it: a process of its own, nothing but the environment set."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.guides import ROOT
from tests.providers.test_manager import chat, chunks
from tests.providers.upstream import Upstream

INTERRUPTED = 130
PIPE_CLOSED = 141
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the command in an empty directory; `environment` is all it sees."""
    running = []

    def run(*words: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "providers", *words],
            env={"PYTHONPATH": str(ROOT), "LLM_MAX_RETRIES": "0", **environment},
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def events(*texts: str) -> list[bytes]:
    return [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks(*texts)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "nosuch"], "There is no provider type 'nosuch'. There are: anthropic, azure"),
        (["call", "openai/gpt-4.1-mini", "Hi"], "OpenAI is not configured: set OPENAI_API_KEY, or"),
        (
            ["call", "azure/prod", "Hi"],
            "Azure OpenAI is not configured: set AZURE_OPENAI_KEY and AZURE_OPENAI_ENDPOINT, or",
        ),
        (["call", "vllm/m", "Hi"], "vLLM is not configured: set VLLM_BASE_URL, or"),
        (
            ["call", "gpt", "Hi"],
            "No provider is configured: set a key such as OPENAI_API_KEY, or write llm_config.yaml.",
        ),
        (["call", "gpt", " "], "The prompt is empty: say what to ask."),
        (["call", "gpt"], "the following arguments are required: PROMPT"),
        ([], "the following arguments are required: COMMAND"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else "",
)
def test_a_newcomer_is_told_what_is_missing(start: Start, words: list[str], said: str):
    process = start(*words)
    out, err = process.communicate()

    assert (process.returncode, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_name_that_a_configured_provider_does_not_have_points_to_the_list(start: Start):
    process = start("call", "nosuch", "Hi", OPENAI_API_KEY="test-key-alpha")

    assert "`python -m providers list` shows which" in process.communicate()[1]
    assert process.returncode == 2


@pytest.mark.parametrize("command", ["list", "check", "call", "prices", "docs"])
def test_every_command_explains_itself(start: Start, command: str):
    top, one = start("--help"), start(command, "--help")

    shown = top.communicate()[0]
    assert f"python -m providers {command}" in shown
    assert "Exit status: 0 done, 1 failed, 2 misused" in shown
    assert f"usage: python -m providers {command}" in one.communicate()[0]
    assert (top.returncode, one.returncode) == (0, 0)


def test_a_prompt_comes_from_standard_input(start: Start, upstream: Upstream):
    upstream.answer(200, chat())

    process = start("call", "local/m", "-", LOCAL_LLM_BASE_URL=upstream.base_url)
    out, err = process.communicate("Long text\n")

    assert (process.returncode, out) == (0, "pong\n")
    assert ", 1 attempt\n" in err
    assert upstream.seen[0].json["messages"] == [{"role": "user", "content": "Long text\n"}]


def test_a_stream_that_is_cut_keeps_what_came_and_says_why_on_a_line_of_its_own(start: Start, upstream: Upstream):
    upstream.answer(headers={"content-type": "text/event-stream"}, pieces=events("po", "ng")[:2], cut=True)

    process = start("call", "local/m", "Hi", "--stream", LOCAL_LLM_BASE_URL=upstream.base_url)
    out, err = process.communicate()

    assert (process.returncode, out) == (1, "po\n")
    assert err.startswith("local/m: The connection to ")
    assert "was cut" in err


def test_an_interrupted_stream_ends_at_once_and_without_a_traceback(start: Start, upstream: Upstream):
    is_over = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield from events("po", "ng")[:2]
        is_over.wait(30)

    upstream.answer(headers={"content-type": "text/event-stream"}, pieces=pieces())
    process = start("call", "local/m", "Hi", "--stream", LOCAL_LLM_BASE_URL=upstream.base_url)
    assert process.stdout is not None
    assert process.stdout.read(2) == "po"

    process.send_signal(signal.SIGINT)
    try:
        _, err = process.communicate(timeout=20)
    finally:
        is_over.set()

    assert process.returncode == INTERRUPTED
    assert "Traceback" not in err


def test_a_reader_that_goes_away_ends_the_call_quietly(start: Start, upstream: Upstream):
    lines = events(*["a line of an answer\n"] * 20_000)
    upstream.answer(headers={"content-type": "text/event-stream"}, pieces=[b"".join(lines), b"data: [DONE]\n\n"])

    process = start("call", "local/m", "Hi", "--stream", LOCAL_LLM_BASE_URL=upstream.base_url)
    assert process.stdout is not None
    assert process.stdout.readline() == "a line of an answer\n"
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()

    assert process.wait(20) == PIPE_CLOSED
    assert err == ""
