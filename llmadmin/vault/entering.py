"""Taking in a key: its text, or the place where its text lies, for the address that its provider has now."""

from __future__ import annotations

from llmadmin.accounts.permissions import SERVICES_MANAGE, may
from llmadmin.audit.services import current_actor
from llmadmin.catalog.models import Provider
from llmadmin.catalog.origin import origin_of
from llmadmin.core.errors import ForbiddenError, InvalidError
from llmadmin.vault.models import ApiKey
from llmadmin.vault.sealing import checked_plaintext, seal, seal_reference
from llmadmin.vault.sourcing import SourceError, is_pinned, read_source

_MAX_ORIGIN_LENGTH = 500


def enter_key(key: ApiKey, *, api_key: str = "", source_ref: str = "") -> None:
    """Seal one of the two into the row, which is not saved. Raises InvalidError, ForbiddenError.

    What the server can read and its people can't may only go where an owner, an admin or the allow-list says.
    """
    origin = _origin_to_enter_for(key.provider)
    source_ref = source_ref.strip() if isinstance(source_ref, str) else ""
    is_pasted = isinstance(api_key, str) and bool(api_key.strip())
    if is_pasted and source_ref:
        raise InvalidError.of(source_ref="Give the key itself, or where it lies, not both.")
    if is_pasted:
        seal(key, checked_plaintext(api_key), origin=origin)
        return
    if not source_ref:
        raise InvalidError.of(api_key="Paste the key that the provider gave you.")
    try:
        text = checked_plaintext(read_source(source_ref, origin=origin))
    except SourceError as problem:
        raise InvalidError.of(source_ref=str(problem)) from None
    except InvalidError as problem:
        raise InvalidError.of(source_ref=f"What lies there is no key. {problem.message}") from None
    if not is_pinned(source_ref, origin=origin) and not may(current_actor(), SERVICES_MANAGE):
        raise ForbiddenError(
            "Only owners and admins may send a key of this server's environment or files to an address. Ask one of them, or "
            f"pin it in LLMADMIN_KEY_SOURCES: {source_ref}@{origin.split()[0]}."
        )
    seal_reference(key, source_ref, text, origin=origin)


def _origin_to_enter_for(provider: Provider) -> str:
    origin = origin_of(provider)
    if not origin:
        raise InvalidError.of(provider=f"{provider.slug} has no address yet. Set its base URL, then enter the key.")
    if len(origin) > _MAX_ORIGIN_LENGTH:
        raise InvalidError.of(provider=f"{provider.slug} has a base URL or routing headers too long to bind a key to.")
    return origin
