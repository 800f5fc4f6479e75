from django.apps import AppConfig


class ConfigAppConfig(AppConfig):
    name = "llmadmin.config"
