import sys

from django.apps import AppConfig


class CoreAppConfig(AppConfig):
    name = "llmadmin.core"

    def ready(self) -> None:
        """No command runs with an encryption key that can't be used, but the one that says what is wrong."""
        from llmadmin.core.keyring import KeyRing

        if sys.argv[1:2] != ["doctor"]:
            KeyRing.from_settings()
