from django.apps import AppConfig


class PlaygroundAppConfig(AppConfig):
    name = "llmadmin.playground"
