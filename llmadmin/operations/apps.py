from django.apps import AppConfig


class OperationsAppConfig(AppConfig):
    name = "llmadmin.operations"
