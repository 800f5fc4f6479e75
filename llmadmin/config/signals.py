"""What this process hears when a config comes into force."""

from __future__ import annotations

from django.dispatch import Signal

published = Signal()
"""Sent after the commit of a change of this process: `version`, `revision`."""
