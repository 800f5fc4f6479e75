from django.apps import AppConfig


class AccountsAppConfig(AppConfig):
    name = "llmadmin.accounts"

    def ready(self) -> None:
        """Connect the receivers, and say what of ours is encrypted."""
        from llmadmin.accounts import signals  # noqa: F401
        from llmadmin.accounts.second_factors import count_elsewhere, reencrypt_second_factors
        from llmadmin.core.sealed import Sealed, register

        register(Sealed("second factors", reencrypt_second_factors, count_elsewhere))
