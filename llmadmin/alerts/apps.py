from django.apps import AppConfig


class AlertsAppConfig(AppConfig):
    name = "llmadmin.alerts"
