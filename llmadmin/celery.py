"""The Celery application. Every job can be derived again from rows, so the in-memory broker of the embedded default loses nothing."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmadmin.settings")

app = Celery("llmadmin")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Threads of the embedded worker ask for "the current app", which is thread-local until one is the default.
app.set_default()

app.conf.beat_schedule = {
    "roll up hours with new records": {"task": "llmadmin.usage.tasks.roll_up_stale", "schedule": 10.0},
    "recover journals of dead processes": {"task": "llmadmin.usage.tasks.recover_journals", "schedule": 60.0},
    "tell webhooks": {"task": "llmadmin.alerts.tasks.deliver", "schedule": 3.0},
    "forget old messages": {"task": "llmadmin.alerts.tasks.prune", "schedule": 3600.0},
    "publish prices whose day has come": {"task": "llmadmin.config.tasks.publish_due_prices", "schedule": 60.0},
    "ask keys that failed": {"task": "llmadmin.gateway.tasks.probe_failed_keys", "schedule": 5.0},
    "retire keys that nobody uses any more": {"task": "llmadmin.gateway.tasks.retire_quiet_keys", "schedule": 30.0},
    "go on with re-encryptions": {"task": "llmadmin.vault.tasks.resume_reencryption", "schedule": 15.0},
}
