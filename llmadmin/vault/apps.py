from django.apps import AppConfig


class VaultAppConfig(AppConfig):
    name = "llmadmin.vault"

    def ready(self) -> None:
        """Connect the receivers."""
        from llmadmin.vault import receivers  # noqa: F401
