from __future__ import annotations

from django.apps import AppConfig
from django.urls import register_converter


class ConsoleAppConfig(AppConfig):
    name = "llmadmin.console"

    def ready(self) -> None:
        from llmadmin.console.names import NamePath

        register_converter(NamePath, "name")
