"""Django's `flush`, after the audit log was emptied by the door that retention uses. Outside of tests there is no such door."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.commands.flush import Command as DjangoFlush
from django.db import connections, transaction
from django.db.models import QuerySet

from llmadmin.audit.models import AuditEntry, Pruning


class Command(DjangoFlush):
    def handle(self, **options: Any) -> None:
        database = options["database"]
        if AuditEntry._meta.db_table in connections[database].introspection.table_names():
            with transaction.atomic(using=database):
                Pruning.objects.using(database).create(older_than=dt.datetime.max.replace(tzinfo=dt.UTC))
                QuerySet(AuditEntry, using=database).delete()
                Pruning.objects.using(database).all().delete()
        super().handle(**options)
