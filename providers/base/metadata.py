"""What a provider folder declares about itself, and what is known of its models. Data only: nothing here calls out.

The admin UI builds its forms from this, the documentation its tables, and the environment reader its variable names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from providers.base.parameters import ParameterRules
from providers.errors import LLMProviderInvalidRequestError

Capability = Literal[
    "chat",
    "stream",
    "tools",
    "vision",
    "documents",
    "audio",
    "json",
    "reasoning",
    "completions",
    "embeddings",
    "models",
]
OptionType = Literal["text", "url", "integer", "number", "boolean", "choice", "list", "json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialField:
    """One thing that opens the vendor's door. `env` are the variables it is read from, the first one preferred."""

    name: str = "api_key"
    label: str = "API key"
    env: tuple[str, ...] = ()
    is_required: bool = True
    is_secret: bool = True
    help: str = ""
    prefix: str = ""
    """How the vendor's keys begin, where they all begin alike; shown as a hint, never enforced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionField:
    """One setting of a provider, as the form shows it.

    `header` sends its value as that HTTP header, `body` as that field of each chat body; an option with neither is read
    by the provider's own code.
    """

    name: str
    label: str
    type: OptionType = "text"
    default: Any = None
    help: str = ""
    choices: tuple[str, ...] = ()
    header: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMetadata:
    """All that is to be known of a provider without talking to it."""

    slug: str
    label: str
    docs_url: str
    dialect: str = "openai"
    """Whose wire format it speaks: `openai`, or its own."""
    base_url: str | None = None
    keys_url: str = ""
    """The page where people make their API keys."""
    default_model: str | None = None
    credentials: tuple[CredentialField, ...] = (CredentialField(),)
    options: tuple[OptionField, ...] = ()
    capabilities: frozenset[Capability] = frozenset({"chat", "stream"})
    env: Mapping[str, str | tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Setting → environment variable, e.g. `{"base_url": "OPENAI_BASE_URL"}`; of several the first that is set counts.
    Keys stand in `credentials`."""
    key_prefixes: tuple[str, ...] = ()
    """Beginnings of keys that belong to this vendor and to no other."""
    is_self_hosted: bool = False
    auth_header: str = "authorization"
    auth_scheme: str = "Bearer"
    """What stands before the key in `auth_header`; empty for the bare key."""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Sent with every call."""
    chat_path: str = "/chat/completions"
    completions_path: str = "/completions"
    embeddings_path: str = "/embeddings"
    models_path: str = "/models"
    health_path: str = ""
    """A free call that needs the key; left empty it is `models_path`."""
    parameters: ParameterRules = field(default_factory=ParameterRules)
    """What holds for every model of this vendor."""
    takes_extra_content: bool = True
    """Whether messages of earlier turns may carry what other vendors add to theirs (`extra_content` of tool calls,
    `reasoning_content`); where not, it is left out."""
    takes_developer_role: bool = False
    """Whether messages may have the role `developer`; where not, they are sent as `system`, its older name."""
    asks_for_stream_usage: bool = True
    """Whether streams are asked for usage with `stream_options`."""
    takes_any_model: bool = False
    """Whether models that `models.toml` does not list may be asked for too."""

    @property
    def needs_key(self) -> bool:
        return any(credential.name == "api_key" and credential.is_required for credential in self.credentials)

    def has(self, capability: Capability) -> bool:
        return capability in self.capabilities

    def variables(self) -> dict[str, tuple[str, ...]]:
        """Setting → the environment variables that it is read from, the preferred one first."""
        settings = {name: (names,) if isinstance(names, str) else names for name, names in self.env.items()}
        return settings | {credential.name: credential.env for credential in self.credentials if credential.env}

    def option_defaults(self) -> dict[str, Any]:
        return {option.name: option.default for option in self.options if option.default is not None}


@dataclass(frozen=True, slots=True)
class ConfigRequirements:
    """What must and what may be set before a provider can be called."""

    provider: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    env: Mapping[str, str]
    """Setting → the environment variable it is read from."""

    @classmethod
    def from_metadata(cls, metadata: ProviderMetadata) -> ConfigRequirements:
        required = [credential.name for credential in metadata.credentials if credential.is_required]
        optional = [credential.name for credential in metadata.credentials if not credential.is_required]
        (optional if metadata.base_url else required).append("base_url")
        optional += ["default_model", *(option.name for option in metadata.options)]
        env = {setting: names[0] for setting, names in metadata.variables().items()}
        return cls(metadata.slug, tuple(required), tuple(optional), env)

    def missing_in(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """The required names that `settings` leaves empty."""
        return tuple(name for name in self.required if not settings.get(name))


class ModelMetadata:
    """What one model is and takes, for code that names models by class. Nothing here calls an API.

    `NAME` is the model's name at its provider. Limits are tokens, costs USD per thousand tokens as text or None when
    unknown. `SUPPORTED_PARAMS` left empty means that nothing is known against any parameter.
    """

    NAME: ClassVar[str] = ""
    MAX_TOKENS: ClassVar[int | None] = None
    CONTEXT_WINDOW: ClassVar[int | None] = None
    SUPPORTED_PARAMS: ClassVar[frozenset[str]] = frozenset()
    COST_PER_1K_INPUT: ClassVar[Any] = None
    COST_PER_1K_OUTPUT: ClassVar[Any] = None
    PARAMETERS: ClassVar[ParameterRules] = ParameterRules()

    @classmethod
    def validate_params(cls, params: Mapping[str, Any]) -> None:
        """Raise `LLMProviderInvalidRequestError` naming the first parameter that this model doesn't take."""
        for name, value in params.items():
            if value is None:
                continue
            if cls.SUPPORTED_PARAMS and name not in cls.SUPPORTED_PARAMS:
                known = ", ".join(sorted(cls.SUPPORTED_PARAMS))
                raise LLMProviderInvalidRequestError(
                    f"{cls.NAME} does not take the parameter {name}. It takes: {known}.", model=cls.NAME
                )
            cls.PARAMETERS.check(name, value, model=cls.NAME)
        cls._check_limits(params)

    @classmethod
    def _check_limits(cls, params: Mapping[str, Any]) -> None:
        wanted = params.get("max_tokens", params.get("max_completion_tokens"))
        if wanted is None:
            return
        if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 1:
            raise LLMProviderInvalidRequestError(f"max_tokens must be a whole number above 0, not {wanted!r}.")
        if cls.MAX_TOKENS is not None and wanted > cls.MAX_TOKENS:
            raise LLMProviderInvalidRequestError(
                f"{cls.NAME} writes at most {cls.MAX_TOKENS} tokens, and max_tokens asks for {wanted}.", model=cls.NAME
            )
