"""A link that resets a password is sent by mail or not at all; it has no place in a log."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.test import Client

ROOT = Path(__file__).resolve().parents[2]


def test_without_mail_the_page_says_what_to_do_instead(owner: Any, client: Client, settings: Any) -> None:
    settings.MAIL_IS_SENT = False

    page = client.get("/accounts/password/reset/").content.decode()

    assert "llmadmin changepassword" in page
    assert "Send link" not in page


def test_with_mail_the_page_offers_the_link(owner: Any, client: Client, settings: Any) -> None:
    settings.MAIL_IS_SENT = True

    assert "Send link" in client.get("/accounts/password/reset/").content.decode()


def test_without_mail_nothing_is_printed(tmp_path: Path) -> None:
    code = "from django.core.mail import send_mail; print('sent', send_mail('s', 'the-link', None, ['a@example.com']))"
    environment = {name: value for name, value in os.environ.items() if name != "EMAIL_URL"}
    environment |= {"LLMADMIN_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "llmadmin.settings"}

    done = subprocess.run(
        [sys.executable, "-c", f"import django; django.setup(); {code}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "sent" in done.stdout
    assert "the-link" not in done.stdout + done.stderr
