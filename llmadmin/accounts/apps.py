from django.apps import AppConfig


class AccountsAppConfig(AppConfig):
    name = "llmadmin.accounts"
