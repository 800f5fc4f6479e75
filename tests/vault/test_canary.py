"""A planted key must be found nowhere: not in the database, not in the audit log, not in a log line."""

import io
import logging
from pathlib import Path

import pytest
import structlog
from django.db import connection

from llmadmin.accounts.services import create_service, issue_key
from llmadmin.audit.models import AuditEntry
from llmadmin.audit.services import note_now
from llmadmin.catalog.services import create_provider, update_provider
from llmadmin.config.services import change
from llmadmin.vault.opening import open_sealed, sealed_rows
from llmadmin.vault.services import add_key, rotate_key, update_key

CANARY, SECOND = "canary7f3a9c0e5b1d", "canary-two-44be90aa"
CONTROL = "label-that-must-be-found"


def _stored_bytes() -> bytes:
    """Everything the database holds: SQLite's files as they lie on disk, PostgreSQL's rows as text."""
    if connection.vendor == "sqlite":
        path = connection.settings_dict["NAME"]
        return b"".join(file.read_bytes() for file in Path(path).parent.glob(f"{Path(path).name}*"))
    with connection.cursor() as cursor:
        texts = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            texts += [row[0] for row in cursor.fetchall()]
    return "\n".join(texts).encode()


@pytest.mark.django_db(transaction=True)
def test_g09_a_planted_key_is_found_nowhere(actor):
    lines = io.StringIO()
    handler = logging.getLogger().handlers[0]
    before = handler.setStream(lines)

    try:
        with change(by=actor, why=f"someone pasted {CANARY} here"):
            provider = create_provider(slug="lab", kind="local", base_url="http://127.0.0.1:9000/v1")
            key = add_key(provider, label=CONTROL, api_key=CANARY)
            service_key = issue_key(create_service(name="shop", scopes=["admin"]))[1]
            rotate_key(key, api_key=SECOND)
            update_key(key, api_key=CANARY, weight=2)
            opened = open_sealed(sealed_rows()[0], origin="http://127.0.0.1:9000")
            update_provider(provider, base_url="http://127.0.0.1:9001/v1", label=f"label {CONTROL}")
        note_now(actor, "refused", "key", f"tried {CANARY}", after={"body": {"key": SECOND}}, why=service_key)
        logging.getLogger("upstream").warning("%s: sent %s, then %r", CONTROL, CANARY, {"k": SECOND})
        structlog.get_logger("ours").error("failed", keys=[CANARY, {"deep": service_key}])
        try:
            raise RuntimeError(f"vendor said: invalid key {CANARY}")
        except RuntimeError:
            logging.getLogger("upstream").exception("call failed")
    finally:
        handler.setStream(before)

    assert opened == CANARY
    audit = str(list(AuditEntry.objects.values()))
    stored = _stored_bytes()
    for place in (audit, lines.getvalue(), stored.decode(errors="replace")):
        assert CONTROL in place
        for secret in (CANARY, SECOND, service_key):
            assert secret not in place
    for secret in (CANARY, SECOND, service_key):
        assert secret.encode().hex().encode() not in stored
