from django.apps import AppConfig


class LimitsAppConfig(AppConfig):
    name = "llmadmin.limits"
