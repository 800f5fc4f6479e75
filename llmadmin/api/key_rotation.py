"""`keys/{id}/rotation/`: replacing a key step by step, without a failed call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from llmadmin.api.fields import Moment
from llmadmin.api.reading import given_fields, given_moment
from llmadmin.api.views import actor_of
from llmadmin.api.viewsets import REASON, version_header
from llmadmin.config.services import Change
from llmadmin.core.errors import InvalidError, MissingError
from llmadmin.gateway.rotating import check_new_key
from llmadmin.vault import rotation
from llmadmin.vault.models import KeyRotation
from llmadmin.vault.selectors import get_key


class RotationSerializer(serializers.Serializer[KeyRotation]):
    """How far a key's replacement has come. Send `api_key` or `source_ref` to begin one; the rest may be left out."""

    id = serializers.UUIDField(read_only=True)
    old_key = serializers.UUIDField(read_only=True, source="old_key_id")
    new_key = serializers.UUIDField(read_only=True, source="new_key_id")
    step = serializers.CharField(read_only=True, help_text="added, tested, draining, retired or cancelled.")
    api_key = serializers.CharField(write_only=True, required=False)
    source_ref = serializers.CharField(write_only=True, required=False)
    label = serializers.CharField(  # type: ignore[assignment]  # the framework's class has an attribute of that name
        write_only=True, required=False, help_text="Of the new key; left out, the old one's with a number."
    )
    expires_at = Moment(write_only=True, required=False, allow_null=True, help_text="When the new key ends.")
    retires_after_s = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Retire the old key by itself once no call has used it for so long after the switch.",
    )
    tested_at = Moment(read_only=True, allow_null=True)
    test_passed = serializers.BooleanField(read_only=True)
    test_message = serializers.CharField(read_only=True)
    switched_at = Moment(read_only=True, allow_null=True)
    old_key_last_used_at = Moment(read_only=True, allow_null=True, source="old_key.last_used_at")
    started_by = serializers.CharField(read_only=True)
    started_at = Moment(read_only=True)
    ended_at = Moment(read_only=True, allow_null=True)


class KeyRotationActions:
    """The acts of a rotation, for the viewset of keys."""

    changing: Callable[..., Any]

    @extend_schema(methods=["GET"], request=None, responses=RotationSerializer)
    @extend_schema(
        methods=["POST"], request=RotationSerializer, parameters=[REASON], responses={201: RotationSerializer}
    )
    @action(detail=True, methods=["get", "post"])
    def rotation(self, request: Request, id: str) -> Response:  # noqa: A002 - the address's own word
        """GET: the rotation under way, or the last one. POST: add the new key beside the old one, and test it."""
        key = get_key(id)
        if request.method == "GET":
            return Response(RotationSerializer(_of(id)).data)
        fields = given_fields(RotationSerializer(context={"view": self}), request.data)
        with self.changing(request) as made:
            begun = rotation.start_rotation(key, source="api", **with_moment(fields))
        check_new_key(begun, by=actor_of(request))
        return _shown(begun, made, status_code=status.HTTP_201_CREATED)

    @extend_schema(
        request=inline_serializer("RotationStep", {"force": serializers.BooleanField(required=False)}),
        parameters=[REASON],
        responses=RotationSerializer,
    )
    @action(
        detail=True, methods=["post"], url_path="rotation/(?P<step>test|switch|retire|cancel)", url_name="rotation-step"
    )
    def rotation_step(self, request: Request, id: str, step: str) -> Response:  # noqa: A002
        """`test` the new key, `switch` to it, `retire` the old one, or `cancel` and go back to it.

        `switch` wants a passed test, or `{"force": true}`.
        """
        given = request.data or {}
        is_forced = given.get("force", False) if isinstance(given, dict) else None
        if not isinstance(is_forced, bool) or set(given) - {"force"}:
            raise InvalidError.of(force="Send nothing, or force as true or false.")
        under_way = _of(id)
        if step == "test":
            check_new_key(under_way, by=actor_of(request))
            return _shown(under_way)
        with self.changing(request) as made:
            if step == "switch":
                rotation.switch(under_way, is_forced=is_forced)
            else:
                {"retire": rotation.retire, "cancel": rotation.cancel}[step](under_way)
        return _shown(under_way, made)


def with_moment(fields: dict[str, Any]) -> dict[str, Any]:
    if "expires_at" in fields:
        fields["expires_at"] = given_moment(fields["expires_at"], field="expires_at")
    return fields


def _of(key_id: str) -> KeyRotation:
    found = rotation.rotation_of(get_key(key_id))
    if found is None:
        raise MissingError("This key was never rotated step by step.")
    return found


def _shown(done: KeyRotation, made: Change | None = None, *, status_code: int = status.HTTP_200_OK) -> Response:
    fresh = rotation.get_rotation(done.pk)
    return Response(RotationSerializer(fresh).data, status=status_code, headers=version_header(made))
