"""Whom the identity provider sends: the rules by themselves. The browser tests go through a real provider."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.urls import reverse

from llmadmin.accounts.invitations import invite
from llmadmin.accounts.models import Invitation, SignInRules, User
from llmadmin.accounts.oidc import OIDC, oidc_from_environment
from llmadmin.accounts.single_sign_on import admitted, claims_of
from llmadmin.audit.selectors import entries
from llmadmin.core.errors import ForbiddenError
from llmadmin.env import SetupError
from tests.conftest import PASSWORD

RULES = OIDC(
    issuer="https://login.example.com",
    client_id="llmadmin",
    client_secret="of-the-test",
    name="Corp login",
    scopes=("openid", "email"),
    domains=frozenset({"corp.example"}),
    default_role="viewer",
    role_claim="groups",
    roles=(("admin", "llm-admins"), ("editor", "llm-editors")),
    trusts_addresses=False,
)


def _claims(email: str = "nora@corp.example", **more: Any) -> dict[str, Any]:
    return {"sub": "1", "email": email, "email_verified": True, **more}


def test_someone_of_a_listed_domain_gets_an_account(db):
    nora = admitted(RULES, _claims(name="Nora", groups=["llm-editors", "others"]), known=None)

    assert (nora.email, nora.name, nora.role, nora.has_usable_password()) == (
        "nora@corp.example", "Nora", "editor", False,
    )  # fmt: skip
    assert entries(action="create", object_type="person").get().why == "first sign-in through single sign-on"


@pytest.mark.parametrize(
    ("groups", "role"),
    [(["llm-editors", "llm-admins"], "admin"), ("llm-editors", "editor"), ([], "viewer"), (None, "viewer")],
    ids=["the highest counts", "a single text", "none", "no claim"],
)
def test_groups_give_roles(db, groups, role):
    assert admitted(RULES, _claims(groups=groups), known=None).role == role


def test_without_a_default_role_whom_no_group_names_stays_outside(db):
    with pytest.raises(ForbiddenError, match="groups"):
        admitted(replace(RULES, default_role=""), _claims(groups=["others"]), known=None)

    assert not User.objects.exists()


def test_a_role_follows_the_groups_at_each_sign_in(owner, editor):
    person = admitted(RULES, _claims(editor.email, groups=["llm-admins"]), known=editor)
    demoted = admitted(RULES, _claims(editor.email, groups=[]), known=person)

    assert (User.objects.get(pk=editor.pk).role, demoted.role) == ("viewer", "viewer")


def test_without_a_mapping_roles_are_given_here(editor):
    rules = replace(RULES, roles=(), role_claim="")

    assert admitted(rules, _claims(editor.email, groups=["llm-admins"]), known=editor).role == "editor"


def test_the_last_owner_stays_one_whatever_the_groups_say(owner):
    assert admitted(RULES, _claims(owner.email, groups=[]), known=owner).role == "owner"


def test_an_account_here_is_found_by_its_verified_address(editor):
    assert admitted(replace(RULES, domains=frozenset()), _claims("Editor@Example.com"), known=None) == editor


def test_an_address_that_is_not_verified_opens_nobody_s_account(owner):
    for verified in (False, None, "false", 0):
        with pytest.raises(ForbiddenError, match="not verified"):
            admitted(RULES, _claims(owner.email, email_verified=verified), known=None)

    assert entries(was_refused=True).count() == 4


def test_a_provider_that_verifies_without_saying_so_can_be_trusted(owner):
    claims = _claims(owner.email)
    del claims["email_verified"]

    assert admitted(replace(RULES, trusts_addresses=True), claims, known=None) == owner


def test_a_stranger_stays_outside_and_is_noted(db):
    with pytest.raises(ForbiddenError, match="invite you"):
        admitted(RULES, _claims("mallory@elsewhere.example"), known=None)

    entry = entries(was_refused=True).get()
    assert (entry.actor_label, entry.action) == ("mallory@elsewhere.example", "sign-in")
    assert not User.objects.exists()


def test_a_domain_is_no_ending(db):
    with pytest.raises(ForbiddenError):
        admitted(RULES, _claims("eve@evilcorp.example"), known=None)


def test_an_invitation_is_accepted_by_signing_in(owner, change_by):
    with change_by(owner):
        invite("ida@partner.example", "admin")

    ida = admitted(replace(RULES, roles=(), role_claim=""), _claims("ida@partner.example"), known=None)

    assert ida.role == "admin"
    assert not Invitation.objects.exists()


def test_without_an_address_nobody_comes_in(db):
    with pytest.raises(ForbiddenError, match="claim email"):
        admitted(RULES, {"sub": "1"}, known=None)


def test_userinfo_stands_over_the_id_token():
    claims = claims_of(
        {"id_token": {"email": "old@corp.example", "groups": ["a"]}, "userinfo": {"email": "new@corp.example"}}
    )

    assert claims == {"email": "new@corp.example", "groups": ["a"]}


def test_with_single_sign_on_only_a_password_opens_for_owners_alone(client, owner, editor, settings):
    settings.OIDC = RULES
    SignInRules.objects.create(pk=1, ways="sso")

    refused = client.post(reverse("account_login"), {"login": editor.email, "password": PASSWORD})
    signed_in = "_auth_user_id" in client.session
    client.post(reverse("account_login"), {"login": owner.email, "password": PASSWORD})

    assert (refused.status_code, signed_in) == (403, False)
    assert "Use single sign-on" in refused.content.decode()
    assert client.session["_auth_user_id"] == str(owner.pk)


def test_single_sign_on_taken_out_of_the_environment_shuts_nobody_out(client, editor, settings):
    settings.OIDC = None
    SignInRules.objects.create(pk=1, ways="sso")

    client.post(reverse("account_login"), {"login": editor.email, "password": PASSWORD})

    assert "_auth_user_id" in client.session


@pytest.fixture
def environment(monkeypatch):
    values = {"ISSUER": "https://login.example.com/", "CLIENT_ID": "llmadmin", "CLIENT_SECRET": "of-the-test"}
    for name, value in values.items():
        monkeypatch.setenv(f"LLMADMIN_OIDC_{name}", value)
    return lambda name, value: monkeypatch.setenv(f"LLMADMIN_OIDC_{name}", value)


def test_the_environment_describes_the_provider(environment):
    environment("NAME", "Corp login")
    environment("DOMAINS", "corp.example, @Partner.example")
    environment("ROLE_CLAIM", "groups")
    environment("ROLES", "viewer=all,admin=llm-admins")

    found = oidc_from_environment()

    assert found is not None
    assert (found.issuer, found.name) == ("https://login.example.com", "Corp login")
    assert found.domains == {"corp.example", "partner.example"}
    assert found.roles == (("admin", "llm-admins"), ("viewer", "all"))


def test_the_secret_is_not_shown_where_the_rules_are():
    assert "of-the-test" not in repr(RULES)


def test_without_an_issuer_there_is_none(monkeypatch):
    monkeypatch.delenv("LLMADMIN_OIDC_ISSUER", raising=False)

    assert oidc_from_environment() is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ISSUER", "login.example.com", "https://"),
        ("CLIENT_SECRET", "", "CLIENT_SECRET"),
        ("CLIENT_ID", "", "CLIENT_ID"),
        ("DEFAULT_ROLE", "boss", "DEFAULT_ROLE"),
        ("ROLES", "boss=x", "admin=GROUP"),
        ("ROLES", "admin=x", "ROLE_CLAIM"),
    ],
)
def test_half_a_setup_is_refused_with_what_to_set(environment, name, value, words):
    environment(name, value)

    with pytest.raises(SetupError, match=words):
        oidc_from_environment()


def test_the_secret_comes_from_a_file_too(environment, monkeypatch, tmp_path):
    monkeypatch.delenv("LLMADMIN_OIDC_CLIENT_SECRET")
    (tmp_path / "secret").write_text("from-the-file\n")
    environment("CLIENT_SECRET_FILE", str(tmp_path / "secret"))

    found = oidc_from_environment()

    assert found is not None
    assert found.client_secret == "from-the-file"
