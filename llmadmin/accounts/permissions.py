"""What each actor may do. Asked below the views, so that every face gets the same answer."""

from __future__ import annotations

from llmadmin.accounts.models import Role
from llmadmin.audit.actor import Actor
from llmadmin.audit.services import current_actor, note_now
from llmadmin.core.errors import ForbiddenError

CONFIG_VIEW = "config.view"
CONFIG_EDIT = "config.edit"
SECRETS_WRITE = "secrets.write"
SERVICES_MANAGE = "services.manage"
PEOPLE_MANAGE = "people.manage"
USAGE_VIEW = "usage.view"
PLAYGROUND_RUN = "playground.run"

ALL = frozenset({CONFIG_VIEW, CONFIG_EDIT, SECRETS_WRITE, SERVICES_MANAGE, PEOPLE_MANAGE, USAGE_VIEW, PLAYGROUND_RUN})

_OF_ROLE: dict[str, frozenset[str]] = {
    Role.OWNER: ALL,
    Role.ADMIN: ALL,
    Role.EDITOR: frozenset({CONFIG_VIEW, CONFIG_EDIT, SECRETS_WRITE, USAGE_VIEW, PLAYGROUND_RUN}),
    Role.VIEWER: frozenset({CONFIG_VIEW, USAGE_VIEW}),
}
_OF_SCOPE: dict[str, frozenset[str]] = {
    "admin": frozenset({CONFIG_VIEW, CONFIG_EDIT, SECRETS_WRITE, SERVICES_MANAGE, USAGE_VIEW}),
    "config:read": frozenset({CONFIG_VIEW}),
    "usage:read": frozenset({USAGE_VIEW}),
}
_IN_WORDS = {
    CONFIG_VIEW: "see the configuration",
    CONFIG_EDIT: "change the configuration",
    SECRETS_WRITE: "enter API keys",
    SERVICES_MANAGE: "manage services and their keys",
    PEOPLE_MANAGE: "manage people",
    USAGE_VIEW: "see usage",
    PLAYGROUND_RUN: "run the playground",
}


def permissions_of(actor: Actor) -> frozenset[str]:
    match actor.kind:
        case "command" | "system":
            return ALL
        case "person":
            return _OF_ROLE.get(actor.role, frozenset())
        case "service":
            return frozenset().union(*(_OF_SCOPE.get(scope, frozenset()) for scope in actor.scopes))
    return frozenset()


def may(actor: Actor, permission: str) -> bool:
    return permission in permissions_of(actor)


def require(actor: Actor, permission: str) -> None:
    """Raise ForbiddenError, and leave an audit entry of the refusal, unless `actor` has `permission`.

    Call it outside of a transaction that the refusal would roll back.
    """
    if permission not in ALL:
        raise ValueError(f"There is no permission {permission!r}.")
    if may(actor, permission):
        return
    note_now(actor, "refused", "permission", permission, was_refused=True)
    raise ForbiddenError(refusal(actor, permission))


def guard(permission: str) -> None:
    """The floor below every face: raise ForbiddenError unless whoever is acting has `permission`.

    Services call it inside a change, where an entry would be rolled back; `config.change` has asked `require` before.
    """
    actor = current_actor()
    if not may(actor, permission):
        raise ForbiddenError(refusal(actor, permission))


def refusal(actor: Actor, permission: str) -> str:
    """The sentence that says what is missing and who can help."""
    act = _IN_WORDS.get(permission, permission)
    if actor.kind == "service":
        return f"The key of {actor.label} has no scope to {act}. Use a key of a service that has it."
    role = f"Your role ({actor.role})" if actor.role else "Your account"
    return f"{role} may not {act}. Ask an owner or admin."
