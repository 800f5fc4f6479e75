"""Starts the peers that are servers, on loopback and on free ports, and ends them by their process id."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.peers.environments import (
    AIMOCK,
    LITELLM,
    PORTKEY,
    PeerUnavailableError,
    node_environment,
    python_environment,
)

KEY = "test-key-alpha"
START_TIMEOUT_S = 120.0
MAX_LOG_LINES = 15

BEFORE_PORTKEY = """
const { Server } = require("node:net");
const listen = Server.prototype.listen;
Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, { port, host: "127.0.0.1" }, rest.findLast((one) => typeof one === "function"));
};

const { fetch, Response } = globalThis;
globalThis.fetch = async (...call) => {
  const answer = await fetch(...call);
  const { status, statusText } = answer;
  return new Response(answer.body, { status, statusText, headers: new Headers(answer.headers) });
};
"""
"""Loaded before Portkey's gateway, which has no setting for the address that it listens on, and which adds headers to
streamed answers, where Node's `fetch` gives answers whose headers can't be changed."""


@dataclass(frozen=True)
class Aimock:
    """A mock server that speaks the dialects of many vendors, answers by fixtures and keeps a journal of what it read."""

    origin: str

    def last(self) -> dict[str, Any]:
        """What it understood of the newest call: path, headers, and the body turned into OpenAI's form."""
        entries = httpx.get(f"{self.origin}/__aimock/journal", headers={"authorization": f"Bearer {KEY}"}).json()
        found: dict[str, Any] = [entry for entry in entries if entry["method"] == "POST"][-1]
        return found


@contextlib.contextmanager
def aimock(folder: Path, fixtures: Sequence[Mapping[str, Any]]) -> Iterator[Aimock]:
    """It takes the key `KEY` only."""
    command = node_environment("aimock", AIMOCK) / "@copilotkit" / "aimock" / "dist" / "cli.js"
    answers = folder / "fixtures.json"
    answers.write_text(json.dumps({"fixtures": list(fixtures)}), encoding="utf-8")
    port = free_port()
    arguments = [
        "node",
        str(command),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--fixtures",
        str(answers),
        "--strict",
    ]
    with running("aimock", arguments, folder, port=port, path="/ready", AIMOCK_API_KEYS=KEY):
        yield Aimock(f"http://127.0.0.1:{port}")


@contextlib.contextmanager
def litellm_proxy(folder: Path, settings: Mapping[str, Any]) -> Iterator[str]:
    """LiteLLM's proxy with a configuration file of `settings`; its origin."""
    command = python_environment("litellm", LITELLM) / "litellm"
    configuration = folder / "litellm.json"  # YAML's reader takes JSON
    configuration.write_text(json.dumps(settings), encoding="utf-8")
    port = free_port()
    arguments = [str(command), "--config", str(configuration), "--host", "127.0.0.1", "--port", str(port)]
    offline = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
    with running("litellm", arguments, folder, port=port, path="/health/liveliness", **offline):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def portkey_gateway(folder: Path) -> Iterator[str]:
    """Portkey's own open-source gateway, which calls vendors, or a host that a header names; its origin."""
    command = node_environment("portkey", PORTKEY) / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    guard = folder / "before.cjs"
    guard.write_text(BEFORE_PORTKEY, encoding="utf-8")
    port = free_port()
    arguments = ["node", "--require", str(guard), str(command), f"--port={port}", "--headless"]
    with running("portkey", arguments, folder, port=port, path="/"):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def running(
    name: str, command: Sequence[str], folder: Path, *, port: int, path: str, **environment: str
) -> Iterator[None]:
    """The command as a process with a home of its own, once it answers `path`; ended on leaving."""
    log = folder / f"{name}.log"
    kept = {variable: os.environ[variable] for variable in ("PATH", "LANG", "TMPDIR") if variable in os.environ}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=output, env={**kept, "HOME": str(folder), **environment}
        )
        try:
            _await_answer(name, process, log, port=port, path=path)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_answer(name: str, process: subprocess.Popen[bytes], log: Path, *, port: int, path: str) -> None:
    ends_at = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < ends_at and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status < 500:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.2)
        finally:
            connection.close()
    words = log.read_text(encoding="utf-8", errors="replace").splitlines()[-MAX_LOG_LINES:]
    raise PeerUnavailableError(f"{name} does not start: " + " ".join(words))
