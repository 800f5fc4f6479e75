"""Aliases that are to go: what their callers are told, and when they are refused.

`Deprecation` is RFC 9745's, `Sunset` RFC 8594's, `Link: …; rel="successor-version"` RFC 5829's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote

from llmadmin.gateway.errors import GatewayError
from llmadmin.gateway.snapshot import Snapshot
from providers.config import AliasConfig, Resolution

Headers = list[tuple[bytes, bytes]]


def retirement_headers(snapshot: Snapshot, alias_name: str) -> Headers:
    """What is said beside every answer of a deprecated alias; nothing for the others."""
    alias = snapshot.config.aliases.get(alias_name)
    if alias is None or not alias.deprecated:
        return []
    since = alias.deprecated_at or snapshot.config.published_at
    headers = [] if since is None else [(b"deprecation", b"@%d" % since.timestamp())]
    if alias.sunset_at is not None:
        headers.append((b"sunset", format_datetime(alias.sunset_at.astimezone(UTC), usegmt=True).encode()))
    if alias.replacement:
        name = alias.replacement.encode()
        headers.append((b"link", b'</v1/models/%s>; rel="successor-version"' % quote(name).encode()))
        headers.append((b"x-llmadmin-replacement", name))
    return headers


def has_ended(snapshot: Snapshot, resolution: Resolution) -> bool:
    """Whether the name answers no more, since its alias has come to its sunset and was to refuse from then on."""
    alias = _alias_of(snapshot, resolution)
    return alias is not None and alias.after_sunset != "answer" and alias.has_ended(datetime.now(UTC))


def check_answers(snapshot: Snapshot, resolution: Resolution) -> None:
    """Raise a 410 that names the replacement where the alias has ended."""
    alias = _alias_of(snapshot, resolution)
    if alias is None or alias.sunset_at is None or not has_ended(snapshot, resolution):
        return
    instead = f" Use '{alias.replacement}' instead." if alias.replacement else ""
    note = f" {alias.deprecated}" if alias.deprecated and not alias.replacement else ""
    headers = {name.decode(): value.decode() for name, value in retirement_headers(snapshot, alias.name)}
    raise GatewayError(
        410,
        f"The alias '{alias.name}' ended on {alias.sunset_at.astimezone(UTC):%Y-%m-%d}.{instead}{note}",
        code="alias_ended",
        param="model",
        headers={**headers, "x-should-retry": "false"},
    )


def _alias_of(snapshot: Snapshot, resolution: Resolution) -> AliasConfig | None:
    return snapshot.config.aliases.get(resolution.alias) if resolution.alias else None
