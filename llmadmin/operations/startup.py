"""What happens before the first request: schema, encryption key, first version, and the way in for the first owner."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from llmadmin.accounts.actors import system_actor
from llmadmin.accounts.first_owner import ensure_setup_token
from llmadmin.config.selectors import current_publication
from llmadmin.config.services import publish
from llmadmin.core.keyring import KeyRing
from llmadmin.operations.schema import UnknownSchemaError, bring_up_to_date
from llmadmin.vault.readiness import require_readable_keys


class StartRefusedError(Exception):
    """The server must not start like this; the message says what to do."""


def prepare(*, host: str, port: int) -> str:
    """Make the database ready and return the lines that tell people where to go."""
    try:
        KeyRing.from_settings()
        migrated = bring_up_to_date()
        require_readable_keys()
    except (ImproperlyConfigured, UnknownSchemaError) as problem:
        raise StartRefusedError(str(problem)) from problem
    except OperationalError as problem:
        raise StartRefusedError(
            f"The database does not answer: {str(problem).splitlines()[0]}. Check DATABASE_URL."
        ) from problem
    if current_publication()[0] == 0:
        publish(by=system_actor("llmadmin"), why="First start")
    return _welcome(host=host, port=port, migrated=migrated)


def _welcome(*, host: str, port: int, migrated: int) -> str:
    shown_host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - shown, not bound
    base = settings.PUBLIC_URL or f"http://{shown_host}:{port}"
    engine = "PostgreSQL" if "postgresql" in settings.DATABASES["default"]["ENGINE"] else "SQLite"
    lines = [
        "",
        "  llmadmin",
        "",
        f"  Database   {engine}, {migrated} migrations applied" if migrated else f"  Database   {engine}",
    ]
    lines.append(f"  Data       {settings.DATA_DIR}")
    token = ensure_setup_token()
    if token:
        lines += [
            f"  Sign in    {base}/setup/",
            f"  Token      {token}",
            "",
            "  No owner yet: open the page and give this one-time token to make the first account.",
        ]
    else:
        lines.append(f"  Sign in    {base}/")
    lines += ["", f"  REST       {base}/api/docs/", f"  Gateway    {base}/v1/", ""]
    return "\n".join(lines)
