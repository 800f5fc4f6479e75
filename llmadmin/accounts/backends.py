"""Who a session belongs to: the person, with what the sign-in rules need to know of them, in one query."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from asgiref.sync import sync_to_async

from llmadmin.accounts.models import User
from llmadmin.accounts.sign_in_rules import with_second_factor


class PersonBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """allauth's way to check passwords; people who are switched off are nobody from their next request on."""

    def get_user(self, user_id: Any) -> User | None:
        person = with_second_factor(User.objects.filter(pk=user_id)).first()
        return person if person and self.user_can_authenticate(person) else None

    async def aget_user(self, user_id: Any) -> User | None:
        return await sync_to_async(self.get_user)(user_id)
