"""`llmadmin doctor`: is this installation well, and if not, what to do."""

from __future__ import annotations

from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table

from llmadmin.operations.checkup import run_checks

_MARKS = {"ok": "[green]●[/] ok", "warning": "[yellow]●[/] look", "problem": "[red]●[/] mend"}


class Command(BaseCommand):
    help = "Check the installation and say what to mend. Ends with 1 when something must be mended."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        # Answered in llmadmin.__main__, before settings load; declared here so that --help tells of it.
        parser.add_argument("--new-key", action="store_true", help="Print a fresh encryption key and end.")

    def handle(self, **options: Any) -> None:
        table = Table(box=None, show_header=False, pad_edge=False)
        findings = list(run_checks())
        for finding in findings:
            table.add_row(_MARKS[finding.level], finding.subject, finding.message)
        Console(file=cast("IO[str]", self.stdout)).print(table)
        if any(finding.level == "problem" for finding in findings):
            raise SystemExit(1)
