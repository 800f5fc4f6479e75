import stat
import threading
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from llmadmin.accounts.first_owner import (
    MOST_WRONG_TOKENS,
    create_first_owner,
    ensure_setup_token,
    is_needed,
    is_setup_token,
)
from llmadmin.accounts.models import Role, User
from llmadmin.audit.selectors import entries
from llmadmin.core.errors import ConflictError, ForbiddenError, InvalidError
from llmadmin.core.redaction import redact_text

PASSWORD = "a password of some length"


@pytest.fixture
def token_file():
    path = Path(settings.DATA_DIR) / "setup-token.sha256"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
def token(db, token_file):
    return ensure_setup_token()


def test_g31_whoever_holds_the_printed_token_becomes_the_owner_once(token, token_file):
    owner = create_first_owner(token, " Ada@Example.com ", PASSWORD, ip_address="127.0.0.1")

    assert (owner.email, owner.role) == ("ada@example.com", Role.OWNER)
    assert owner.check_password(PASSWORD)
    assert not token_file.exists()
    assert not is_needed()
    assert [(entry.action, entry.ip_address) for entry in entries()] == [("create", "127.0.0.1")]
    with pytest.raises(ConflictError, match="Sign in"):
        create_first_owner(token, "eve@example.com", PASSWORD)
    assert User.objects.count() == 1


def test_the_token_is_kept_as_a_hash_that_only_we_can_read(token, token_file):
    assert token not in token_file.read_text()
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    assert redact_text(f"token {token}") == "token [redacted]"


def test_a_restart_prints_a_new_token_and_voids_the_old_one(token):
    second = ensure_setup_token()

    assert second != token
    assert is_setup_token(second)
    assert not is_setup_token(token)


@pytest.mark.parametrize("wrong", ["", " ", "wrong", "é"])
def test_g31_a_wrong_token_makes_no_owner_and_leaves_an_entry(token, wrong):
    with pytest.raises(ForbiddenError, match="server printed"):
        create_first_owner(wrong, "eve@example.com", PASSWORD, ip_address="127.0.0.1")

    assert not User.objects.exists()
    entry = entries(was_refused=True).get()
    assert (entry.ip_address, entry.actor_label) == ("127.0.0.1", "eve@example.com")


def test_without_a_token_file_nothing_is_the_token(db, token_file):
    assert not is_setup_token("")
    with pytest.raises(ForbiddenError):
        create_first_owner("", "eve@example.com", PASSWORD)


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [("no address", PASSWORD, "email"), ("ada@example.com", "short", "password"), ("ada@example.com", "", "password")],
)
def test_unfit_input_is_refused_in_words_and_the_token_goes_on_working(token, email, password, field):
    with pytest.raises(InvalidError) as refusal:
        create_first_owner(token, email, password)

    assert list(refusal.value.fields) == [field]
    assert create_first_owner(token, "ada@example.com", PASSWORD).role == Role.OWNER


def test_no_token_is_made_once_there_is_someone(owner, token_file):
    assert ensure_setup_token() is None
    assert not token_file.exists()


class SlowValidator:
    """Holds the door open between the look for an owner and the making of one."""

    def validate(self, password, user=None):
        time.sleep(0.3)


@pytest.mark.django_db(transaction=True)
def test_g31_several_at_once_make_one_owner(token_file, settings):
    settings.AUTH_PASSWORD_VALIDATORS = [{"NAME": f"{__name__}.SlowValidator"}]
    token, outcomes, start = ensure_setup_token(), [], threading.Barrier(4)

    def become(number):
        start.wait()
        try:
            outcomes.append(create_first_owner(token, f"ada{number}@example.com", PASSWORD).email)
        except ConflictError:
            outcomes.append("too late")
        finally:
            connection.close()

    threads = [threading.Thread(target=become, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert User.objects.count() == 1
    assert sorted(outcomes) == sorted([User.objects.get().email, "too late", "too late", "too late"])


def test_g31_guessing_the_token_is_slowed_down_for_one_address_and_fills_no_log(token):
    for _ in range(MOST_WRONG_TOKENS):
        with pytest.raises(ForbiddenError, match="not the setup token"):
            create_first_owner("wrong", "eve@example.com", PASSWORD, ip_address="192.0.2.1")

    for given in ("wrong", token):
        with pytest.raises(ForbiddenError, match="Too many"):
            create_first_owner(given, "eve@example.com", PASSWORD, ip_address="192.0.2.1")

    assert entries(was_refused=True).count() == MOST_WRONG_TOKENS
    assert create_first_owner(token, "ada@example.com", PASSWORD, ip_address="192.0.2.2").role == Role.OWNER
