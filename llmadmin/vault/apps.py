from django.apps import AppConfig


class VaultAppConfig(AppConfig):
    name = "llmadmin.vault"
