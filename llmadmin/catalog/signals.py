"""What rooms above need to hear, sent inside the transaction of the change."""

from __future__ import annotations

from django.dispatch import Signal

origin_changed = Signal()
"""Keys of `provider` would now be sent elsewhere: `provider`, `before`, `after` (origins as `catalog.origin` writes them)."""
