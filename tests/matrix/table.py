"""The doors, and behind which of them each call of `calls.txt` stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROLES = ("owner", "admin", "editor", "viewer")
SCOPES = ("config:read", "secrets:read", "usage:write", "usage:read", "gateway:call", "admin")


@dataclass(frozen=True, slots=True)
class Door:
    """Who is let in: people by their role, and over REST services whose key has one of `scopes`."""

    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    is_open: bool = False
    """To everyone, signed in or not."""


def _door(roles: str, scopes: str = "") -> Door:
    return Door(frozenset(roles.split()), frozenset(scopes.split()))


DOORS = {
    #                       people                       services with the scope
    "config.view": _door("owner admin editor viewer", "config:read admin"),
    "usage.view": _door("owner admin editor viewer", "usage:read admin"),
    "both.view": _door("owner admin editor viewer", "admin"),  # what shows configuration and usage at once
    "config.edit": _door("owner admin editor", "admin"),
    "secrets.write": _door("owner admin editor", "admin"),
    "traffic.switch": _door("owner admin editor", "admin"),
    "playground.run": _door("owner admin editor"),
    "own_keys.manage": _door("owner admin editor"),
    "services.manage": _door("owner admin", "admin"),
    "audit.export": _door("owner admin", "admin"),
    "people.manage": _door("owner admin"),
    "usage:write": _door("", "usage:write admin"),
    "gateway:call": _door("", "gateway:call admin"),
    "signed-in": _door("owner admin editor viewer"),  # what is about oneself
    "everyone": Door(is_open=True),
    "nobody": Door(),  # single sign-on, which the tests' settings do not have
}


def lines() -> Iterator[tuple[str, str, str]]:
    """(address, method, door): `GET POST config.edit` puts both methods behind that door."""
    for line in (Path(__file__).parent / "calls.txt").read_text(encoding="utf-8").splitlines():
        name, *words = line.partition("#")[0].split() or [""]
        methods: list[str] = []
        for word in words:
            if word.isupper():
                methods.append(word)
                continue
            yield from ((name, method, word) for method in methods)
            methods = []


TABLE = {(name, method): door for name, method, door in lines() if not name.startswith("live:")}
LIVE = {(name.removeprefix("live:"), method): door for name, method, door in lines() if name.startswith("live:")}
