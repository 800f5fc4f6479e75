"""The `llmadmin` command: Django's management commands, ours among them."""

from __future__ import annotations

import os
import secrets
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmadmin.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    if sys.argv[1:] == ["doctor", "--new-key"]:
        # Asked before any setting can be read: production settings refuse to load without the key that this prints.
        print(secrets.token_urlsafe(32))
        return
    name, *rest = sys.argv[1:] or ["help"]
    try:
        # `create-service` is the module `create_service`.
        execute_from_command_line(["llmadmin", name if name.startswith("-") else name.replace("-", "_"), *rest])
    except ImproperlyConfigured as problem:
        print(f"llmadmin can't start: {problem}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
