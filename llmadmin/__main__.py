"""The `llmadmin` command: Django's management commands, ours among them."""

from __future__ import annotations

import os
import secrets
import sys

USES_ROWS = frozenset(
    {
        "apply",
        "export",
        "diff",
        "rollback",
        "backup",
        "rotate_encryption_key",
        "createsuperuser",
        "changepassword",
        "reset_second_factor",
    }
)
"""Commands that work in a fresh clone as well: the tables are made, or brought up to date, first."""


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmadmin.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    if sys.argv[1:] == ["doctor", "--new-key"]:
        # Asked before any setting can be read: production settings refuse to load without the key that this prints.
        print(secrets.token_urlsafe(32))
        return
    name, *rest = sys.argv[1:] or ["help"]
    # `create-service` is the module `create_service`.
    name = name if name.startswith("-") else name.replace("-", "_")
    try:
        if name in USES_ROWS and not {"-h", "--help"} & set(rest):
            _make_tables()
        execute_from_command_line(["llmadmin", name, *rest])
    except ImproperlyConfigured as problem:
        print(f"llmadmin can't start: {problem}", file=sys.stderr)
        raise SystemExit(2) from None


def _make_tables() -> None:
    import django
    from django.db import DatabaseError

    django.setup()
    from llmadmin.operations.schema import UnknownSchemaError, bring_up_to_date

    try:
        bring_up_to_date()
    except UnknownSchemaError as problem:
        print(problem, file=sys.stderr)
        raise SystemExit(2) from None
    except DatabaseError as problem:
        words = str(problem).strip().partition("\n")[0]
        print(f"The database can't be used: {words}. `llmadmin doctor` says more.", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
