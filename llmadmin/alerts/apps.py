from django.apps import AppConfig


class AlertsAppConfig(AppConfig):
    name = "llmadmin.alerts"

    def ready(self) -> None:
        from llmadmin.alerts.services import reencrypt_webhooks
        from llmadmin.core import sealed

        sealed.register("webhook secrets", reencrypt_webhooks)
