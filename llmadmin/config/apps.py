from django.apps import AppConfig


class ConfigAppConfig(AppConfig):
    name = "llmadmin.config"

    def ready(self) -> None:
        from llmadmin.config import lookouts  # noqa: F401  # they register themselves
