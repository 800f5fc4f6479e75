"""What can go wrong in a change or a read, in words for people; the faces give each its status.

DomainError
├── InvalidError       400  the input; `fields` says which and why
├── ForbiddenError     403  this actor may not do this
│   └── UnconfirmedError    but may once they have confirmed that it is them
├── MissingError       404  no such object
├── InUseError         409  something still depends on it; `dependents` names it
├── ConflictError      409  the name is taken, or a state forbids it
│   ├── OwnedError          it belongs to a config file
│   └── UnheededError       it would be published and not work; it is done all the same when asked for
└── StaleError         412  somebody changed it since it was read
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class DomainError(Exception):
    """A refused act. `message` is a sentence that says what to do; it never holds a secret."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid"

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})


class InvalidError(DomainError):
    """The input can't be taken as it is."""

    @classmethod
    def of(cls, **fields: str) -> InvalidError:
        """One sentence for each wrong field: `InvalidError.of(slug="Use lower-case letters.")`."""
        return cls(" ".join(fields.values()), fields=fields)


class ForbiddenError(DomainError):
    status = 403
    code = "forbidden"


class UnconfirmedError(ForbiddenError):
    """The person may do this, after proving once more that it is them: pages ask for it and go on."""

    code = "confirmation_needed"


class MissingError(DomainError):
    status = 404
    code = "not_found"


class ConflictError(DomainError):
    status = 409
    code = "conflict"


class OwnedError(ConflictError):
    """A config file owns it: it is changed there, or taken over first."""

    code = "owned_by_file"


class UnheededError(ConflictError):
    """It can be done and would not work; `warnings` say why, in sentences. Asked for again with its say-so, it is done."""

    code = "would_not_work"

    def __init__(self, message: str, *, warnings: Sequence[str]) -> None:
        super().__init__(message)
        self.warnings = list(warnings)


class InUseError(ConflictError):
    """It can't go while others depend on it."""

    code = "in_use"

    def __init__(self, message: str, *, dependents: Sequence[str]) -> None:
        super().__init__(message)
        self.dependents = list(dependents)


class StaleError(DomainError):
    """Somebody saved the object after it was read, so that this save would overwrite theirs."""

    status = 412
    code = "stale"


_TYPES = {
    400: "invalid_request",
    401: "authentication",
    403: "permission",
    404: "not_found",
    405: "invalid_request",
    409: "conflict",
    412: "conflict",
    413: "invalid_request",
    415: "invalid_request",
    429: "rate_limit",
    503: "unavailable",
}


def type_of_status(status: int) -> str:
    """The `type` of REST's error bodies, wherever they are made: beside Django or in it."""
    return _TYPES.get(status, "internal")
