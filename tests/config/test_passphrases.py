"""API keys travel only when asked for, sealed with a passphrase."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmadmin.accounts.actors import actor_of_person, actor_of_service, command_actor
from llmadmin.audit.actor import Actor
from llmadmin.audit.models import AuditEntry
from llmadmin.catalog.services import create_model, create_provider
from llmadmin.config import passphrases
from llmadmin.config.exporting import export_with_secrets, export_yaml
from llmadmin.config.importing import apply_document
from llmadmin.config.reading.documents import read_text
from llmadmin.config.selectors import latest
from llmadmin.config.services import change
from llmadmin.core.errors import ForbiddenError, InvalidError, UnconfirmedError
from llmadmin.vault.opening import open_sealed, sealed_rows
from llmadmin.vault.services import add_key
from tests.config.test_apply import empty_the_installation

BY = command_actor(source="file")
PASSPHRASE = "correct horse battery"
SECRETS = {"sim/main": {"api_key": "test-key-alpha-0001", "origin": "http://127.0.0.1:9"}}


def test_what_is_sealed_opens_with_the_passphrase_alone() -> None:
    section = passphrases.seal(SECRETS, PASSPHRASE)

    assert "test-key" not in str(section)
    assert passphrases.unseal(section, PASSPHRASE) == SECRETS
    with pytest.raises(InvalidError, match="Does not open this file's API keys"):
        passphrases.unseal(section, "correct horse buttery")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"format": 2}, "reads format 1", id="a newer format"),
        pytest.param({"sealed": "AAAA"}, "Does not open", id="cut"),
        pytest.param({"sealed": "no base64!"}, "Is no section", id="no base64"),
        pytest.param({"scrypt": {"n": 2**30, "r": 8, "p": 1, "salt": "AAAA"}}, "Is no section", id="work without end"),
        pytest.param({"scrypt": None}, "Is no section", id="nothing"),
    ],
)
def test_a_section_that_is_none_of_ours_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidError, match=sentence):
        passphrases.unseal({**passphrases.seal(SECRETS, PASSPHRASE), **changes}, PASSPHRASE)


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(InvalidError, match="at least 12 characters"):
        passphrases.seal(SECRETS, "short")


@pytest.mark.django_db
def test_keys_travel_to_an_empty_installation_and_open_there(catalogue: Any, actor: Actor) -> None:
    text, notes = export_with_secrets(PASSPHRASE, by=actor)
    before = latest().hash
    empty_the_installation()

    result = apply_document(read_text(text, passphrase=PASSPHRASE), by=BY)

    (row,) = sealed_rows()
    assert open_sealed(row, origin=row.origin) == "test-key-alpha-0001"
    assert (notes, result.warnings, latest().hash) == ([], [], before)
    assert "test-key-alpha-0001" not in text
    entry = AuditEntry.objects.get(action="reveal")
    assert (entry.object_type, entry.after) == ("secrets", {"keys": ["sim/main"]})


@pytest.mark.django_db
def test_without_the_passphrase_the_rest_is_applied_and_the_keys_wait(catalogue: Any, actor: Actor) -> None:
    text, _ = export_with_secrets(PASSPHRASE, by=actor)
    empty_the_installation()

    result = apply_document(text, by=BY)

    assert result.warnings[0].startswith("The file carries sealed API keys, which stay sealed")
    assert sealed_rows() == []


@pytest.mark.django_db
def test_g10_a_changed_address_in_the_file_does_not_get_the_key(catalogue: Any, actor: Actor) -> None:
    text, _ = export_with_secrets(PASSPHRASE, by=actor)
    document = yaml.safe_load(text)
    document["providers"]["sim"]["base_url"] = "http://127.0.0.66:9/v1"
    empty_the_installation()

    result = apply_document(read_text(yaml.safe_dump(document), passphrase=PASSPHRASE), by=BY)

    assert result.warnings[0] == (
        "The API key sim/main was entered for http://127.0.0.1:9, and the file's provider points elsewhere: enter it again."
    )
    assert sealed_rows() == []


@pytest.mark.django_db
def test_an_export_of_every_day_holds_no_secret(catalogue: Any) -> None:
    assert "secrets" not in yaml.safe_load(export_yaml())


@pytest.mark.django_db
def test_who_may_not_take_keys_along_is_refused(catalogue: Any, owner: Any, editor: Any) -> None:
    stale = replace(actor_of_person(owner), is_fresh=False)
    deployer = actor_of_service("deployer", scopes=["admin"])

    for by, problem in (
        (actor_of_person(editor), ForbiddenError),
        (stale, UnconfirmedError),
        (deployer, ForbiddenError),
    ):
        with pytest.raises(problem):
            export_with_secrets(PASSPHRASE, by=by)
    assert not AuditEntry.objects.filter(action="reveal").exists()
    export_with_secrets(PASSPHRASE, by=actor_of_service("mover", scopes=["admin", "secrets:read"]))


@pytest.mark.django_db
def test_the_commands_seal_and_open(catalogue: Any, tmp_path: Path) -> None:
    from tests.config.test_commands import run

    file, words = tmp_path / "out.yaml", tmp_path / "words"
    words.write_text(f"{PASSPHRASE}\n")

    assert run("export", file, "--with-secrets", "--passphrase-file", words)[0] == 0
    empty_the_installation()
    assert run("apply", file, "--passphrase-file", words)[0] == 0

    assert [row.label for row in sealed_rows()] == ["main"]
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.django_db
def test_a_key_that_can_not_be_read_is_named_and_the_others_travel(catalogue: Any, actor: Actor) -> None:
    with change(by=actor):
        provider = create_provider(slug="other", kind="local", base_url="http://127.0.0.1:8")
        create_model(provider, name="m")
        key = add_key(provider, label="bad", api_key="test-key-alpha-0002")
    type(key).objects.filter(pk=key.pk).update(ciphertext=b"spoiled")

    text, notes = export_with_secrets(PASSPHRASE, by=actor)

    assert passphrases.unseal(yaml.safe_load(text)["secrets"], PASSPHRASE).keys() == {"sim/main"}
    assert len(notes) == 1
    assert "other" in notes[0]
