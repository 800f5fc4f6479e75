"""The one redactor: removes what looks like a secret, or is known to be one, from text that people or logs will see."""

from __future__ import annotations

import re
from collections.abc import Iterable

MARK = "[redacted]"

_LOOKS_SECRET = re.compile(
    r"""
      \b(?:sk|pk|rk|gsk|hf|xai|r8|lla|lladm|csk|pplx|nvapi|fw)[-_][A-Za-z0-9_\-]{8,}   # vendors' and our own prefixes
    | \bAIza[A-Za-z0-9_\-]{20,}                                                # Google
    | \bBearer\s+(?!\[redacted\])[A-Za-z0-9._~+/\-]{6,}=*
    | \bBasic\s+(?!\[redacted\])[A-Za-z0-9+/]{8,}=*
    | (?<=://)[^/\s:@]+:[^/\s@]+(?=@)                                          # user:password in a URL
    """,
    re.VERBOSE,
)
_NAMED = re.compile(
    r"""(?P<name>["']?\b(?:api[-_]?key|x-api-key|x-goog-api-key|authorization|password|secret|access[-_]?token)\b["']?\s*[:=]\s*["']?)"""
    r"""(?P<value>(?:Bearer\s+)?[^\s"',;&}\]]{6,})""",
    re.IGNORECASE,
)


def redact(text: str, *, secrets: Iterable[str] = ()) -> str:
    """`text` without secrets: the given ones exactly, others by their shape or by the name before them."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, MARK)
    text = _NAMED.sub(lambda found: found["name"] + MARK, text)
    return _LOOKS_SECRET.sub(MARK, text)
