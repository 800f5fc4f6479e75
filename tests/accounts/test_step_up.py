"""Sensitive acts ask once more who is there, in the browser and below it."""

import pytest
from django.urls import reverse

from llmadmin.accounts.models import Invitation, Service, SignInRules, User
from llmadmin.accounts.services import create_service, issue_key, update_service
from llmadmin.core.errors import UnconfirmedError
from tests.conftest import PASSWORD

MANAGE = "services.manage"
INVITE_ADMIN = {"email": "ida@example.com", "role": "admin"}


@pytest.fixture
def stale(owner, browser_of, grow_stale):
    browser = browser_of(owner)
    grow_stale(browser)
    return browser


@pytest.mark.parametrize("scope", ["secrets:read", "admin"])
def test_granting_a_sensitive_scope_needs_a_fresh_confirmation(owner, change_by, scope):
    with pytest.raises(UnconfirmedError, match=scope), change_by(owner, permission=MANAGE, is_fresh=False):
        create_service(name="tool", scopes=[scope])
    with change_by(owner, permission=MANAGE):
        service = create_service(name="tool", scopes=["usage:read"])

    with pytest.raises(UnconfirmedError), change_by(owner, permission=MANAGE, is_fresh=False):
        update_service(service, scopes=["usage:read", scope])
    assert Service.objects.get(name="tool").scopes == ["usage:read"]


def test_a_new_key_with_a_sensitive_scope_needs_one_too(owner, change_by):
    with change_by(owner, permission=MANAGE):
        service = create_service(name="tool", scopes=["admin"])

    with pytest.raises(UnconfirmedError), change_by(owner, permission=MANAGE, is_fresh=False):
        issue_key(service)


def test_other_scopes_and_other_fields_need_none(owner, change_by):
    with change_by(owner, permission=MANAGE):
        service = create_service(name="tool", scopes=["admin"])

    with change_by(owner, permission=MANAGE, is_fresh=False):
        create_service(name="caller", scopes=["gateway:call"])
        update_service(service, description="The deployment tool")

    assert Service.objects.get(name="tool").description == "The deployment tool"


def test_a_fresh_sign_in_counts(owner, browser_of):
    response = browser_of(owner).post(reverse("people:invite"), INVITE_ADMIN)

    assert response.status_code == 200
    assert Invitation.objects.get().role == "admin"


def test_after_a_while_the_browser_is_asked_and_what_was_sent_is_then_done(stale, owner):
    asked = stale.post(reverse("people:invite"), INVITE_ADMIN)
    nothing_yet = not Invitation.objects.exists()

    wrong = stale.post(asked.headers["Location"], {"password": "a wrong password"})
    still_nothing = not Invitation.objects.exists()
    answer = stale.post(asked.headers["Location"], {"password": PASSWORD, "next": reverse("people:invite")})

    assert asked.headers["Location"] == f"{reverse('account_reauthenticate')}?next=%2Fpeople%2Finvite%2F"
    assert (nothing_yet, wrong.status_code, still_nothing) == (True, 200, True)
    assert answer.status_code == 200
    assert Invitation.objects.get().email == "ida@example.com"


def test_a_fragment_request_leads_the_whole_page_to_the_question(stale):
    response = stale.post(
        reverse("people:invite"),
        INVITE_ADMIN,
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/people/?q=a"},
    )

    assert response.headers["HX-Redirect"] == f"{reverse('account_reauthenticate')}?next=%2Fpeople%2F"
    assert not Invitation.objects.exists()


def test_changing_the_sign_in_rules_needs_one(stale):
    response = stale.post(reverse("people:rules"), {"second_factor": "everyone", "ways": "all", "revision": 1})

    assert response.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert not SignInRules.objects.exists()


def test_over_rest_a_stale_session_is_refused_in_words_with_a_code_of_its_own(stale):
    stale.handler.enforce_csrf_checks = False

    response = stale.post("/api/v1/services/", {"name": "tool", "scopes": ["admin"]}, content_type="application/json")

    assert response.status_code == 403
    assert response.json()["error"]["code"] == "confirmation_needed"
    assert not Service.objects.filter(name="tool").exists()


def test_a_service_is_judged_by_its_scopes_alone(owner, change_by, client):
    with change_by(owner, permission=MANAGE):
        _, key = issue_key(create_service(name="deployer", scopes=["admin"]))

    response = client.post(
        "/api/v1/services/",
        {"name": "tool", "scopes": ["admin"]},
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )

    assert response.status_code == 201


@pytest.mark.parametrize("page", ["mfa_activate_totp", "mfa_add_webauthn", "mfa_generate_recovery_codes"])
def test_changing_second_factors_needs_one(stale, page):
    assert stale.get(reverse(page)).headers["Location"].startswith(reverse("account_reauthenticate"))


@pytest.fixture
def stale_by_sso(owner, browser_of, grow_stale):
    """A browser of someone who has neither password nor second factor here."""
    User.objects.filter(pk=owner.pk).update(password="!unusable")
    browser = browser_of(User.objects.get(pk=owner.pk))
    grow_stale(browser)
    return browser


@pytest.mark.parametrize("page", ["account_set_password", "mfa_activate_totp", "mfa_add_webauthn"])
def test_who_came_by_single_sign_on_is_asked_by_the_provider_before_changing_how_they_sign_in(stale_by_sso, page):
    assert stale_by_sso.get(reverse(page)).headers["Location"].startswith(reverse("confirm_by_sso"))


def test_the_way_to_the_provider_asks_it_not_to_wave_people_through(stale_by_sso, settings):
    settings.OIDC = object()

    answer = stale_by_sso.get(reverse("confirm_by_sso"), {"next": "/people/invite/"})
    elsewhere = stale_by_sso.get(reverse("confirm_by_sso"), {"next": "https://evil.example/"})

    assert answer.headers["Location"].endswith(
        "/accounts/oidc/sso/login/?process=login&next=%2Fpeople%2Finvite%2F&auth_params=prompt%3Dlogin"
    )
    assert "evil" not in elsewhere.headers["Location"]


def test_someone_without_any_proof_here_goes_to_their_provider_again(stale_by_sso):
    asked = stale_by_sso.post(
        reverse("people:invite"), INVITE_ADMIN, headers={"Referer": "http://testserver/people/invite/"}
    )

    assert asked.headers["Location"] == f"{reverse('confirm_by_sso')}?next=%2Fpeople%2Finvite%2F"
