import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from llmadmin.accounts.models import Role, User
from llmadmin.audit.selectors import entries


def test_createsuperuser_makes_an_owner_from_the_environment(db, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "Ada@Example.com")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a password of some length")

    call_command("createsuperuser", "--noinput", verbosity=0)

    ada = User.objects.get()
    assert (ada.email, ada.role, ada.is_active) == ("ada@example.com", Role.OWNER, True)
    assert ada.check_password("a password of some length")
    entry = entries().get()
    assert (entry.actor_kind, entry.action, entry.object_name) == ("command", "create", "ada@example.com")


def test_createsuperuser_without_an_address_says_what_is_missing(db, monkeypatch):
    monkeypatch.delenv("DJANGO_SUPERUSER_EMAIL", raising=False)

    with pytest.raises(CommandError, match="email"):
        call_command("createsuperuser", "--noinput", verbosity=0)


def test_an_address_is_one_person_in_any_case(owner):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email="OWNER@example.com")


def test_a_role_that_does_not_exist_is_refused_by_the_database(owner):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=owner.pk).update(role="boss")
