"""What each actor may do. Asked below the views, so that every face gets the same answer."""

from __future__ import annotations

from llmadmin.accounts.models import Role
from llmadmin.audit.actor import Actor
from llmadmin.audit.services import current_actor, note_now
from llmadmin.core.errors import ForbiddenError, UnconfirmedError

CONFIG_VIEW = "config.view"
CONFIG_EDIT = "config.edit"
SECRETS_WRITE = "secrets.write"
SERVICES_MANAGE = "services.manage"
PEOPLE_MANAGE = "people.manage"
OWN_KEYS = "own_keys.manage"
USAGE_VIEW = "usage.view"
PLAYGROUND_RUN = "playground.run"
TRAFFIC_SWITCH = "traffic.switch"
AUDIT_EXPORT = "audit.export"

ALL = frozenset(
    {
        CONFIG_VIEW,
        CONFIG_EDIT,
        SECRETS_WRITE,
        SERVICES_MANAGE,
        PEOPLE_MANAGE,
        OWN_KEYS,
        USAGE_VIEW,
        PLAYGROUND_RUN,
        TRAFFIC_SWITCH,
        AUDIT_EXPORT,
    }
)

_OF_ROLE: dict[str, frozenset[str]] = {
    Role.OWNER: ALL,
    Role.ADMIN: ALL,
    Role.EDITOR: frozenset(
        {CONFIG_VIEW, CONFIG_EDIT, SECRETS_WRITE, OWN_KEYS, USAGE_VIEW, PLAYGROUND_RUN, TRAFFIC_SWITCH}
    ),
    Role.VIEWER: frozenset({CONFIG_VIEW, USAGE_VIEW}),
}
_OF_SCOPE: dict[str, frozenset[str]] = {
    "admin": frozenset(
        {CONFIG_VIEW, CONFIG_EDIT, SECRETS_WRITE, SERVICES_MANAGE, USAGE_VIEW, TRAFFIC_SWITCH, AUDIT_EXPORT}
    ),
    "config:read": frozenset({CONFIG_VIEW}),
    "usage:read": frozenset({USAGE_VIEW}),
}
_IN_WORDS = {
    CONFIG_VIEW: "see the configuration",
    CONFIG_EDIT: "change the configuration",
    SECRETS_WRITE: "enter API keys",
    SERVICES_MANAGE: "manage services and their keys",
    PEOPLE_MANAGE: "manage people",
    OWN_KEYS: "hold keys of their own",
    USAGE_VIEW: "see usage",
    PLAYGROUND_RUN: "run the playground",
    TRAFFIC_SWITCH: "stop traffic or let it run again",
    AUDIT_EXPORT: "take the audit log along as a file",
}


def permissions_of(actor: Actor) -> frozenset[str]:
    match actor.kind:
        case "command" | "system":
            return ALL
        case "person":
            return frozenset() if actor.is_held else _OF_ROLE.get(actor.role, frozenset())
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


def guard_confirmed(act: str) -> None:
    """Step-up: raise UnconfirmedError unless the person acting proved a moment ago that it is them.

    `act` finishes the sentence "to …". Services are judged by their scopes, commands by who may run them.
    """
    actor = current_actor()
    if actor.kind == "person" and not actor.is_fresh:
        raise UnconfirmedError(f"Confirm that it is you to {act}: sign in again, then repeat it.")


def roles_with(permission: str) -> list[str]:
    """The roles that hold `permission`."""
    return [role for role, granted in _OF_ROLE.items() if permission in granted]


def refusal(actor: Actor, permission: str) -> str:
    """The sentence that says what is missing and who can help."""
    act = _IN_WORDS.get(permission, permission)
    if actor.kind == "service":
        return f"The key of {actor.label} has no scope to {act}. Use a key of a service that has it."
    if actor.is_held:
        return "Set up a second factor first: this installation asks it of your role. Open Your account in the browser."
    role = f"Your role ({actor.role})" if actor.role else "Your account"
    return f"{role} may not {act}. Ask an owner or admin."
