"""Where Azure's calls go: to a deployment, by path or by name, with a dated version of the API or without."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote

import httpx

from providers.azure.metadata import METADATA
from providers.base.connector import BaseConnector
from providers.base.llm import BaseLLM
from providers.base.openai_compatible import OpenAICompatibleProvider
from providers.base.parameters import ParameterRules
from providers.base.reading import as_mapping, as_text
from providers.errors import LLMProviderInvalidRequestError

V1_ROOT = "/openai/v1"
STREAM_USAGE_SINCE = "2024-09-01"
_UNDATED = ("preview", "latest")
"""The only versions that the undated API knows; it refuses dates."""

_BELOW_THE_RESOURCE = re.compile(r"/openai(?:/deployments/([^/]+))?$")


class AzureConnector(BaseConnector):
    """HTTP to one resource; one connector serves all of its deployments.

    A call goes to the deployment that its body names in `deployment_name` (taken out before it is sent), else to that of
    the options or of the base URL, else to the one that is called like the model.
    Source: https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
    """

    metadata = METADATA

    @cached_property
    def is_v1(self) -> bool:
        """Whether the base URL is that of the undated API, which takes the deployment's name as `model`."""
        return self.base_url().endswith(V1_ROOT)

    @property
    def api_version(self) -> str:
        return str(self.config.options.get("api_version") or METADATA.option_defaults()["api_version"])

    def base_url(self) -> str:
        """The resource, also where the base URL goes on to a deployment as other tools want it."""
        return _BELOW_THE_RESOURCE.sub("", super().base_url())

    @cached_property
    def deployment(self) -> str | None:
        """The deployment for calls that name none."""
        found = _BELOW_THE_RESOURCE.search(super().base_url())
        in_url = unquote(found[1]) if found and found[1] else None
        return self.config.options.get("deployment_name") or in_url

    def auth_headers(self, api_key: str | None) -> dict[str, str]:
        headers = super().auth_headers(api_key)
        if self.config.options.get("auth") != "entra":
            return headers
        return {"authorization": f"Bearer {headers[METADATA.auth_header]}"}

    def build_request(
        self,
        method: str,
        path: str,
        *,
        data: Any = None,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> httpx.Request:
        if isinstance(data, Mapping):
            data = dict(data)
            deployment = data.pop("deployment_name", None) or self.deployment
            if self.is_v1:
                data |= {"model": deployment} if deployment else {}
            elif not path.startswith("/openai/"):
                path = f"/deployments/{self._named(deployment or data.get('model'))}{path}"
        return super().build_request(method, path, data=data, api_key=api_key, headers=headers, timeout_s=timeout_s)

    def url_of(self, path: str) -> str:
        if self.is_v1:
            query = f"?api-version={self.api_version}" if self.api_version in _UNDATED else ""
            return super().url_of(path + query)
        root = "" if path.startswith("/openai/") else "/openai"
        if "api-version=" not in path:
            path += f"{'&' if '?' in path else '?'}api-version={quote(self.api_version, safe='')}"
        return super().url_of(root + path)

    def _named(self, deployment: Any) -> str:
        if not isinstance(deployment, str) or not deployment.strip("."):
            raise LLMProviderInvalidRequestError(
                "Azure needs the name of a deployment. Set the option deployment_name, or use the name as model.",
                provider=self.name,
                code="missing_deployment",
            )
        return quote(deployment, safe="")


class AzureProvider(OpenAICompatibleProvider):
    """The deployments of one Azure resource."""

    metadata = METADATA
    connector_class = AzureConnector
    connector: AzureConnector

    def _rules_for(self, model: str) -> ParameterRules:
        """Rules go by the model behind the deployment, where the option says which one that is."""
        known = as_mapping(self.config.options.get("deployment_models"))
        behind = known.get(model) or known.get(self.connector.deployment or "")
        return super()._rules_for(as_text(behind) or model)

    def _asks_for_usage(self) -> bool:
        """Versions of the API before September 2024 reject `stream_options`."""
        knows_usage = self.connector.is_v1 or self.connector.api_version >= STREAM_USAGE_SINCE
        return knows_usage and super()._asks_for_usage()


class AzureBaseLLM(BaseLLM):
    """One model in a deployment of one's own."""

    provider_class = AzureProvider


PROVIDER = AzureProvider
BASE_LLM = AzureBaseLLM
