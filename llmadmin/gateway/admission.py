"""Authenticate and admit: which service knocks, and may it call what it names? From memory alone.

401 stands for a bad key only. What is not granted is 403, what does not exist 404, naming near names that this caller
may see.
"""

from __future__ import annotations

import time
from hashlib import sha256

from llmadmin.core.exchange import Scope
from llmadmin.gateway.callers import ADMIN, CALL, Caller, Grant
from llmadmin.gateway.errors import GatewayError, bad_key, not_allowed
from llmadmin.gateway.retirement import check_answers
from llmadmin.gateway.snapshot import Snapshot
from providers.config import Resolution, UnknownNameError
from providers.resolution import near_names

_SCHEMES = (b"Bearer ", b"bearer ")


def find_key(scope: Scope) -> bytes:
    """The service key of a request: `Authorization: Bearer …`, or `x-api-key` as the Anthropic SDK sends it."""
    other = b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            if value[:7] in _SCHEMES:
                return bytes(value[7:].strip())
        elif name == b"x-api-key":
            other = value.strip()
    return other


def authenticate(scope: Scope, snapshot: Snapshot) -> Grant:
    """The grant of the key that came. Raises a 401."""
    key = find_key(scope)
    if not key:
        raise bad_key("No service key was sent. Send it as 'Authorization: Bearer <key>'.")
    grant = snapshot.admission.get(sha256(key).digest())
    if grant is None or grant.expires_s <= time.time():
        raise bad_key()
    return grant


def require_scope(caller: Caller, scope: str) -> None:
    if scope not in caller.scopes and ADMIN not in caller.scopes:
        raise not_allowed(f"This service key lacks the scope {scope}. Add it on the page of the service.")


def admit(caller: Caller, snapshot: Snapshot, name: str) -> Resolution:
    """What `name` means for this caller. Raises 403, 404, and 410 where it has ended."""
    require_scope(caller, CALL)
    try:
        resolution = snapshot.config.resolve(name)
    except UnknownNameError as unknown:
        raise unknown_model(caller, snapshot, name, unknown) from None
    if not caller.may_call(resolution):
        raise not_allowed(
            f"The service '{caller.service}' may not call '{name}'. Grant it the alias on the page of the service.",
            param="model",
        )
    check_answers(snapshot, resolution)
    return resolution


def unknown_model(
    caller: Caller, snapshot: Snapshot, name: str, unknown: UnknownNameError | None = None
) -> GatewayError:
    """The 404 for a name that means nothing, with names that look like it, of those that the caller may see."""
    near = near_names(name, caller.visible_names(snapshot.config))
    hint = f" Did you mean {' or '.join(near)}?" if near else " GET /v1/models lists what this key may call."
    is_ambiguous = unknown is not None and not caller.aliases and name in snapshot.config.models_by_bare_name
    message = str(unknown) if is_ambiguous else f"The model '{name[:200]}' does not exist.{hint}"
    return GatewayError(404, message, code="model_not_found", param="model")
