from django.apps import AppConfig


class CatalogAppConfig(AppConfig):
    name = "llmadmin.catalog"
