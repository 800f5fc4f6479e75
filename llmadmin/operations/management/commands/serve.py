"""`llmadmin serve`: from an empty data folder to a running server."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from llmadmin.operations.protocol import BoundedProtocol
from llmadmin.operations.single import AlreadyServedError, DataFolderLock

PARTS = ("web", "gateway", "worker", "beat")


class Command(BaseCommand):
    help = "Run the server: admin UI, REST API, gateway and, without Redis, the background jobs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on (default: 127.0.0.1).")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=1, help="Server processes; more than one needs REDIS_URL.")
        parser.add_argument("--only", choices=PARTS, help="Run one part: web, gateway, worker or beat.")

    def handle(self, *, host: str, port: int, workers: int, only: str | None, **options: Any) -> None:
        if only in ("worker", "beat"):
            self._run_celery(only)
            return
        if workers > 1 and not settings.REDIS_URL:
            raise CommandError(
                "--workers above 1 needs REDIS_URL (and DATABASE_URL): without Redis one server process runs."
            )
        with ExitStack() as stack:
            if not settings.REDIS_URL:
                try:
                    stack.enter_context(DataFolderLock(settings.DATA_DIR))
                except AlreadyServedError as refusal:
                    raise CommandError(str(refusal)) from refusal
            self._prepare(host=host, port=port)
            if not settings.REDIS_URL:
                from llmadmin.operations.jobs import EmbeddedJobs

                stack.enter_context(EmbeddedJobs())
            os.environ["LLMADMIN_SERVE_ONLY"] = only or ""
            uvicorn.run(
                "llmadmin.asgi:application",
                host=host,
                port=port,
                workers=workers,
                loop="uvloop",
                http=BoundedProtocol,
                lifespan="on",
                access_log=False,
                server_header=False,
                log_config=None,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=25,
            )

    def _prepare(self, *, host: str, port: int) -> None:
        from llmadmin.operations.startup import StartRefusedError, prepare

        try:
            welcome = prepare(host=host, port=port)
        except StartRefusedError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(welcome)
        self.stdout.flush()

    def _run_celery(self, part: str) -> None:
        if not settings.REDIS_URL:
            raise CommandError(
                f"`serve --only {part}` needs REDIS_URL: without Redis the jobs run inside the server process."
            )
        from llmadmin.celery import app

        arguments = {
            "worker": ["worker", "--pool=threads", "--concurrency=4", "--without-gossip", "--without-mingle"],
            "beat": ["beat", f"--schedule={settings.DATA_DIR / 'beat-schedule'}"],
        }[part]
        app.start([*arguments, f"--loglevel={settings.LOG_LEVEL}"])
