"""Authenticator apps and recovery codes: their secrets at rest, and the rule that asks for them."""

import base64

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.core.management import CommandError, call_command
from django.urls import reverse

from llmadmin.accounts import people
from llmadmin.accounts.models import SignInRules
from llmadmin.accounts.second_factors import reencrypt_second_factors
from llmadmin.accounts.sign_in_rules import sign_in_rules, update_sign_in_rules
from llmadmin.audit.selectors import entries
from llmadmin.core.errors import InvalidError, StaleError
from llmadmin.core.keyring import KeyRing
from llmadmin.core.sealed import elsewhere
from llmadmin.vault.reencryption import begin, walk
from tests.conftest import PASSWORD

SECRET = "JBSWY3DPEHPK3PXP"
OLD, NEW = (base64.urlsafe_b64encode(bytes([number]) * 32).decode() for number in (1, 2))


@pytest.fixture
def app(editor):
    """The editor's authenticator app."""
    return TOTP.activate(editor, SECRET).instance


def _ask_of(who):
    SignInRules.objects.update_or_create(pk=1, defaults={"second_factor": who})


def test_the_secret_of_an_app_is_encrypted_at_rest(editor, app):
    assert SECRET not in str(Authenticator.objects.values_list("data", flat=True))


def test_secrets_move_to_a_new_encryption_key_and_go_on_working(settings, editor):
    settings.ENCRYPTION_KEYS = OLD
    TOTP.activate(editor, SECRET)
    codes = RecoveryCodes.activate(editor).get_unused_codes()
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"

    moved, again = reencrypt_second_factors(), reencrypt_second_factors()

    settings.ENCRYPTION_KEYS = NEW
    kept = Authenticator.objects.get(type="recovery_codes").wrap()
    assert (moved, again) == (2, 0)
    assert kept.get_unused_codes() == codes
    held = base64.b64decode(Authenticator.objects.get(type="totp").data["secret"])
    assert KeyRing.from_settings().key_id_of(held) == KeyRing.from_settings().current_key_id


def test_rotating_the_encryption_key_takes_them_along(settings, editor):
    settings.ENCRYPTION_KEYS = OLD
    TOTP.activate(editor, SECRET)
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"

    before = elsewhere()

    walk(begin(by="a test"))

    assert before == {"second factors": 1}
    assert elsewhere() == {}
    assert reencrypt_second_factors() == 0


def test_the_page_of_the_encryption_key_names_what_still_stands_on_another(settings, owner, browser_of):
    settings.ENCRYPTION_KEYS = OLD
    TOTP.activate(owner, SECRET)
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"

    page = browser_of(owner).get("/settings/encryption/").content.decode()

    assert "1 second factors" in page
    assert "not needed any more" not in page


def test_with_a_lost_encryption_key_no_code_opens_and_the_page_says_what_to_do(client, settings, editor, app):
    settings.ENCRYPTION_KEYS = NEW
    client.post(reverse("account_login"), {"login": editor.email, "password": PASSWORD})

    answer = client.post(reverse("mfa_authenticate"), {"code": "000000"})

    assert "can&#x27;t be read" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_the_password_alone_does_not_sign_in_whoever_has_an_app(client, editor, app):
    response = client.post(reverse("account_login"), {"login": editor.email, "password": PASSWORD})

    assert response.headers["Location"] == reverse("mfa_authenticate")
    assert client.get("/models/").status_code == 302


def test_wrong_codes_are_noted_and_limited(client, editor, app):
    client.post(reverse("account_login"), {"login": editor.email, "password": PASSWORD})

    answers = [client.post(reverse("mfa_authenticate"), {"code": "000000"}) for _ in range(6)]

    noted = entries(object_type="second factor", was_refused=True)
    assert [entry.object_name for entry in noted] == [editor.email] * 5
    assert "Too many" in answers[-1].content.decode()


def test_someone_who_lost_theirs_comes_back_with_the_password(client, owner, editor, app, change_by):
    with change_by(owner):
        people.take_second_factors(editor)

    response = client.post(reverse("account_login"), {"login": editor.email, "password": PASSWORD})

    assert response.headers["Location"] == "/"
    assert client.get("/models/").status_code == 200


def test_the_command_line_lets_an_owner_in_who_has_nobody_to_ask(client, owner, browser_of):
    TOTP.activate(owner, SECRET)
    browser = browser_of(owner)

    call_command("reset_second_factor", "Owner@example.com", verbosity=0)

    assert browser.get("/models/").status_code == 302
    assert (
        client.post(reverse("account_login"), {"login": owner.email, "password": PASSWORD}).headers["Location"] == "/"
    )
    assert entries(object_type="second factor").get().actor_kind == "command"


def test_a_wrong_address_on_the_command_line_is_said(db):
    with pytest.raises(CommandError, match="Nobody has the address"):
        call_command("reset_second_factor", "nobody@example.com")


@pytest.mark.parametrize(
    ("rule", "held"),
    [("nobody", set()), ("managers", {"owner", "admin"}), ("everyone", {"owner", "admin", "editor", "viewer"})],
)
def test_the_rule_holds_whom_it_names_at_the_set_up(rule, held, owner, admin, editor, viewer, browser_of):
    _ask_of(rule)

    answers = {person.role: browser_of(person).get("/models/") for person in (owner, admin, editor, viewer)}

    assert {role for role, answer in answers.items() if answer.status_code == 302} == held
    assert {answers[role].headers["Location"] for role in held} <= {reverse("mfa_index")}


def test_who_is_held_may_do_nothing_over_rest_either(owner, browser_of):
    _ask_of("everyone")

    response = browser_of(owner).get("/api/v1/providers/")

    assert response.status_code == 403
    assert "second factor" in response.json()["error"]["message"]


def test_who_is_held_reaches_the_set_up_and_the_way_out(owner, browser_of):
    _ask_of("everyone")
    browser = browser_of(owner)

    statuses = [browser.get(reverse(name)).status_code for name in ("mfa_index", "mfa_activate_totp", "account_logout")]

    assert statuses == [200, 200, 200]


def test_who_has_one_is_let_through(editor, app, browser_of):
    _ask_of("everyone")

    assert browser_of(editor).get("/models/").status_code == 200


def test_who_came_by_single_sign_on_is_their_provider_s_business(editor, browser_of):
    _ask_of("everyone")
    browser = browser_of(editor)
    session = browser.session
    session["came_by_sso"] = True
    session.save()

    assert browser.get("/models/").status_code == 200


def test_the_rule_costs_no_query_of_its_own(editor, browser_of, django_assert_num_queries):
    browser = browser_of(editor)
    browser.get("/settings/theme/")

    with django_assert_num_queries(2):  # the session, the person
        browser.post("/settings/theme/", {"theme": "no such"})


def test_the_rules_are_changed_by_who_manages_people_and_noted(owner, change_by):
    with change_by(owner):
        update_sign_in_rules(second_factor="managers")

    assert sign_in_rules().second_factor == "managers"
    assert entries(object_type="sign-in rules").get().after == {"second_factor": "managers"}


def test_single_sign_on_can_not_be_the_only_way_where_there_is_none(owner, change_by, settings):
    settings.OIDC = None

    with pytest.raises(InvalidError, match="LLMADMIN_OIDC_ISSUER"), change_by(owner):
        update_sign_in_rules(ways="sso")


def test_two_who_change_the_rules_at_once_do_not_overwrite_each_other(owner, change_by):
    with change_by(owner):
        update_sign_in_rules(second_factor="managers", expected_revision=1)

    with pytest.raises(StaleError), change_by(owner):
        update_sign_in_rules(second_factor="nobody", expected_revision=1)
