from django.apps import AppConfig


class UsageAppConfig(AppConfig):
    name = "llmadmin.usage"
