"""Profile, theme, encryption, import and export."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from llmadmin.routing.models import Alias

DOCUMENT = """
providers:
  lab: {kind: local, base_url: "http://127.0.0.1:9/v1"}
models:
  - {name: small, provider: lab}
aliases:
  quick: lab/small
"""


def test_the_profile_is_saved_and_times_follow(owner, signed_in):
    browser = signed_in(owner)

    browser.post(reverse("settings:page"), {"name": "Ada", "time_zone": "Asia/Dubai", "theme": "dark"})

    owner.refresh_from_db()
    assert (owner.name, owner.time_zone, owner.theme) == ("Ada", "Asia/Dubai", "dark")
    assert 'data-theme="dark"' in browser.get(reverse("settings:page")).content.decode()


def test_an_unknown_zone_is_refused_in_words(owner, signed_in):
    answer = signed_in(owner).post(reverse("settings:page"), {"time_zone": "Mars/Olympus", "theme": "dark"})

    assert answer.status_code == 422
    assert "Europe/Berlin" in answer.context["form"].errors["time_zone"][0]


@pytest.mark.parametrize(("theme", "status"), [("dark", 204), ("light", 204), ("pink", 400)])
def test_the_theme_is_kept_for_the_reader(theme, status, viewer, signed_in):
    answer = signed_in(viewer).post(reverse("settings:theme"), {"theme": theme})

    viewer.refresh_from_db()
    assert answer.status_code == status
    assert viewer.theme == (theme if status == 204 else "system")


def test_the_encryption_key_s_state_counts_rows_by_their_key_id(catalogue, owner, signed_in):
    browser = signed_in(owner)
    before = browser.get(reverse("settings:page")).context["encryption"]
    type(catalogue.key).objects.update(encryption_key_id="older")

    after = browser.get(reverse("settings:page")).context["encryption"]

    assert (before["current"], before["old"]) == (1, 0)
    assert (after["current"], after["old"]) == (0, 1)


def test_an_import_is_shown_first_and_written_only_when_applied(owner, signed_in):
    browser = signed_in(owner)

    preview = browser.post(
        reverse("settings:transfer"), {"file": SimpleUploadedFile("llm_config.yaml", DOCUMENT.encode())}
    )
    was_there = Alias.objects.exists()
    applied = browser.post(reverse("settings:transfer"), {"text": preview.context["text"], "apply": "1"})

    assert {(block.noun, block.name, block.op) for block in preview.context["blocks"]} >= {
        ("provider", "lab", "added"),
        ("alias", "quick", "added"),
    }
    assert not was_there
    assert applied["Location"] == reverse("versions:detail", args=[1])
    assert Alias.objects.get().name == "quick"


@pytest.mark.parametrize(
    ("posted", "sentence"),
    [
        ({}, "Choose a file"),
        ({"text": "aliases: [unclosed"}, ""),
        ({"text": "aliases:\n  quick: no/model\n"}, "no/model"),
        ({"file": SimpleUploadedFile("x.yaml", b"\xff\xfe\x00")}, "no UTF-8 text"),
    ],
)
def test_a_file_that_can_t_be_used_is_refused_in_words(posted, sentence, owner, signed_in):
    answer = signed_in(owner).post(reverse("settings:transfer"), posted)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Alias.objects.exists()


def test_the_export_holds_the_configuration_and_no_key(catalogue, viewer, signed_in):
    answer = signed_in(viewer).get(reverse("settings:export"))

    text = answer.content.decode()
    assert answer["Content-Disposition"] == 'attachment; filename="llm_config-v1.yaml"'
    assert "fast" in text
    assert catalogue.plaintext not in text
    assert "api_key" not in text
