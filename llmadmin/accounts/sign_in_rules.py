"""What the installation asks of everyone who signs in: which ways are open, and who needs a second factor."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from llmadmin.accounts.models import Role, SecondFactorRule, SignInRules, SignInWays, User
from llmadmin.accounts.permissions import PEOPLE_MANAGE, guard, guard_confirmed
from llmadmin.audit.services import note
from llmadmin.audit.state import state_of
from llmadmin.core.errors import InvalidError, StaleError

SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
_MANAGERS = (Role.OWNER, Role.ADMIN)


def sign_in_rules() -> SignInRules:
    """The rules in force; unsaved defaults while nobody changed them."""
    return SignInRules.objects.filter(pk=1).first() or SignInRules(pk=1)


def update_sign_in_rules(*, expected_revision: int | None = None, **fields: Any) -> SignInRules:
    """Set the given rules. Inside `config.change`, by whoever may manage people and confirmed that it is them.

    Raises InvalidError for single sign-on only where none is set up, StaleError, ForbiddenError.
    """
    guard(PEOPLE_MANAGE)
    guard_confirmed("change how people sign in")
    rules = SignInRules.objects.select_for_update().filter(pk=1).first() or SignInRules(pk=1)
    if expected_revision is not None and rules.revision != expected_revision:
        raise StaleError("Someone changed the sign-in rules since you opened them. Load them again.")
    before = state_of(rules)
    for name, choices in (("second_factor", SecondFactorRule), ("ways", SignInWays)):
        value = fields.get(name, getattr(rules, name))
        if value not in choices.values:
            raise InvalidError.of(**{name: f"Choose one of {', '.join(choices.values)}."})
        setattr(rules, name, value)
    if rules.ways == SignInWays.SSO and not settings.OIDC:
        raise InvalidError.of(ways="No single sign-on is set up. Set LLMADMIN_OIDC_ISSUER and its neighbours first.")
    if state_of(rules) == before:
        return rules
    rules.revision += 1
    rules.save()
    note("update", "sign-in rules", "everyone", before=before, after=state_of(rules))
    return rules


def with_second_factor(people: QuerySet[User]) -> QuerySet[User]:
    """People who know whether they have a second factor and what the rule is, for `must_add_second_factor`."""
    factors = Authenticator.objects.filter(user_id=OuterRef("pk"), type__in=SECOND_FACTORS)
    rule = SignInRules.objects.filter(pk=1).values("second_factor")[:1]
    return people.annotate(has_second_factor=Exists(factors), second_factor_rule=Subquery(rule))


def must_add_second_factor(person: User) -> bool:
    """Whether the rules ask a second factor of `person`, who has none. A query for whom `with_second_factor` did not load."""
    if not hasattr(person, "second_factor_rule"):
        loaded = with_second_factor(User.objects.filter(pk=person.pk)).first()
        person.has_second_factor = bool(loaded and loaded.has_second_factor)  # type: ignore[attr-defined]
        person.second_factor_rule = loaded.second_factor_rule if loaded else None  # type: ignore[attr-defined]
    rule = person.second_factor_rule  # type: ignore[attr-defined]
    is_asked = rule == SecondFactorRule.EVERYONE or (rule == SecondFactorRule.MANAGERS and person.role in _MANAGERS)
    return is_asked and not person.has_second_factor  # type: ignore[attr-defined]


def may_use_password(person: User) -> bool:
    """Whether `person` comes in by password or passkey. An owner always does: the door that is left when the provider is away."""
    return person.role == Role.OWNER or sign_in_rules().ways == SignInWays.ALL or not settings.OIDC
