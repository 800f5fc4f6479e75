"""`make test`: everything the project can prove about itself on this machine, part by part, with a summary at its end.

A part that can't run here is named; in CI it fails.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.backing import ROOT, UnavailableError, postgres, redis
from tests.chromium import ensure_browser

IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
NO_TESTS_COLLECTED = 5
LEAST_COVERED_PERCENT = 95.0
"""Of the branches of `providers/`, and of its lines, by the provider layer's own tests."""

KEPT_SETTINGS = ("LLMADMIN_PEERS_DIR",)

figures: list[str] = []
"""What parts measured, said again with the summary."""


@dataclass
class Part:
    """One run of pytest and how it went."""

    name: str
    run: Callable[[], int]
    outcome: str = ""
    seconds: float = 0.0


def pytest(*arguments: str, **environment: str) -> int:
    """Run pytest in a process of its own, away from any local settings, and return its exit code."""
    with tempfile.TemporaryDirectory(prefix="llmadmin-test-") as data:
        clean = {
            name: value
            for name, value in os.environ.items()
            if name in KEPT_SETTINGS or not name.startswith(("LLMADMIN_", "DATABASE_", "REDIS_"))
        }
        clean |= {"LLMADMIN_DATA_DIR": data, "PYTHONDONTWRITEBYTECODE": "1", **environment}
        return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=ROOT, env=clean, check=False).returncode


def of_the_provider_layer() -> int:
    """The provider layer by itself, in all its processes and threads, and how much of it that runs through."""
    with tempfile.TemporaryDirectory(prefix="llmadmin-coverage-") as folder:
        report = Path(folder) / "coverage.json"
        code = pytest(
            *("-n", "2", "-m", "not slow", "tests/providers"),
            *("--cov=providers", "--cov-branch", f"--cov-report=json:{report}"),
            COVERAGE_FILE=str(Path(folder) / "coverage"),
        )
        return code or _judge_coverage(report)


def _judge_coverage(report: Path) -> int:
    """Print the figures; 1 where they are too low, after naming the files that most is missing of."""
    found = json.loads(report.read_text(encoding="utf-8"))
    branches = found["totals"]["percent_branches_covered"]
    lines = found["totals"]["percent_statements_covered"]
    figure = f"{branches:.1f} % of branches, {lines:.1f} % of lines (at least {LEAST_COVERED_PERCENT:g} %)"
    figures.append(f"Coverage of providers/: {figure}")
    print(figures[-1])
    if min(branches, lines) >= LEAST_COVERED_PERCENT:
        return 0
    files = sorted(found["files"].items(), key=lambda file: file[1]["summary"]["missing_branches"], reverse=True)
    for path, file in files[:10]:
        print(f"  {path}: {file['summary']['missing_branches']} branches, lines {file['missing_lines']}")
    return 1


def on_sqlite() -> int:
    return pytest("-n", "2", "-m", "not browser and not slow", "--ignore=tests/providers", "tests")


def on_postgres_and_redis() -> int:
    with ExitStack() as stack:
        database, cache = stack.enter_context(postgres()), stack.enter_context(redis())
        return pytest(
            *(
                "-n",
                "2",
                "-m",
                "not browser and not slow",
                "--ignore=tests/providers",
                "--ignore=tests/simulator",
                "tests",
            ),
            DATABASE_URL=database,
            REDIS_URL=cache,
        )


def in_a_browser() -> int:
    browser = ensure_browser()
    if browser is None:
        raise UnavailableError("no Chromium here, and none could be installed. Set CHROMIUM to the path of one.")
    # Playwright's own event loop and those of async tests do not share one process, so this run is apart.
    return pytest("-m", "browser", "tests/browser", CHROMIUM=browser)


def slow() -> int:
    return pytest("-m", "slow", "tests")


def main() -> int:
    parts = [
        Part("provider layer and its coverage", of_the_provider_layer),
        Part("unit, contract and journeys on SQLite", on_sqlite),
        Part("database parts on PostgreSQL and Redis", on_postgres_and_redis),
        Part("browser", in_a_browser),
    ]
    if "--slow" in sys.argv:
        parts = [Part("slow", slow)]
    for part in parts:
        _run(part)
    print("\nParts:")
    for part in parts:
        print(f"  {part.outcome:<9} {part.seconds:6.0f} s  {part.name}")
    for figure in figures:
        print(figure)
    failed = sum(part.outcome.startswith("failed") for part in parts)
    return 1 if failed else 0


def _run(part: Part) -> None:
    print(f"\n=== {part.name} ===", flush=True)
    started = time.monotonic()
    try:
        code = part.run()
    except UnavailableError as problem:
        part.outcome = "failed" if IN_CI else "NOT RUN"
        print(f"{part.name}: {problem}")
    else:
        part.outcome = "passed" if code == 0 else "failed"
        if code == NO_TESTS_COLLECTED:
            print(f"{part.name}: pytest found no test.")
    part.seconds = time.monotonic() - started


if __name__ == "__main__":
    raise SystemExit(main())
