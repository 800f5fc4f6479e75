from django.apps import AppConfig


class AlertsAppConfig(AppConfig):
    name = "llmadmin.alerts"

    def ready(self) -> None:
        from llmadmin.alerts.services import count_elsewhere, reencrypt_webhooks
        from llmadmin.core.sealed import Sealed, register

        register(Sealed("webhook secrets", reencrypt_webhooks, count_elsewhere))
