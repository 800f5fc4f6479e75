from django.apps import AppConfig


class ConsoleAppConfig(AppConfig):
    name = "llmadmin.console"
