from django.apps import AppConfig


class AccountsAppConfig(AppConfig):
    name = "llmadmin.accounts"

    def ready(self) -> None:
        """Connect the receivers."""
        from llmadmin.accounts import signals  # noqa: F401
