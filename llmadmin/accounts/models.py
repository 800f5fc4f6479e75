"""People who sign in, and services whose keys open our door."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from llmadmin.core.fields import SLUG, ConfigRow


class Role(models.TextChoices):
    """What a person may do; each role may do all that the ones after it may."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    EDITOR = "editor", "Editor"
    VIEWER = "viewer", "Viewer"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """An owner, made from the command line: `createsuperuser` calls it."""
        from llmadmin.accounts.actors import command_actor
        from llmadmin.audit.services import note_now

        owner = self.create_user(
            email, password, **{"role": Role.OWNER, "is_superuser": True, "is_staff": True, **fields}
        )
        note_now(command_actor(), "create", "person", owner.email, after={"email": owner.email, "role": owner.role})
        return owner

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The e-mail address is the name they sign in with."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=16, choices=Role, default=Role.VIEWER)
    time_zone = models.CharField(max_length=64, default="UTC")
    theme = models.CharField(
        max_length=8, choices=[("system", "System"), ("light", "Light"), ("dark", "Dark")], default="system"
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_in_any_case"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_known"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def label(self) -> str:
        return self.name or self.email


class Invitation(models.Model):
    """An open invitation: its link makes the account, once, until it expires. Accepted or withdrawn it is deleted."""

    email = models.EmailField(unique=True)
    role = models.CharField(max_length=16, choices=Role, default=Role.VIEWER)
    token_hash = models.CharField(max_length=64, unique=True)
    """SHA-256 in hex; the link itself is nowhere kept."""
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["email"]

    def __str__(self) -> str:
        return self.email

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()


class Session(AbstractBaseSession):
    """A browser that is signed in, or on its way there. `llmadmin.accounts.sessions` reads and writes it."""

    person = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    """None until the sign-in is done."""
    ip_address = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=300, blank=True)
    began_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    @classmethod
    def get_session_store_class(cls) -> type:
        from llmadmin.accounts.sessions import SessionStore

        return SessionStore


class SecondFactorRule(models.TextChoices):
    """Who can't work without an authenticator app or a passkey."""

    NOBODY = "nobody", "Nobody; each person decides"
    MANAGERS = "managers", "Owners and admins"
    EVERYONE = "everyone", "Everyone"


class SignInWays(models.TextChoices):
    """How people may prove who they are."""

    ALL = "all", "Password, passkey or single sign-on"
    SSO = "sso", "Single sign-on only"


class SignInRules(ConfigRow):
    """What this installation asks of everyone who signs in: one row, or none while nobody changed anything."""

    second_factor = models.CharField(max_length=16, choices=SecondFactorRule, default=SecondFactorRule.NOBODY)
    ways = models.CharField(max_length=8, choices=SignInWays, default=SignInWays.ALL)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="sign_in_rules_are_one_row")]

    def __str__(self) -> str:
        return "sign-in rules"


class Team(ConfigRow):
    """People's name for a group of services, and the people who look after them."""

    slug = models.CharField(max_length=63, unique=True, validators=[SLUG])
    name = models.CharField(max_length=120)
    members = models.ManyToManyField(User, related_name="teams", blank=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name


class Service(ConfigRow):
    """A program of ours. Its keys carry its scopes; `aliases` limits what it may call (empty: everything)."""

    name = models.CharField(max_length=63, unique=True, validators=[SLUG])
    description = models.CharField(max_length=300, blank=True)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="services")
    scopes = models.JSONField(default=list)
    aliases = models.JSONField(default=list, blank=True)
    enabled = models.BooleanField(default=True)
    is_internal = models.BooleanField(default=False)
    """The playground's own service: it has no key and can't be deleted."""
    person = models.OneToOneField(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="personal_service"
    )
    """Whose own keys these are: they open for as long as the person may hold keys, and go with the person."""

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ServiceKey(models.Model):
    """A key of a service, kept as a hash. The plaintext is shown once, when it is made."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="keys")
    label = models.CharField(max_length=120, blank=True)
    hash = models.CharField(max_length=64, unique=True)
    """SHA-256 of the key, in hex. The key has 256 random bits, so a slow hash would protect nothing more."""
    last4 = models.CharField(max_length=4)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.service.name} …{self.last4}"
