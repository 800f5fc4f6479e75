"""Every address under /api/. Each works with and without the slash at its end."""

from __future__ import annotations

from django.urls import include, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from llmadmin.api.audit import AuditViewSet
from llmadmin.api.errors import not_found
from llmadmin.api.files import ApplyView, ExportView
from llmadmin.api.impact import CanaryView, DropCanaryView, ImpactView, PromoteCanaryView
from llmadmin.api.keys import ApiKeyViewSet
from llmadmin.api.language_models import LanguageModelViewSet, PriceViewSet
from llmadmin.api.live import ConfigView, ResolveView
from llmadmin.api.ownership import OwnershipView
from llmadmin.api.providers import ProviderViewSet
from llmadmin.api.routing import AgentViewSet, AliasViewSet
from llmadmin.api.services import ServiceViewSet
from llmadmin.api.stops import StopViewSet
from llmadmin.api.teams import TeamViewSet
from llmadmin.api.usage import UsageViewSet
from llmadmin.api.versions import VersionViewSet

router = SimpleRouter()
router.trailing_slash = "/?"  # the constructor takes a slash or none, and here both are right
router.register("providers", ProviderViewSet, basename="providers")
router.register("keys", ApiKeyViewSet, basename="keys")
router.register("models", LanguageModelViewSet, basename="models")
router.register("prices", PriceViewSet, basename="prices")
router.register("agents", AgentViewSet, basename="agents")
router.register("aliases", AliasViewSet, basename="aliases")
router.register("services", ServiceViewSet, basename="services")
router.register("teams", TeamViewSet, basename="teams")
router.register("stops", StopViewSet, basename="stops")
router.register("versions", VersionViewSet, basename="versions")
router.register("audit", AuditViewSet, basename="audit")

v1 = [
    re_path(r"^config/?$", ConfigView.as_view(), name="config"),
    re_path(r"^resolve/?$", ResolveView.as_view(), name="resolve"),
    re_path(r"^impact/?$", ImpactView.as_view(), name="impact"),
    re_path(r"^canary/?$", CanaryView.as_view(), name="canary"),
    re_path(r"^canary/promote/?$", PromoteCanaryView.as_view(), name="canary-promote"),
    re_path(r"^canary/drop/?$", DropCanaryView.as_view(), name="canary-drop"),
    re_path(r"^usage/?$", UsageViewSet.as_view({"get": "list", "post": "create"}), name="usage"),
    re_path(r"^usage/summary/?$", UsageViewSet.as_view({"get": "summary"}), name="usage-summary"),
    re_path(r"^apply/?$", ApplyView.as_view(), name="apply"),
    re_path(r"^ownership/?$", OwnershipView.as_view(), name="ownership"),
    re_path(r"^export/?$", ExportView.as_view(), name="export"),
    *router.urls,
]

app_name = "api"
urlpatterns = [
    re_path(r"^v1/", include(v1)),
    # The description of the API is no secret, so it needs no key.
    re_path(r"^schema/?$", SpectacularAPIView.as_view(), name="schema"),
    re_path(
        r"^docs/?$",
        SpectacularSwaggerSplitView.as_view(url_name="api:schema", template_name="api/docs.html"),
        name="docs",
    ),
    re_path(r"^(?P<rest>[\s\S]*)$", not_found),
]
