"""Single sign-on as the environment describes it: one OpenID Connect provider, who may come through it, and as what.

Read by the settings, so it knows no tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from llmadmin.env import SetupError, env, secret

PROVIDER_ID = "sso"
"""Stands in the callback's address: `/accounts/oidc/sso/login/callback/`."""
_ROLES = ("owner", "admin", "editor", "viewer")


@dataclass(frozen=True, slots=True)
class OIDC:
    """The provider, and the rules for whoever it vouches for."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    scopes: tuple[str, ...]
    domains: frozenset[str]
    """E-mail domains whose people get an account at their first sign-in. Empty: only who is invited or has one."""
    default_role: str
    """The role of an account made at its first sign-in; "" refuses whom `roles` does not name."""
    role_claim: str
    """The claim, such as `groups`, that `roles` is looked up in; "" leaves roles to people here."""
    roles: tuple[tuple[str, str], ...]
    """(role, value of the claim), the highest role first. The first that matches holds, at each sign-in."""
    trusts_addresses: bool
    """Take addresses as verified also where the provider sends no `email_verified`, as Microsoft Entra ID does."""

    def as_allauth(self) -> dict[str, Any]:
        """The same as `SOCIALACCOUNT_PROVIDERS` wants it."""
        app = {
            "provider_id": PROVIDER_ID,
            "name": self.name,
            "client_id": self.client_id,
            "secret": self.client_secret,
            "settings": {"server_url": self.issuer, "scope": list(self.scopes)},
        }
        return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "SCOPE": list(self.scopes), "APPS": [app]}}


def oidc_from_environment() -> OIDC | None:
    """What `LLMADMIN_OIDC_…` says, or None without an issuer. Raises SetupError, saying what to set."""
    issuer = env.str("LLMADMIN_OIDC_ISSUER", "").strip().rstrip("/")
    if not issuer:
        return None
    if not issuer.startswith(("https://", "http://")):
        raise SetupError("LLMADMIN_OIDC_ISSUER must be an address such as https://login.example.com.")
    client_id = env.str("LLMADMIN_OIDC_CLIENT_ID", "").strip()
    client_secret = secret("LLMADMIN_OIDC_CLIENT_SECRET") or ""
    if not client_id or not client_secret:
        raise SetupError(
            "LLMADMIN_OIDC_ISSUER is set, so LLMADMIN_OIDC_CLIENT_ID and LLMADMIN_OIDC_CLIENT_SECRET (or "
            "LLMADMIN_OIDC_CLIENT_SECRET_FILE) are needed too. The provider shows both where llmadmin is registered."
        )
    return OIDC(
        issuer=issuer,
        client_id=client_id,
        client_secret=client_secret,
        name=env.str("LLMADMIN_OIDC_NAME", "").strip() or "single sign-on",
        scopes=tuple((env.str("LLMADMIN_OIDC_SCOPES", "") or "openid profile email").split()),
        domains=frozenset(one.lower().lstrip("@") for one in _listed("LLMADMIN_OIDC_DOMAINS")),
        default_role=_default_role(),
        role_claim=env.str("LLMADMIN_OIDC_ROLE_CLAIM", "").strip(),
        roles=_roles(),
        trusts_addresses=env.bool("LLMADMIN_OIDC_TRUST_EMAIL", False),
    )


def _default_role() -> str:
    given = env.str("LLMADMIN_OIDC_DEFAULT_ROLE", "").strip().lower() or "viewer"
    if given not in (*_ROLES, "none"):
        raise SetupError(f"LLMADMIN_OIDC_DEFAULT_ROLE is {given!r}. Choose {', '.join(_ROLES)}, or none.")
    return "" if given == "none" else given


def _roles() -> tuple[tuple[str, str], ...]:
    """`admin=llm-admins,editor=data-team` as pairs, the highest role first."""
    pairs = []
    for one in _listed("LLMADMIN_OIDC_ROLES"):
        role, equals, value = (part.strip() for part in one.partition("="))
        if role not in _ROLES or not equals or not value:
            raise SetupError(f"LLMADMIN_OIDC_ROLES: {one!r} is no pair. Write admin=GROUP,editor=GROUP.")
        pairs.append((role, value))
    if pairs and not env.str("LLMADMIN_OIDC_ROLE_CLAIM", "").strip():
        raise SetupError("LLMADMIN_OIDC_ROLES is set, so LLMADMIN_OIDC_ROLE_CLAIM must name the claim, such as groups.")
    return tuple(sorted(pairs, key=lambda pair: _ROLES.index(pair[0])))


def _listed(name: str) -> list[str]:
    return [one.strip() for one in env.str(name, "").split(",") if one.strip()]
