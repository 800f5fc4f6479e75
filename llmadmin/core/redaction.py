"""What this process knows to be secret, and the redactor with that knowledge, for logs, audit entries and error texts."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from providers.redact import MARK, redact

_MAX_KNOWN = 2000
_MIN_LENGTH = 6
_SECRET_NAME = re.compile(
    r"^(?:.*[-_])?(?:api[-_]?key|authorization|password\d?|secret|access[-_]?token|setup[-_]?token|ciphertext|client[-_]?secret|cookie)$",
    re.IGNORECASE,
)
_known: OrderedDict[str, None] = OrderedDict()
_longest_first: tuple[str, ...] | None = ()
_lock = threading.Lock()


def hide(secret: str) -> None:
    """From now on remove `secret` from whatever this process writes, whatever its shape. Bounded: the oldest go first."""
    global _longest_first  # noqa: PLW0603
    if len(secret) < _MIN_LENGTH or secret in _known:
        return
    with _lock:
        _known[secret] = None
        if len(_known) > _MAX_KNOWN:
            _known.popitem(last=False)
        _longest_first = None


def redact_text(text: str) -> str:
    """`text` without the known secrets and without what looks like one."""
    return redact(text, secrets=_secrets())


def _secrets() -> tuple[str, ...]:
    """Longest first, since one secret may begin with another. Sorted once after a run of new ones."""
    global _longest_first  # noqa: PLW0603
    known = _longest_first
    if known is None:
        with _lock:
            known = _longest_first = tuple(sorted(_known, key=len, reverse=True))
    return known


def redact_deep(value: Any) -> Any:
    """A copy of a JSON-like value with every text redacted, and with values under secret names removed whole."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {
            name: MARK
            if isinstance(name, str) and value[name] and _SECRET_NAME.match(name)
            else redact_deep(value[name])
            for name in value
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_deep(one) for one in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact_text(str(value))
