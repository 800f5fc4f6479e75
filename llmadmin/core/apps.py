from django.apps import AppConfig


class CoreAppConfig(AppConfig):
    name = "llmadmin.core"

    def ready(self) -> None:
        """No command runs with an encryption key that can't be used."""
        from llmadmin.core.keyring import KeyRing

        KeyRing.from_settings()
