"""What is Portkey's own: its statuses, where the id of a call stands, and configs that must not move the key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from providers.base.complaints import Complaint, read_complaint
from providers.base.connector import BaseConnector
from providers.base.failures import ErrorHabits, plain_text
from providers.base.openai_compatible import OpenAICompatibleProvider
from providers.base.parameters import ParameterRules
from providers.errors import LLMProviderInvalidRequestError, LLMProviderResourceExhaustedError
from providers.portkey.metadata import METADATA

_CONFIG_HEADER = "x-portkey-config"
_PAGE = "html-message"
_NAMES_A_HOST = re.compile(r"custom[-_]?host", re.IGNORECASE)


def read_words(payload: Any) -> Complaint | None:
    """The usual shapes; a vendor's answer that is no JSON comes as text in a field of its own."""
    if isinstance(payload, Mapping) and isinstance(payload.get(_PAGE), str):
        return Complaint(message=plain_text(payload[_PAGE].encode()))
    return read_complaint(payload)


class PortkeyConnector(BaseConnector):
    """HTTP to Portkey, or to a Portkey gateway of one's own.

    Source of the statuses: https://portkey.ai/docs/product/guardrails
    """

    metadata = METADATA
    error_habits = ErrorHabits(
        read=read_words,
        request_id_header="x-portkey-trace-id",
        kinds={
            412: LLMProviderResourceExhaustedError,  # the budget of a key or integration is used up
            446: LLMProviderInvalidRequestError,  # a guardrail denies the call
        },
    )

    def _own_headers(self) -> dict[str, str]:
        """As usual, but a host stands in its own option only: there it counts as part of where the key is sent."""
        headers = super()._own_headers()
        if _NAMES_A_HOST.search(headers.get(_CONFIG_HEADER, "")):
            raise LLMProviderInvalidRequestError(
                "Portkey's config names a custom host. Take it out and set the option custom_host instead.",
                provider=self.name,
                code="custom_host_in_config",
            )
        return headers


class PortkeyProvider(OpenAICompatibleProvider):
    """Models of the vendors that Portkey passes calls on to."""

    metadata = METADATA
    connector_class = PortkeyConnector

    def _rules_for(self, model: str) -> ParameterRules:
        """Rules go by the vendor's name of the model, without the integration before it (`@slug/name`)."""
        return super()._rules_for(model.partition("/")[2] if model.startswith("@") else model)


PROVIDER = PortkeyProvider
