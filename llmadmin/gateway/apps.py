from django.apps import AppConfig


class GatewayAppConfig(AppConfig):
    name = "llmadmin.gateway"
