"""The peers, each started once for all that it is asked. One that is not to be had is named; in CI that fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

import pytest

from tests.peers import servers
from tests.peers.environments import PeerUnavailableError
from tests.providers.upstream import UpstreamServer

Peer = TypeVar("Peer")
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

USAGE = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}
WEATHER_CALLS = [
    {"name": "get_weather", "arguments": {"city": "Zürich"}},
    {"name": "get_time", "arguments": {}},
]
FIXTURES: list[dict[str, Any]] = [
    {
        "match": {"model": "limited"},
        "response": {"error": {"message": "Slow down.", "type": "rate_limit_error"}, "status": 429, "retryAfter": 7},
    },
    {
        "match": {"model": "broken"},
        "response": {"error": {"message": "Out of order.", "type": "api_error"}, "status": 503},
    },
    {"match": {"inputText": "fox"}, "response": {"embedding": [0.25, -0.5, 1.0]}},
    {"match": {"userMessage": "weather"}, "response": {"toolCalls": WEATHER_CALLS, "usage": USAGE}},
    {
        "match": {"userMessage": "ping", "responseFormat": "json_schema"},
        "response": {"content": '{"pong": true}', "usage": USAGE},
    },
    {"match": {"userMessage": "ping"}, "response": {"content": "pong, said the über-server 🎾", "usage": USAGE}},
]
"""What aimock answers, whoever asks and in whatever dialect."""


@pytest.fixture(scope="session")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Aimock]:
    with required(servers.aimock(tmp_path_factory.mktemp("aimock"), FIXTURES)) as peer:
        yield peer


@pytest.fixture(scope="session")
def upstream_server() -> Iterator[UpstreamServer]:
    server = UpstreamServer()
    yield server
    server.close()


@contextmanager
def required(peer: AbstractContextManager[Peer]) -> Iterator[Peer]:
    """The started peer. Where it is not to be had, what needs it is skipped with the reason, and fails in CI."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(peer)
        except PeerUnavailableError as problem:
            if IN_CI:
                pytest.fail(str(problem))
            pytest.skip(str(problem))
        yield started
