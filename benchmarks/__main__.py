"""`python -m benchmarks`: what a call costs the gateway beside the reference, as a table.

Everything runs in the same minutes on the same machine, so that the ratios mean something where the figures don't.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.servers import ROOT, Cpu, Server, run_command

CONFIG = """
providers:
  bench: {{kind: local, api_base: "{url}/v1", api_key: test-key-alpha-bench, max_retries: 0}}
models:
  - {{name: bench-1, provider: bench, price: {{input_usd_per_mtok: "0.40", output_usd_per_mtok: "1.60"}}}}
aliases:
  fast: bench/bench-1
"""


@dataclass(frozen=True)
class Scenario:
    name: str
    calls: int
    connections: int
    is_stream: bool = False
    delay_ms: int = 0


SCENARIOS = [
    Scenario("plain call", calls=3000, connections=32),
    Scenario("stream of 50", calls=400, connections=8, is_stream=True),
    Scenario("200 in flight, 100 ms upstream", calls=3000, connections=200, delay_ms=100),
]


@dataclass(frozen=True)
class Row:
    scenario: Scenario
    reference: Cpu
    gateway: Cpu
    memory_mb: float


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    arguments.add_argument(
        "--rounds", type=int, default=3, help="measure each row so often and keep the lowest (default: 3)"
    )
    arguments.add_argument("--layer", action="store_true", help="measure the provider layer alone")
    asked = arguments.parse_args()
    rounds = asked.rounds
    if asked.layer:
        _show_layer(rounds)
        return
    with tempfile.TemporaryDirectory(prefix="llmadmin-bench-") as folder:
        rows = [_measure(scenario, Path(folder) / str(number), rounds) for number, scenario in enumerate(SCENARIOS)]
    _show(rows)
    _show_layer(rounds)
    _show_publishing()


def _show_layer(rounds: int) -> None:
    """The provider layer beside `httpx.AsyncClient` over httpx-aiohttp; its memory under many streams; its import."""
    table = Table(title="CPU µs a call through the provider layer alone (lowest of the rounds)")
    for title in ("", "httpx.AsyncClient over httpx-aiohttp", "provider layer", "ratio"):
        table.add_column(title, justify="left" if not title else "right")
    upstream = Server("benchmarks.upstream:application")
    try:
        upstream.wait()
        for name, kind, calls, connections in (("plain call", "plain", 3000, 32), ("stream of 50", "stream", 400, 8)):
            both = [
                [_layer(upstream.url, side, calls, connections, kind)["cpu_s"] for side in ("client", "layer")]
                for _ in range(rounds)
            ]
            client_s, layer_s = (min(column) / calls for column in zip(*both, strict=True))
            table.add_row(name, f"{client_s * 1e6:,.0f}", f"{layer_s * 1e6:,.0f}", f"{layer_s / client_s:.2f}")
        memory = _layer(upstream.url, "flat", 1000, 1000, "stream")["memory_mb"]
    finally:
        upstream.stop()
    console = Console()
    console.print(table)
    console.print("MB after each 1,000 streams at once:", ", ".join(f"{each:.0f}" for each in memory))
    console.print(f"import providers: {min(_import_ms() for _ in range(rounds)):.0f} ms")


def _layer(url: str, side: str, calls: int, connections: int, kind: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.layer", url, side, str(calls), str(connections), kind]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _show_publishing() -> None:
    """What a save costs with 200 providers, 5,000 models and 2,000 aliases, beside writing the same document plainly."""
    with tempfile.TemporaryDirectory(prefix="llmadmin-bench-") as folder:
        command = [sys.executable, "-m", "benchmarks.publishing", folder]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=True)
    found = json.loads(done.stdout)
    table = Table(title="CPU ms with 200 providers, 5,000 models, 2,000 aliases (aim: a save under 1,000)")
    for title in ("", "ms", "times json.dumps + sha256 + json.loads of the document"):
        table.add_column(title, justify="left" if not title else "right")
    for name, key in (("one save", "save_s"), ("apply, nothing changed", "again_s"), ("first apply", "apply_s")):
        table.add_row(name, f"{found[key] * 1e3:,.0f}", f"{found[key] / found['plain_s']:.0f}")
    Console().print(table)


def _import_ms() -> float:
    code = "import time; began = time.perf_counter(); import providers; print((time.perf_counter() - began) * 1000)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return float(done.stdout)


def _measure(scenario: Scenario, folder: Path, rounds: int) -> Row:
    with ExitStack() as stack:
        upstream = Server("benchmarks.upstream:application", DELAY_MS=str(scenario.delay_ms))
        stack.callback(upstream.stop)
        upstream.wait()
        reference = Server("benchmarks.reference:application", UPSTREAM=upstream.url)
        stack.callback(reference.stop)
        environ = {"LLMADMIN_DATA_DIR": str(folder), "LLMADMIN_LOG_LEVEL": "ERROR"}
        key = _seed(folder, upstream.url, environ)
        gateway = Server("llmadmin.asgi:application", lifespan="on", **environ)
        stack.callback(gateway.stop)
        reference.wait()
        gateway.wait("/readyz")
        for server in (reference, gateway):
            _load(server, key, scenario, calls=max(100, scenario.calls // 10))
        _until_drained(gateway)
        costs = [(_cost(reference, key, scenario), _cost(gateway, key, scenario)) for _ in range(rounds)]
        lowest_reference = min((each[0] for each in costs), key=lambda cpu: cpu.whole_s)
        lowest_gateway = min((each[1] for each in costs), key=lambda cpu: cpu.whole_s)
        return Row(scenario, lowest_reference, lowest_gateway, gateway.memory_mb())


def _seed(folder: Path, upstream_url: str, environ: dict[str, str]) -> str:
    """A provider with a key and a price, an alias, and a service key, on an empty data folder."""
    folder.mkdir(parents=True)
    file = folder / "llm_config.yaml"
    file.write_text(CONFIG.format(url=upstream_url), encoding="utf-8")
    made = run_command("create-service", "bench", "--scope", "gateway:call", "--json", environ=environ)
    run_command("apply", str(file), environ=environ)
    return str(json.loads(made)["key"])


def _cost(server: Server, key: str, scenario: Scenario) -> Cpu:
    before = server.cpu()
    _load(server, key, scenario, calls=scenario.calls)
    _until_drained(server)
    spent = server.cpu() - before
    return Cpu(spent.serving_s / scenario.calls, spent.whole_s / scenario.calls)


def _load(server: Server, key: str, scenario: Scenario, *, calls: int) -> None:
    kind = "stream" if scenario.is_stream else "plain"
    command = [
        sys.executable,
        "-m",
        "benchmarks.load",
        server.address,
        key,
        "fast",
        str(calls),
        str(scenario.connections),
        kind,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    failed = json.loads(done.stdout)["failed"]
    if failed:
        raise RuntimeError(f"{failed} of {calls} calls of '{scenario.name}' failed.")


def _until_drained(server: Server) -> None:
    """The gateway brings its records to the database after the calls; that is a part of what they cost."""
    try:
        while server.ask("/readyz")["usage_waiting"]:
            time.sleep(0.1)
    except (OSError, ValueError, KeyError):
        return


def _show(rows: list[Row]) -> None:
    table = Table(title="CPU µs a call (lowest of the rounds)")
    for title in ("", "reference", "gateway, calls", "ratio", "gateway, with records to the database", "ratio", "MB"):
        table.add_column(title, justify="left" if not title else "right")
    for row in rows:
        reference = row.reference.whole_s
        table.add_row(
            row.scenario.name,
            f"{reference * 1e6:,.0f}",
            f"{row.gateway.serving_s * 1e6:,.0f}",
            f"{row.gateway.serving_s / reference:.2f}",
            f"{row.gateway.whole_s * 1e6:,.0f}",
            f"{row.gateway.whole_s / reference:.2f}",
            f"{row.memory_mb:.0f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
