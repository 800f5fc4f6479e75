from django.apps import AppConfig


class RoutingAppConfig(AppConfig):
    name = "llmadmin.routing"
